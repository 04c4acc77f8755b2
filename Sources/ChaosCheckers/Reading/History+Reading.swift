import ChaosCore

extension History {
    /// Reads a history in whatever of these forms it is: JSON lines or a JSON array of events; EDN maps
    /// one after the other or in a vector, as Jepsen's `history.edn`; or the lines of Jepsen's
    /// `history.txt` and log, whose fields are separated by tabs.
    ///
    /// - Throws: `HistoryError` at the first place that breaks the form's rules.
    package init(parsing text: String) throws(HistoryError) {
        switch HistoryForm(text.utf8) {
        case .jsonLines: try self.init(parsingJSONLines: text)
        case .jsonArray: try self.init(parsingJSONArray: text)
        case .edn: try self.init(parsingEDN: text)
        case .jepsenText: try self.init(parsingJepsenText: text)
        }
    }

    /// Reads a history from JSON lines; empty lines are skipped.
    ///
    /// - Throws: `HistoryError` for the first line that is not an event.
    package init(parsingJSONLines text: String) throws(HistoryError) {
        var events = HistoryEvents()
        var line = 0
        // A line feed inside a string is escaped, so that bytes can be split.
        for bytes in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false) {
            line += 1
            if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
            try events.append(try Self.json(bytes, line: line), line: line)
        }
        self = events.history
    }

    /// Reads a history from one JSON array.
    ///
    /// - Throws: `HistoryError` for the first element that is not an event.
    package init(parsingJSONArray text: String) throws(HistoryError) {
        var events = HistoryEvents()
        for piece in try JSONPieces(Array(text.utf8)).pieces {
            let json = try Self.json(piece.bytes, line: piece.line)
            try events.append(json, line: piece.line)
        }
        self = events.history
    }

    private static func json(
        _ bytes: some Collection<UInt8>, line: Int
    ) throws(HistoryError) -> JSONValue {
        do {
            return try JSONValue(parsing: bytes)
        } catch {
            throw HistoryError(line: line, rule: error.description)
        }
    }

    /// Reads a history from EDN: maps one after the other, or one vector or list of them.
    ///
    /// - Throws: `HistoryError` with line and column for the first value that is not an event.
    package init(parsingEDN text: String) throws(HistoryError) {
        var events = HistoryEvents()
        var reader = EDNReader(text.utf8)
        let isSequence = try reader.enterSequence()
        var lines = LineCounter(text.utf8)
        while let value = try isSequence ? reader.nextElement() : reader.next() {
            try events.append(value, line: lines.line(at: reader.offset))
        }
        self = events.history
    }
}

/// The forms in which histories are written.
private enum HistoryForm {
    case jsonLines
    case jsonArray
    case edn
    case jepsenText

    /// Tells the form by how the text begins.
    init(_ bytes: some Collection<UInt8>) {
        let isSpace: (UInt8) -> Bool = { $0 <= 0x20 || $0 == UInt8(ascii: ",") }
        var rest = bytes.drop(while: isSpace)
        let first = rest.first
        if first == UInt8(ascii: "[") || first == UInt8(ascii: "{") {
            rest = rest.dropFirst().drop(while: isSpace)
        }
        // JSON's arrays hold objects whose members start with a quote.
        if first == UInt8(ascii: "["), rest.first == UInt8(ascii: "{") {
            rest = rest.dropFirst().drop(while: isSpace)
        }
        switch (first, rest.first) {
        case (UInt8(ascii: "{"), UInt8(ascii: "\"")): self = .jsonLines
        case (UInt8(ascii: "["), UInt8(ascii: "\"")): self = .jsonArray
        case (UInt8(ascii: "{"), _), (UInt8(ascii: "["), _), (UInt8(ascii: "("), _),
            (UInt8(ascii: "#"), _), (UInt8(ascii: ";"), _):
            self = .edn
        default: self = .jepsenText
        }
    }
}
