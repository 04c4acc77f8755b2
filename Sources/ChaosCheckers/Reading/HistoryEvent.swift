import ChaosCore

/// Turns one event, as JSON or EDN wrote it, into an operation.
///
/// Our own files have every member. Jepsen's and Elle's leave out what does not matter: the index is then
/// the position, the time follows the index, and the operation is a transaction. Processes that are
/// no numbers, such as `:nemesis`, are no clients, and their events are skipped.
struct HistoryEvents {
    private(set) var history = History()
    private var position = 0
    private var lastIndex = -1

    /// Adds the event that stands at a line.
    mutating func append(_ event: JSONValue, line: Int) throws(HistoryError) {
        let reader = EventReader(event: event, line: line)
        let position = self.position
        self.position += 1
        guard let process = try reader.process() else { return }
        let index = try reader.number("index").map { Int($0) } ?? max(position, self.lastIndex &+ 1)
        guard index > self.lastIndex else {
            throw HistoryError(
                line: line, rule: "'index' must grow, found \(index) after \(self.lastIndex)")
        }
        self.lastIndex = index
        self.history.append(
            Operation(
                index: index, process: process, kind: try reader.kind(),
                function: try reader.function(), value: event["value"] ?? .null,
                time: Instant(nanoseconds: try reader.number("time") ?? Int64(index)),
                node: event["node"]?.stringValue,
                isFinal: (event["final"] ?? event["final?"])?.boolValue ?? false,
                error: reader.error))
    }
}

private struct EventReader {
    let event: JSONValue
    let line: Int

    private func value(_ key: String) -> JSONValue? {
        let value = self.event[key]
        return value == .null ? nil : value
    }

    /// A whole number, or `nil` when the member is missing.
    func number(_ key: String) throws(HistoryError) -> Int64? {
        guard let value = self.value(key) else { return nil }
        guard let number = value.intValue, number >= 0 else {
            throw HistoryError(line: self.line, rule: "'\(key)' must be a whole number from 0 up")
        }
        return number
    }

    /// The process; `nil` when it is no client.
    func process() throws(HistoryError) -> Int? {
        // What is no event at all is told by its most telling member.
        _ = try self.kind()
        if self.value("process")?.stringValue != nil { return nil }
        guard let number = try self.number("process") else {
            throw HistoryError(line: self.line, rule: "'process' must be a whole number from 0 up")
        }
        return Int(number)
    }

    func kind() throws(HistoryError) -> Operation.Kind {
        guard case .object = self.event else {
            throw HistoryError(line: self.line, rule: "an event must be an object or a map")
        }
        guard let type = self.value("type")?.stringValue else {
            throw HistoryError(line: self.line, rule: "'type' must be a string")
        }
        guard let kind = Operation.Kind(rawValue: type.withoutColon) else {
            let rule = "'type' must be invoke, ok, fail or info, found '\(type)'"
            throw HistoryError(line: self.line, rule: rule)
        }
        return kind
    }

    func function() throws(HistoryError) -> String {
        guard let value = self.value("f") else { return "txn" }
        guard let text = value.stringValue else {
            throw HistoryError(line: self.line, rule: "'f' must be a string")
        }
        return text.withoutColon
    }

    var error: String? { self.value("error").map { $0.stringValue ?? $0.text } }
}

extension String {
    /// The name without the colon that some writers of JSON leave in front of keywords.
    var withoutColon: String { self.hasPrefix(":") ? String(self.dropFirst()) : self }
}
