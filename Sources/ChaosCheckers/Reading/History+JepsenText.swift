import ChaosCore

extension History {
    /// Reads the events among the lines of Jepsen's `history.txt` or log:
    /// `INFO  jepsen.util - 3⇥:invoke⇥:write⇥4`.
    ///
    /// Lines of other shapes are what a log says besides, and skipped; a value that cannot be read is an
    /// error.
    package init(parsingJepsenText text: String) throws(HistoryError) {
        var events = HistoryEvents()
        var line = 0
        for bytes in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false) {
            line += 1
            guard let event = try Self.event(inJepsenLine: bytes, line: line) else { continue }
            try events.append(event, line: line)
        }
        if events.history.operations.isEmpty && !text.utf8.allSatisfy({ $0 <= 0x20 }) {
            throw HistoryError(
                line: 1, rule: "a history is JSON lines, a JSON array, EDN or Jepsen's history.txt")
        }
        self = events.history
    }

    private static func event(
        inJepsenLine bytes: Substring.UTF8View.SubSequence, line: Int
    ) throws(HistoryError) -> JSONValue? {
        let fields = bytes.split(separator: 0x09, maxSplits: 4, omittingEmptySubsequences: false)
        guard fields.count >= 3 else { return nil }
        let texts = fields.map { field in
            String(decoding: field, as: UTF8.self).trimmed
        }
        let kinds = Operation.Kind.allCases.map { ":" + $0.rawValue }
        guard kinds.contains(texts[1]), texts[2].hasPrefix(":") else { return nil }
        let process = texts[0].split(separator: " ").last.map(String.init) ?? ""
        var event: JSONObject = [
            "process": Int64(process).map { .int($0) } ?? .string(process),
            "type": .string(texts[1]), "f": .string(texts[2]),
        ]
        if fields.count > 3 {
            var reader = EDNReader(fields[3], firstLine: line)
            event["value"] = try reader.next()
        }
        if fields.count > 4, !texts[4].isEmpty { event["error"] = .string(texts[4]) }
        return .object(event)
    }
}

extension String {
    /// The text without spaces and control characters at its ends.
    fileprivate var trimmed: String {
        let isSpace: (Unicode.Scalar) -> Bool = { $0.value <= 0x20 }
        var rest = self.unicodeScalars[...]
        while let last = rest.last, isSpace(last) { rest.removeLast() }
        return String(rest.drop(while: isSpace))
    }
}
