import ChaosCheckers
import ChaosControl

/// Everything that `report.html` shows.
package struct ReportInput: Sendable {
    /// What the run came to.
    package var result: RunResult
    /// What clients invoked and saw.
    package var history: History
    /// The links as they were in the end.
    package var links: [RunStatus.Link]
    /// The last lines of each node's output, in the scenario's order.
    package var logs: [NodeLog]
    /// The states of the nodes over time.
    package var states: [NodeSpan]
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
            self.messages, participants: self.logs.map(\.node), spans: self.states,
            faults: self.result.faults, elapsed: self.result.elapsed)
    }

    /// The last lines of one node's output.
    package struct NodeLog: Hashable, Sendable {
        /// The node's name.
        package var node: String
        /// The lines, oldest first.
        package var lines: [String]

        /// Makes a log.
        package init(node: String, lines: [String]) {
            self.node = node
            self.lines = lines
        }
    }

    /// Makes the input of a report.
    package init(
        result: RunResult, history: History = History(), links: [RunStatus.Link] = [],
        logs: [NodeLog] = [], states: [NodeSpan] = [], messages: MessageLog = MessageLog()
    ) {
        self.result = result
        self.history = history
        self.links = links
        self.logs = logs
        self.states = states
        self.messages = messages
    }
}
