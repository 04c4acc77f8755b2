import ChaosCheckers
import ChaosCore
import ChaosReport
import ChaosRun

/// What a run in a test came to.
public struct ClusterVerdict: Sendable, CustomStringConvertible {
    /// What the checks say.
    public enum Kind: String, Sendable {
        /// Everything that was promised was observed.
        case valid
        /// Something was observed that breaks a promise.
        case invalid
        /// Nothing decisive was observed, or a fault touched nothing.
        case unknown
        /// The scenario checks nothing, and there was nothing to doubt.
        case notChecked = "not checked"
    }

    /// What the checks say, all together.
    public let kind: Kind
    /// Why, in sentences, the most important first.
    public let reasons: [String]
    /// What people should know although it changes nothing.
    public let warnings: [String]
    /// The names of what went wrong, such as `lost`.
    public let anomalies: [String]
    /// Everything that was done to the run, in the order in which it began.
    public let faults: [Fault]
    /// The nodes that ended although nobody asked them to, once for each time.
    public let deaths: [String]
    /// The seed of every decision.
    public let seed: UInt64
    /// Where the run left its files; gone after a run that came out well, unless the test said where.
    public let runDirectory: String

    /// One thing that was done to the run.
    public struct Fault: Sendable {
        /// Names it in the run.
        public let id: String
        /// What it did, in the words of a scenario.
        public let text: String
        /// How many connections, messages, blocks or signals were exposed to it.
        public let touched: Int
        /// How many of them it struck.
        public let hits: Int
        /// How many bytes crossed what it cut; 0 unless something leaked.
        public let crossedBytes: Int
    }

    init(_ result: RunResult) {
        self.kind = result.verdict.flatMap { Kind(rawValue: $0.rawValue) } ?? .notChecked
        self.reasons = result.reasons
        self.warnings = result.warnings
        self.anomalies = result.findings.flatMap(\.anomalies)
        self.faults = result.faults.map { fault in
            let crossed = result.cuts.filter { $0.id == fault.id }.map(\.crossedBytes)
            return Fault(
                id: fault.id, text: fault.text, touched: fault.touched, hits: fault.hits,
                crossedBytes: crossed.reduce(0, +))
        }
        self.deaths = result.deaths.map(\.node.text)
        self.seed = result.seed.value
        self.runDirectory = result.directory
    }

    /// The verdict and its reasons.
    public var description: String {
        ([self.kind.rawValue] + self.reasons.map { "  \($0)" }).joined(separator: "\n")
    }
}

/// Why a run in a test could not be carried out, or that it came out badly.
public struct ChaosFailure: Error, Sendable, CustomStringConvertible {
    /// What went wrong, where the run's files lie, and what repeats it.
    public let description: String
    /// What the run came to, if it could be carried out.
    public let verdict: ClusterVerdict?

    init(_ description: String, verdict: ClusterVerdict? = nil) {
        self.description = description
        self.verdict = verdict
    }
}
