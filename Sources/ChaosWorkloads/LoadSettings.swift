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

    /// Requests per second over all clients. Requests go out on time, whatever became of earlier
    /// ones.
    package var rate = EventRate(perSecond: 10)
    /// The number of clients, each with one connection to one node; `nil` is one for each node.
    package var concurrency: Int?
    /// How long requests are sent.
    package var duration = Duration.seconds(10)
    /// How long a client waits for a reply before it calls the outcome unknown.
    package var timeout = Duration.seconds(5)
    /// How the times between requests spread.
    package var arrivals = Arrivals.uniform

    package init() {}
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
    private var generator: Generator
    private var nanoseconds: Int64 = 0
    private var ordinal = 0

    init(_ settings: LoadSettings, clientCount: Int, seed: Seed) {
        self.settings = settings
        self.clientCount = clientCount
        self.generator = seed.derived("arrivals").generator
    }

    /// The first request is due at once; the clients take turns.
    mutating func next() -> Slot? {
        if self.nanoseconds >= self.settings.duration.wholeNanoseconds { return nil }
        let slot = Slot(
            offset: .nanoseconds(self.nanoseconds), client: self.ordinal % self.clientCount,
            ordinal: self.ordinal)
        let mean = self.settings.rate.meanInterval
        let gap: Int64 =
            switch self.settings.arrivals {
            case .uniform: Int64(self.generator.next(below: Int(2 * mean)))
            case .exponential:
                DelayDistribution.exponential.nanoseconds(
                    latency: 0, jitter: mean, random: self.generator.next32())
            }
        self.nanoseconds += Swift.max(1, gap)
        self.ordinal += 1
        return slot
    }
}
