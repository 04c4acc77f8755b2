import ChaosCore

/// One line of a run's journal: an event, or a decision of the engine.
package struct JournalEntry: Hashable, Sendable {
    /// When.
    package let at: Instant
    private let content: Content

    /// Connections open and close by the thousands in a second: theirs are turned into words only
    /// when somebody reads them.
    private enum Content: Hashable {
        case event(String, JSONObject)
        case opened(Link, ordinal: Int)
        indirect case closed(Link, ordinal: Int, DirectionSummary, DirectionSummary)
    }

    /// Makes an entry.
    package init(at: Instant, event: String, details: JSONObject = [:]) {
        self.at = at
        self.content = .event(event, details)
    }

    /// A connection was opened over a link.
    init(at: Instant, opened link: Link, ordinal: Int) {
        self.at = at
        self.content = .opened(link, ordinal: ordinal)
    }

    /// A connection is gone.
    init(
        at: Instant, closed link: Link, ordinal: Int, forward: DirectionSummary,
        backward: DirectionSummary
    ) {
        self.at = at
        self.content = .closed(link, ordinal: ordinal, forward, backward)
    }

    /// What: `connection`, `decision`, `fault`, `partition`, `warning`, ….
    package var event: String {
        if case .event(let event, _) = self.content { event } else { "connection" }
    }

    /// Everything else, in order.
    package var details: JSONObject {
        switch self.content {
        case .event(_, let details): return details
        case .opened(let link, let ordinal):
            return JSONObject(Self.connection("opened", link, ordinal))
        case .closed(let link, let ordinal, let forward, let backward):
            return JSONObject(
                Self.connection("closed", link, ordinal) + [
                    ("forward", forward.json), ("backward", backward.json),
                ])
        }
    }

    private static func connection(
        _ state: String, _ link: Link, _ ordinal: Int
    ) -> [(key: String, value: JSONValue)] {
        [
            ("state", .string(state)), ("link", .string(link.description)),
            ("connection", ordinal.json),
        ]
    }

    /// The entry as one JSON object; `t` is in seconds since the run started.
    package var json: JSONValue {
        var members: [(key: String, value: JSONValue)] = [
            ("t", .double(self.seconds)), ("event", .string(self.event)),
        ]
        members += self.details.members
        return .object(JSONObject(members))
    }

    private var seconds: Double { Double(self.at.nanoseconds / 1000) / 1e6 }
}

extension JournalEntry {
    /// Puts the text of ``json`` behind others.
    package func write(to lines: inout String) {
        switch self.content {
        case .event: lines += self.json.text
        case .opened(let link, let ordinal):
            self.write("opened", link, ordinal, to: &lines)
            lines += "}"
        case .closed(let link, let ordinal, let forward, let backward):
            self.write("closed", link, ordinal, to: &lines)
            lines += ",\"forward\":"
            forward.write(to: &lines)
            lines += ",\"backward\":"
            backward.write(to: &lines)
            lines += "}"
        }
    }

    /// Names have no characters that JSON would escape.
    private func write(_ state: String, _ link: Link, _ ordinal: Int, to lines: inout String) {
        lines += "{\"t\":"
        lines += String(self.seconds)
        lines += ",\"event\":\"connection\",\"state\":\""
        lines += state
        lines += "\",\"link\":\""
        lines += link.source.text
        lines += "->"
        lines += link.target.text
        lines += ":"
        lines += link.port.text
        lines += "\",\"connection\":"
        lines += String(ordinal)
    }
}

/// What the journal tells about a direction of a connection that is gone.
struct DirectionSummary: Hashable, Sendable {
    var counters = DirectionCounters()
    /// How many random decisions were made, and the hash over them.
    var decisions = 0
    var fingerprint: UInt64 = 0

    /// All that there is to tell, without what is zero.
    private var numbers: [(key: String, value: Int)] {
        var numbers = [
            (key: "received", value: self.counters.received),
            (key: "written", value: self.counters.written),
        ]
        if self.counters.lost > 0 { numbers.append(("lost", self.counters.lost)) }
        if self.counters.duplicated > 0 { numbers.append(("duplicated", self.counters.duplicated)) }
        if self.counters.discarded > 0 { numbers.append(("discarded", self.counters.discarded)) }
        if self.decisions > 0 { numbers.append(("decisions", self.decisions)) }
        return numbers
    }

    var json: JSONValue {
        var object = JSONObject(self.numbers.map { ($0.key, $0.value.json) })
        if self.decisions > 0 {
            object["fingerprint"] = .string(String(self.fingerprint, radix: 16))
        }
        return .object(object)
    }

    fileprivate func write(to lines: inout String) {
        let isPlain =
            self.counters.lost == 0 && self.counters.duplicated == 0
            && self.counters.discarded == 0 && self.decisions == 0
        if !isPlain {
            lines += self.json.text
            return
        }
        lines += "{\"received\":"
        lines += String(self.counters.received)
        lines += ",\"written\":"
        lines += String(self.counters.written)
        lines += "}"
    }
}
