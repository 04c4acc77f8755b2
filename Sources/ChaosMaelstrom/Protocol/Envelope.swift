import ChaosCore

/// Where the parts of one line lie that a node wrote: Maelstrom's envelope
/// `{"src": …, "dest": …, "body": {…}}`.
///
/// The line itself is passed on as it is, so whatever a node has to say arrives as it said it.
package struct Envelope: Hashable, Sendable {
    /// Who says that it sends.
    package let source: String
    /// Whom the message is for.
    package let destination: String
    /// Where the body lies in the line, braces included.
    package let body: Range<Int>
    /// Whether the sender numbered the message itself.
    package let hasNumber: Bool
    /// Members that the protocol does not know.
    package let extraMembers: [String]
    /// Where the first member begins: behind the opening brace.
    private let start: Int

    /// Reads the envelope of one line.
    ///
    /// - Throws: `EnvelopeError` when the line is not exactly one such message.
    package init(of line: [UInt8]) throws(EnvelopeError) {
        var skipper = JSONSkipper(line)
        skipper.skipSpace()
        guard skipper.current == UInt8(ascii: "{") else {
            throw EnvelopeError(
                "a message is one JSON object on a line",
                hint: "standard output is for messages alone; log to standard error")
        }
        self.start = skipper.position + 1
        var parts = Parts()
        do throws(JSONSkipper.Problem) {
            try skipper.eachMember { skipper, key throws(JSONSkipper.Problem) in
                try parts.take(line, key, &skipper)
            }
        } catch {
            throw EnvelopeError(
                "a message is one JSON object on a line: byte \(error.offset): \(error.rule)")
        }
        skipper.skipSpace()
        if skipper.current == UInt8(ascii: "{") {
            throw EnvelopeError(
                "a line holds one message, and here a second one begins at byte \(skipper.position)",
                hint: "end every message with a line feed")
        }
        if skipper.current != nil {
            throw EnvelopeError(
                "a line holds one message and nothing more, but goes on at byte \(skipper.position)"
            )
        }
        self.source = try Self.name(parts.source, "its sender's name", "src")
        self.destination = try Self.name(parts.destination, "its receiver's name", "dest")
        guard let body = parts.body else {
            throw EnvelopeError("a message has an object in 'body'")
        }
        self.body = body
        self.hasNumber = parts.hasNumber
        self.extraMembers = parts.extra
    }

    private static func name(
        _ part: String??, _ what: String, _ key: String
    ) throws(EnvelopeError) -> String {
        switch part {
        case .some(.some(let name)): return name
        case .some(.none): throw EnvelopeError("a message has \(what) as a text in '\(key)'")
        case .none: throw EnvelopeError("a message has \(what) in '\(key)'")
        }
    }

    /// The body as a value.
    package func body(of line: [UInt8]) -> JSONObject {
        // It was walked over before; what a walk takes and a reader does not (a number too great)
        // counts as saying nothing.
        (try? JSONValue(parsing: line[self.body]))?.objectValue ?? [:]
    }

    /// What stands in the body's `in_reply_to`, if anything does.
    package func reference(in line: [UInt8]) -> ArraySlice<UInt8>? {
        var skipper = JSONSkipper(line, at: self.body.lowerBound)
        var found: Range<Int>?
        // It was walked over before, so nothing is wrong with it; what ends the walk is that it has been found.
        try? skipper.eachMember { skipper, key throws(JSONSkipper.Problem) in
            let start = skipper.position
            try skipper.skipValue()
            if line[key].elementsEqual("in_reply_to".utf8) {
                found = start..<skipper.position
                throw skipper.problem("")
            }
        }
        return found.map { line[$0] }
    }

    /// The line with a number of the message in front, as Maelstrom gives its nodes.
    package func numbered(_ line: [UInt8], as number: UInt64) -> [UInt8] {
        if self.hasNumber { return line }
        var numbered: [UInt8] = []
        numbered.reserveCapacity(line.count + 16)
        numbered += "{\"id\":\(number),".utf8
        numbered += line[self.start...]
        return numbered
    }

    /// What was found while walking over the members.
    private struct Parts {
        var source: String??
        var destination: String??
        var body: Range<Int>?
        var hasNumber = false
        var extra: [String] = []

        mutating func take(
            _ line: [UInt8], _ key: Range<Int>, _ skipper: inout JSONSkipper
        ) throws(JSONSkipper.Problem) {
            let name = Self.text(line, key)
            let start = skipper.position
            let first = skipper.current
            try skipper.skipValue()
            let isText = first == UInt8(ascii: "\"")
            let text = isText ? Self.text(line, (start + 1)..<(skipper.position - 1)) : nil
            switch name {
            case "src": self.source = .some(text)
            case "dest": self.destination = .some(text)
            case "body": self.body = first == UInt8(ascii: "{") ? start..<skipper.position : nil
            case "id": self.hasNumber = true
            default: self.extra.append(name)
            }
        }

        /// A text between its quotes; rarely one with escapes.
        private static func text(_ line: [UInt8], _ range: Range<Int>) -> String {
            if line[range].contains(UInt8(ascii: "\\")) {
                let quoted =
                    (try? JSONValue(parsing: line[(range.lowerBound - 1)...range.upperBound]))
                if let text = quoted?.stringValue { return text }
            }
            return String(decoding: line[range], as: UTF8.self)
        }
    }
}

/// Says why a line of a node is no message.
package struct EnvelopeError: Error, Hashable, Sendable {
    /// The rule that was broken.
    package let rule: String
    /// What would mend it, where that is known.
    package let hint: String?

    init(_ rule: String, hint: String? = nil) {
        self.rule = rule
        self.hint = hint
    }
}
