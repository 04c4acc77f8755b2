import ChaosCore

/// One line of a run's journal: an event, or a decision of the engine.
package struct JournalEntry: Hashable, Sendable {
    /// When.
    package var at: Instant
    /// What: `connection`, `decision`, `fault`, `partition`, `warning`, ….
    package var event: String
    /// Everything else, in order.
    package var details: JSONObject

    /// Makes an entry.
    package init(at: Instant, event: String, details: JSONObject = [:]) {
        self.at = at
        self.event = event
        self.details = details
    }

    /// The entry as one JSON object; `t` is in seconds since the run started.
    package var json: JSONValue {
        var members: [(key: String, value: JSONValue)] = [
            ("t", .double(Double(self.at.nanoseconds / 1000) / 1e6)),
            ("event", .string(self.event)),
        ]
        members += self.details.members
        return .object(JSONObject(members))
    }
}
