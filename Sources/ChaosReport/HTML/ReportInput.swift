import ChaosCheckers

/// Everything that `report.html` shows.
package struct ReportInput: Sendable {
    /// What the run came to.
    package var result: RunResult
    /// What clients invoked and saw.
    package var history: History
    /// What each node wrote and in which states it was, in the scenario's order.
    package var logs: [LogExcerpt]
    /// The messages that were taken down.
    package var messages: MessageLog

    /// The report's files by name.
    package var files: [(name: String, text: String)] {
        let diagram = self.diagram
        let report = ("report.html", HTMLReport.render(self, diagram))
        return diagram.isEmpty ? [report] : [report, ("messages.svg", diagram.file)]
    }

    /// The messages over time.
    var diagram: SpaceTime {
        SpaceTime(
            self.messages, participants: self.logs.map(\.node),
            spans: self.logs.flatMap(\.states), faults: self.result.faults,
            elapsed: self.result.elapsed)
    }

    /// Makes the input of a report.
    package init(
        result: RunResult, history: History = History(), logs: [LogExcerpt] = [],
        messages: MessageLog = MessageLog()
    ) {
        self.result = result
        self.history = history
        self.logs = logs
        self.messages = messages
    }
}
