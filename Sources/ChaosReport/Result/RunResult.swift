import ChaosCheckers
import ChaosCore

/// What a run came to: the content of `results.json`, from which every report is made.
package struct RunResult: Hashable, Sendable {
    /// The scenario's name.
    package var scenario: String
    /// The seed of every decision.
    package var seed: Seed
    /// The verdict of all checks together, or `nil` when nothing was checked.
    package var verdict: Verdict?
    /// The process's exit code; 0 means that the run is as it should be.
    package var exitCode: Int32
    /// How the command beside the cluster ended, if there was one.
    package var commandExit: Int32?
    /// Why, in sentences, the most important first.
    package var reasons: [String]
    /// What the scenario expected, such as `invalid (lost)`, if it said so.
    package var expectation: String?
    /// The backend that carried the traffic.
    package var backend: String
    /// How long the run lasted.
    package var elapsed: Duration
    /// The run directory.
    package var directory: String
    /// The command that does it again.
    package var repeatCommand: String
    /// What each checker found, in the scenario's order.
    package var findings: [Finding] = []
    /// Everything that was done to the run, in the order in which it began.
    package var faults: [Fault] = []
    /// The faults of the scenario's own network, which were on from beginning to end.
    package var background: [Fault] = []
    /// What crossed each link while it was cut.
    package var cuts: [Cut] = []
    /// What people should know although it changes nothing.
    package var warnings: [String] = []
    /// Counts and latencies of operations, and what crossed between nodes that speak messages.
    package var statistics: JSONObject = [:]
    /// The nodes that ended although nobody asked them to.
    package var deaths: [Death] = []
    /// What went over each link that was used.
    package var links: [LinkTraffic] = []

    /// Makes the result of a run in which nothing was done or found yet.
    package init(
        scenario: String, seed: Seed, verdict: Verdict?, exitCode: Int32, reasons: [String] = [],
        expectation: String? = nil, backend: String = "proxy", elapsed: Duration,
        directory: String, repeatCommand: String
    ) {
        self.scenario = scenario
        self.seed = seed
        self.verdict = verdict
        self.exitCode = exitCode
        self.reasons = reasons
        self.expectation = expectation
        self.backend = backend
        self.elapsed = elapsed
        self.directory = directory
        self.repeatCommand = repeatCommand
    }
}

// MARK: - Parts

extension RunResult {
    /// One thing that was done to the run.
    package struct Fault: Hashable, Sendable {
        /// Names it in the run.
        package var id: String
        /// What it did, in the words of a scenario.
        package var text: String
        /// When it took effect.
        package var begin: Instant
        /// When it ended; `nil` lasted to the end.
        package var end: Instant?
        /// How many connections, messages, blocks or signals were exposed to it.
        package var touched: Int
        /// How many of them it struck.
        package var hits: Int
        /// Who wanted it: `background`, `schedule` or `control`.
        package var origin: String

        /// Makes a fault.
        package init(
            id: String, text: String, begin: Instant, end: Instant?, touched: Int, hits: Int,
            origin: String = "schedule"
        ) {
            self.id = id
            self.text = text
            self.begin = begin
            self.end = end
            self.touched = touched
            self.hits = hits
            self.origin = origin
        }
    }

    /// The leak proof of one link: what crossed it while it was cut.
    package struct Cut: Hashable, Sendable {
        /// The injection that cut it.
        package var id: String
        /// The link.
        package var link: Link
        /// When the cut began.
        package var from: Instant
        /// When it ended; `nil` lasted to the end.
        package var to: Instant?
        /// How many bytes crossed; anything but 0 is a leak.
        package var crossedBytes: Int

        /// Makes a proof.
        package init(id: String, link: Link, from: Instant, to: Instant?, crossedBytes: Int) {
            self.id = id
            self.link = link
            self.from = from
            self.to = to
            self.crossedBytes = crossedBytes
        }
    }

    /// What went over one link.
    package struct LinkTraffic: Hashable, Sendable {
        /// The link.
        package var link: Link
        /// How many connections used it in the end.
        package var connections: Int
        /// How many messages arrived; 0 without a framing.
        package var messages: Int
        /// How many bytes arrived.
        package var bytes: Int

        /// Makes the traffic of a link.
        package init(_ link: Link, connections: Int, messages: Int, bytes: Int) {
            self.link = link
            self.connections = connections
            self.messages = messages
            self.bytes = bytes
        }
    }

    /// A node that ended although nobody asked it to.
    package struct Death: Hashable, Sendable {
        /// The node.
        package var node: NodeName
        /// How it ended: `exit status 1`, `signal 11 (SIGSEGV)`.
        package var status: String
        /// When.
        package var at: Instant
        /// Its last lines of output.
        package var lastLines: [String]

        /// Makes a death.
        package init(node: NodeName, status: String, at: Instant, lastLines: [String]) {
            self.node = node
            self.status = status
            self.at = at
            self.lastLines = lastLines
        }
    }
}

extension RunResult {
    /// Whether the run is as it should be: valid, or what the scenario expected.
    package var isPassed: Bool { self.exitCode == 0 }

    /// The verdict for people; without checks there is none.
    var verdictWord: String { self.verdict?.rawValue ?? "not checked" }

    /// Whether the exit code is the wrapped command's: then it means what that command says.
    var isExitOfCommand: Bool {
        // Where both are 0, the verdict says more.
        self.commandExit == self.exitCode && (self.exitCode != 0 || self.verdict == nil)
    }

    /// The exit code in words (design, section 6).
    var exitReason: String {
        if self.isExitOfCommand { return "the wrapped command ended with \(self.exitCode)" }
        return switch self.exitCode {
        case 0: "as expected"
        case 1: "invalid"
        case 2: "unknown"
        case 64: "usage"
        case 65: "bad input file"
        case 69: "the environment lacks a capability"
        case 70: "a bug of chaos"
        case 75: "a node died"
        case 130: "interrupted"
        default: "the wrapped command ended with \(self.exitCode)"
        }
    }
}
