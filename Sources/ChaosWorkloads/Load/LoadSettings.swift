import ChaosCore

/// How much load a workload makes, and how long its clients wait.
package struct LoadSettings: Hashable, Sendable {
    /// How the times between requests spread around their mean.
    package enum Arrivals: String, Hashable, Sendable, CaseIterable {
        /// Evenly between zero and twice the mean, as Maelstrom's.
        case uniform
        /// Exponentially: a Poisson process, as of many independent clients.
        case exponential
    }

    /// What becomes of a client that waits for a reply.
    package enum Loop: String, Hashable, Sendable, CaseIterable {
        /// Its next request goes out on time all the same.
        case open
        /// It waits, as a process of Jepsen's does.
        case closed
    }

    /// How many clients there are.
    package enum Concurrency: Hashable, Sendable {
        /// So many.
        case clients(Int)
        /// So many for each node: `2n`.
        case perNode(Int)

        /// The number of clients for a cluster.
        package func count(nodes: Int) -> Int {
            switch self {
            case .clients(let count): count
            case .perNode(let factor): factor * nodes
            }
        }
    }

    /// Requests per second over all clients.
    package var rate = EventRate(perSecond: 10)
    /// Whether no requests are sent at all (Maelstrom's rate 0); final reads are.
    package var isIdle = false
    /// What becomes of a client that waits.
    package var loop = Loop.open
    /// The number of clients, each with one connection to one node.
    package var concurrency = Concurrency.perNode(1)
    /// How long a cluster is left in peace before the final reads; `nil` lets the run decide.
    package var recovery: Duration?
    /// How long requests are sent.
    package var duration = Duration.seconds(10)
    /// How long a client waits for a reply before it calls the outcome unknown.
    package var timeout = Duration.seconds(5)
    /// How the times between requests spread.
    package var arrivals = Arrivals.uniform

    package init() {}
}

/// The times between requests: a sequence that follows from settings and seed.
struct LoadGaps {
    private let settings: LoadSettings
    private var generator: Generator

    init(_ settings: LoadSettings, seed: Seed) {
        self.settings = settings
        self.generator = seed.derived("arrivals").generator
    }

    mutating func next() -> Duration {
        let mean = self.settings.rate.meanInterval
        let gap: Int64 =
            switch self.settings.arrivals {
            case .uniform: Int64(self.generator.next(below: Int(2 * mean)))
            case .exponential:
                DelayDistribution.exponential.nanoseconds(
                    latency: 0, jitter: mean, random: self.generator.next32())
            }
        return .nanoseconds(Swift.max(1, gap))
    }
}

/// When which client sends its next request: a sequence that follows from settings and seed.
struct LoadPlan: Sequence, IteratorProtocol {
    /// One request to come.
    struct Slot: Hashable {
        /// When it is to be sent, from the start of the load.
        let offset: Duration
        /// Which client sends it, counted from 0.
        let client: Int
        /// The number of the request, counted from 0.
        let ordinal: Int
    }

    private let settings: LoadSettings
    private let clientCount: Int
    private var gaps: LoadGaps
    private var nanoseconds: Int64 = 0
    private var ordinal = 0

    init(_ settings: LoadSettings, clientCount: Int, seed: Seed) {
        self.settings = settings
        self.clientCount = clientCount
        self.gaps = LoadGaps(settings, seed: seed)
    }

    /// The first request is due at once; the clients take turns.
    mutating func next() -> Slot? {
        if self.nanoseconds >= self.settings.duration.wholeNanoseconds { return nil }
        let slot = Slot(
            offset: .nanoseconds(self.nanoseconds), client: self.ordinal % self.clientCount,
            ordinal: self.ordinal)
        self.nanoseconds += self.gaps.next().wholeNanoseconds
        self.ordinal += 1
        return slot
    }
}
