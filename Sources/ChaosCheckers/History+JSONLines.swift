import ChaosCore

/// Says which line of a history file cannot be read, and why.
package struct HistoryError: Error, Hashable, CustomStringConvertible {
    /// The line, counted from 1.
    package let line: Int
    /// The rule that was broken.
    package let rule: String

    /// One sentence: where and what.
    package var description: String { "line \(self.line): \(self.rule)" }
}

extension Operation {
    /// The event as a JSON object; members that say nothing are left out.
    package var json: JSONValue {
        var object: JSONObject = [
            "index": .int(Int64(self.index)), "process": .int(Int64(self.process)),
            "type": .string(self.kind.rawValue), "f": .string(self.function),
            "value": self.value, "time": .int(self.time.nanoseconds),
        ]
        if let node = self.node { object["node"] = .string(node) }
        if self.isFinal { object["final"] = true }
        if let error = self.error { object["error"] = .string(error) }
        return .object(object)
    }

    /// The event as one line of `history.jsonl`, without the line feed.
    package var jsonLine: String { self.json.text }

    /// Reads an event from a JSON object; the message of the error names the member.
    fileprivate init(json: JSONValue, line: Int) throws(HistoryError) {
        func number(_ key: String) throws(HistoryError) -> Int64 {
            guard let number = json[key]?.intValue, number >= 0 else {
                throw HistoryError(line: line, rule: "'\(key)' must be a whole number from 0 up")
            }
            return number
        }
        func text(_ key: String) throws(HistoryError) -> String {
            guard let text = json[key]?.stringValue else {
                throw HistoryError(line: line, rule: "'\(key)' must be a string")
            }
            return text
        }
        let type = try text("type")
        guard let kind = Kind(rawValue: type) else {
            let rule = "'type' must be invoke, ok, fail or info, found '\(type)'"
            throw HistoryError(line: line, rule: rule)
        }
        self.init(
            index: Int(try number("index")), process: Int(try number("process")), kind: kind,
            function: try text("f"), value: json["value"] ?? .null,
            time: Instant(nanoseconds: try number("time")), node: json["node"]?.stringValue,
            isFinal: json["final"]?.boolValue ?? false, error: json["error"]?.stringValue)
    }
}

extension History {
    /// The history as text, one event a line.
    package var jsonLines: String {
        self.operations.map { $0.jsonLine + "\n" }.joined()
    }

    /// Reads a history from JSON lines; empty lines are skipped.
    ///
    /// - Throws: `HistoryError` for the first line that is not an event.
    package init(parsingJSONLines text: String) throws(HistoryError) {
        self.init()
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for (offset, line) in lines.enumerated() where !line.utf8.isEmpty {
            let json: JSONValue
            do {
                json = try JSONValue(parsing: line.utf8)
            } catch {
                throw HistoryError(line: offset + 1, rule: error.description)
            }
            self.append(try Operation(json: json, line: offset + 1))
        }
    }
}
