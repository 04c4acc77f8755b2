import ChaosCore
import ChaosScenario
import Synchronization

/// What the supervisor knows of one node. Lives in the supervisor's actor only.
final class NodeRecord {
    /// Why the process may end without that being news.
    enum Intent { case none, kill, stop }

    let spec: NodeSpec
    let patterns: [LogPattern]
    let log: LineFile
    var state = NodeState.starting
    /// The state to go back to after a pause.
    var stateBeforePause = NodeState.starting
    var intent = Intent.none
    /// Counts the processes that the node has had, so that late news of an old one are recognised.
    var generation = 0
    var process: HostedProcess?
    var output: NodeOutput?
    var recent = RecentLines(patterns: [])
    var started = Instant.start
    var budget: RestartBudget
    var pendingRestart: Task<Void, Never>?
    /// Why this generation did not become ready in time.
    var notReady: NodeFailure?
    /// Who waits for the state to change.
    var waiting: [CheckedContinuation<Void, Never>] = []
    /// Operations on the node go one after the other.
    var isBusy = false
    var queued: [CheckedContinuation<Void, Never>] = []

    init(spec: NodeSpec, patterns: [LogPattern], log: LineFile) {
        self.spec = spec
        self.patterns = patterns
        self.log = log
        self.budget = RestartBudget(policy: spec.restart)
    }
}

/// The last lines of one process, and which of the awaited patterns it has written.
///
/// Filled on the thread that reads the output, read by the supervisor.
final class RecentLines: Sendable {
    static let countMax = 20

    private struct State {
        var lines: [String] = []
        var isMatched: [Bool]
    }

    private let patterns: [LogPattern]
    private let state: Mutex<State>

    init(patterns: [LogPattern]) {
        self.patterns = patterns
        self.state = Mutex(State(isMatched: patterns.map { _ in false }))
    }

    func add(_ line: String) {
        let awaited = self.state.withLock { state in
            if state.lines.count == Self.countMax { state.lines.removeFirst() }
            state.lines.append(line)
            return state.isMatched.indices.filter { !state.isMatched[$0] }
        }
        for index in awaited where self.patterns[index].matches(line) {
            self.state.withLock { $0.isMatched[index] = true }
        }
    }

    var lines: [String] { self.state.withLock { $0.lines } }

    /// Whether a line has matched the pattern with this text.
    func hasMatched(_ text: String) -> Bool {
        guard let index = self.patterns.firstIndex(where: { $0.text == text }) else { return false }
        return self.state.withLock { $0.isMatched[index] }
    }
}
