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
        logs: [NodeLog] = []
    ) {
        self.result = result
        self.history = history
        self.links = links
        self.logs = logs
    }
}
