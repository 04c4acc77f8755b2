import ChaosCore

/// Where the pipelines of one connection write down what they decide, and when it is now.
struct Journal {
    let network: Network
    let connectionOrdinal: Int
    let now: Instant

    /// Writes down that a fault struck.
    func decision(
        _ pipeline: StreamPipeline, _ fault: LinkFault,
        _ details: [(key: String, value: JSONValue)]
    ) {
        var members: [(key: String, value: JSONValue)] = [
            ("kind", .string(fault.kind.rawValue)), ("fault", .string(fault.injection.id)),
        ]
        members += self.place(of: pipeline) + details
        self.network.record(
            JournalEntry(at: self.now, event: "decision", details: JSONObject(members)))
    }

    /// Writes down that a stage acted on a connection for the first time.
    func struck(_ stage: Stage, _ pipeline: StreamPipeline) {
        let members = [(key: "stage", value: stage.identity.json)] + self.place(of: pipeline)
        self.network.record(
            JournalEntry(at: self.now, event: "stage", details: JSONObject(members)))
    }

    /// Writes down what a stage with a network of its own wrote there.
    func adopt(_ entry: JournalEntry, _ pipeline: StreamPipeline) {
        var details = entry.details
        details["link"] = .string(pipeline.link.link.description)
        self.network.record(JournalEntry(at: entry.at, event: entry.event, details: details))
    }

    /// Writes down that a cut took messages away.
    func lost(to cut: Cut, _ pipeline: StreamPipeline, bytes: Int) {
        var members: [(key: String, value: JSONValue)] = [
            ("kind", "lose"), ("fault", .string(cut.id)),
        ]
        members += self.place(of: pipeline) + [("bytes", bytes.json)]
        self.network.record(
            JournalEntry(at: self.now, event: "decision", details: JSONObject(members)))
    }

    /// Writes down something that the user should know.
    func warning(_ text: String, _ pipeline: StreamPipeline) {
        let members = [(key: "message", value: JSONValue.string(text))] + self.place(of: pipeline)
        self.network.record(
            JournalEntry(at: self.now, event: "warning", details: JSONObject(members)))
    }

    private func place(
        of pipeline: StreamPipeline
    ) -> [(key: String, value: JSONValue)] {
        [
            ("link", .string(pipeline.link.link.description)),
            ("connection", self.connectionOrdinal.json),
            ("direction", .string(pipeline.direction.rawValue)),
        ]
    }
}
