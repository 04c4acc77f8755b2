/// A node's copy of a replicated state, and how it keeps up with the others: news travel at once,
/// and what that misses is repaired by comparing notes (anti-entropy; Demers et al., Epidemic
/// Algorithms for Replicated Database Maintenance, PODC 1987).
///
///     A -> B  digest{buckets}            a number for each bucket of A's parts
///     B -> A  values{buckets, values}    B's parts in the buckets whose numbers differ
///     A -> B  values{values}             A's parts in those buckets that B did not list
///
/// News are a `values{values}` of their own. No state about other replicas is kept, so nothing about
/// them can be wrong: one that lost messages, or its whole memory, differs and is told.
///
/// The owner hands in every message of these two types, and the timer ``timer``.
public struct Replica<State: Lattice>: Sendable {
    /// The types of the messages between replicas.
    public static var messageTypes: Set<String> { ["digest", "values"] }
    /// The name of the timer that begins a comparison.
    public static var timer: String { "compare" }

    /// What is known.
    public private(set) var state = State()
    /// To whom news are passed on.
    public var neighbours: [String] = []
    /// With whom notes are compared; the neighbours where it is empty.
    public var partners: [String] = []

    private let interval: Duration
    private var digest = LatticeDigest()
    private var randomness = Randomness(seed: 0, label: "")

    /// Makes an empty replica.
    ///
    /// - Parameter interval: The mean time between two comparisons that a node begins; each waits
    ///   50% to 150% of it.
    public init(comparingEvery interval: Duration = .milliseconds(200)) {
        self.interval = interval
    }

    /// Begins to live, with all other nodes as neighbours and with the parts that the node's log has.
    public mutating func start(_ membership: Membership) -> [Effect] {
        self.neighbours = membership.others
        self.randomness = membership.randomness
        for record in membership.life.records { _ = self.join(record) }
        return [self.nextComparison()]
    }

    /// Joins a part; `false` when it was known.
    public mutating func join(_ part: JSONValue) -> Bool {
        guard let key = State.key(of: part) else { return false }
        let old = self.state.part(of: key)
        guard self.state.join(part), let new = self.state.part(of: key) else { return false }
        self.digest.replace(old, by: new, of: key)
        return true
    }

    /// Joins parts and passes the new ones on to all neighbours but the one they came from.
    public mutating func learn(_ parts: [JSONValue], from source: String) -> [Effect] {
        let news = parts.filter { self.join($0) }
        if news.isEmpty { return [] }
        return self.neighbours.filter { $0 != source }.map { neighbour in
            .send(to: neighbour, ["type": "values", "values": .array(news)])
        }
    }

    /// All that is known, in parts.
    public var parts: [JSONValue] { self.parts(in: Array(self.digest.buckets)) }

    /// Begins to compare notes with one partner, and sets the timer for the next time.
    public mutating func compare() -> [Effect] {
        let partners = self.partners.isEmpty ? self.neighbours : self.partners
        let comparison = self.randomness.pick(partners).map { partner in
            Effect.send(to: partner, ["type": "digest", "buckets": self.digest.json])
        }
        return (comparison.map { [$0] } ?? []) + [self.nextComparison()]
    }

    /// Handles a message of another replica.
    public mutating func receive(_ message: Message) -> [Effect] {
        message.type == "digest" ? self.answer(message) : self.take(message)
    }

    private mutating func nextComparison() -> Effect {
        .setTimer(Self.timer, after: self.randomness.jittered(self.interval))
    }

    private func answer(_ message: Message) -> [Effect] {
        let buckets = self.digest.differences(from: message["buckets"])
        if buckets.isEmpty { return [] }
        let body: JSONObject = [
            "type": "values", "buckets": .array(buckets.map { .int(Int64($0)) }),
            "values": .array(self.parts(in: buckets)),
        ]
        return [.send(to: message.source, body)]
    }

    private mutating func take(_ message: Message) -> [Effect] {
        let theirs = message["values"]?.arrayValue ?? []
        var effects = self.learn(theirs, from: message.source)
        let buckets = (message["buckets"]?.arrayValue ?? []).compactMap {
            $0.intValue.map(Int.init)
        }
        // After the joins, what they listed just as it is here they need not be told.
        let known = Set(theirs)
        let missing = self.parts(in: buckets).filter { !known.contains($0) }
        if !missing.isEmpty {
            let body: JSONObject = ["type": "values", "values": .array(missing)]
            effects.append(.send(to: message.source, body))
        }
        return effects
    }

    private func parts(in buckets: [Int]) -> [JSONValue] {
        self.digest.keys(in: buckets).compactMap { self.state.part(of: $0) }
    }
}
