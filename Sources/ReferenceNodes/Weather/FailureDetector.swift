/// Tells from the signs of life of one node whether it still lives: alive, suspect, dead.
///
/// Who waits a fixed time takes a slow network for a death. This one knows how far apart signs were lately, and says how surprised it is
/// by a silence: in deviations from the mean, after the φ accrual failure detector (Hayashibara et al., SRDS 2004). And once it has
/// doubts, one sign is not enough to end them.
struct FailureDetector: Sendable {
    enum State: String, Sendable {
        case alive, suspect, dead
    }

    /// When a silence is too long.
    enum Rule: Sendable {
        /// When it is unlikely, as signs came lately.
        case adaptive
        /// After so long, whatever the network is like, and until the next sign.
        case fixed(Duration)
        /// Never: who lived once lives.
        case never
    }

    /// So many deviations above the mean are suspicious: less than one silence in ten thousand, if they were normal.
    private static let suspicion = 4.0
    /// So many are a death. Silences are not normal at all.
    private static let certainty = 8.0
    /// However regular signs are, a pause of a process for so long is nothing special.
    private static let leastDeviation = 0.05
    /// No shorter silence is a death.
    private static let leastPatience = 1.0
    /// No longer silence is anything else.
    private static let mostPatience = 2.0
    /// How many silences are remembered.
    private static let memory = 50
    /// So many signs in order end a doubt.
    private static let reassurance = 3

    private let rule: Rule
    /// In seconds.
    private var silences: [Double] = []
    private var lastSign: Duration
    private var signsInOrder = 0
    private(set) var state = State.alive
    /// How often it was taken for dead.
    private(set) var deaths: Int64 = 0
    /// How often it was suspected.
    private(set) var suspicions: Int64 = 0

    /// Begins to watch; the first sign may take as long as one of somebody who is known.
    init(_ rule: Rule, at now: Duration) {
        self.rule = rule
        self.lastSign = now
    }

    /// Takes in a sign of life.
    mutating func hear(at now: Duration) {
        let silence = (now - self.lastSign).seconds
        let surprise = self.surprise(at: silence)
        self.lastSign = now
        // A death says nothing about the network.
        if self.state != .dead {
            self.silences.append(silence)
            if self.silences.count > Self.memory { self.silences.removeFirst() }
        }
        guard case .adaptive = self.rule else {
            self.state = .alive
            return
        }
        self.signsInOrder = surprise < Self.suspicion ? self.signsInOrder + 1 : 1
        if self.signsInOrder >= Self.reassurance { self.state = .alive }
    }

    /// Looks how long the last sign is ago.
    mutating func look(at now: Duration) {
        let silence = (now - self.lastSign).seconds
        let verdict: State
        switch self.rule {
        case .never: return
        case .fixed(let patience): verdict = silence > patience.seconds ? .dead : .alive
        case .adaptive:
            let surprise = self.surprise(at: silence)
            let isDeath = surprise >= Self.certainty && silence >= Self.leastPatience
            verdict =
                isDeath || silence >= Self.mostPatience
                ? .dead : surprise >= Self.suspicion ? .suspect : .alive
        }
        switch (self.state, verdict) {
        case (.alive, .suspect): self.suspicions += 1
        case (.alive, .dead), (.suspect, .dead): self.deaths += 1
        // Only signs take a doubt back.
        default: return
        }
        self.state = verdict
    }

    /// How many deviations a silence is longer than usual.
    private func surprise(at silence: Double) -> Double {
        guard self.silences.count >= Self.reassurance else {
            return silence >= Self.leastPatience ? Self.certainty : 0
        }
        let count = Double(self.silences.count)
        let mean = self.silences.reduce(0, +) / count
        let variance = self.silences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
        let deviation = max(variance.squareRoot(), Self.leastDeviation)
        return (silence - mean) / deviation
    }
}

extension Duration {
    fileprivate var seconds: Double {
        let (seconds, attoseconds) = self.components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}
