import ChaosCore
import NodeKit
import OrderedCollections

/// Tells neighbours once, as the naive variant does, and repairs what that misses by comparing
/// notes: anti-entropy (Demers et al., Epidemic Algorithms for Replicated Database Maintenance,
/// PODC 1987).
///
///     A -> B  digest{buckets}            a number for each bucket of A's values
///     B -> A  values{buckets, values}    B's values in the buckets whose numbers differ
///     A -> B  values{values}             A's values in those buckets that B did not list
///
/// New values travel in a `values{values}` of their own, at once.
///
/// No state about neighbours is kept, so nothing about them can be wrong: a neighbour that lost
/// messages, or its whole memory, differs and is told.
struct GossipBroadcast: Node {
    /// The mean time between two comparisons that a node begins; each waits 50% to 150% of it.
    private static let interval = Duration.milliseconds(200)

    private var state = BroadcastState()
    private var digest = BroadcastDigest()
    private var randomness = Randomness(seed: 0, label: "")

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.state.start(membership)
            self.randomness = membership.randomness
            return [self.nextComparison()]
        case .timer:
            return self.compare() + [self.nextComparison()]
        case .message(let message):
            return self.handle(message)
        }
    }

    private mutating func handle(_ message: Message) -> [Effect] {
        switch message.type {
        case "broadcast":
            let value = message["message"] ?? nil
            return self.learn([value], from: message.source)
                + [.reply(to: message, ["type": "broadcast_ok"])]
        case "digest": return self.answer(digest: message)
        case "values": return self.take(values: message)
        default: return self.state.answer(message)
        }
    }

    private mutating func nextComparison() -> Effect {
        .setTimer("compare", after: self.randomness.jittered(Self.interval))
    }

    /// Begins to compare notes with one neighbour.
    private mutating func compare() -> [Effect] {
        guard let neighbour = self.randomness.pick(self.state.neighbours) else { return [] }
        return [.send(to: neighbour, ["type": "digest", "buckets": self.digest.json])]
    }

    private func answer(digest message: Message) -> [Effect] {
        let buckets = self.digest.differences(from: message["buckets"])
        if buckets.isEmpty { return [] }
        let body: JSONObject = [
            "type": "values", "buckets": .array(buckets.map { .int(Int64($0)) }),
            "values": .array(self.values(in: buckets)),
        ]
        return [.send(to: message.source, body)]
    }

    private mutating func take(values message: Message) -> [Effect] {
        let theirs = message["values"]?.arrayValue ?? []
        var effects = self.learn(theirs, from: message.source)
        let buckets = (message["buckets"]?.arrayValue ?? []).compactMap {
            $0.intValue.map(Int.init)
        }
        let known = OrderedSet(theirs)
        let missing = self.values(in: buckets).filter { !known.contains($0) }
        if !missing.isEmpty {
            let body: JSONObject = ["type": "values", "values": .array(missing)]
            effects.append(.send(to: message.source, body))
        }
        return effects
    }

    private func values(in buckets: [Int]) -> [JSONValue] {
        self.state.values.filter { buckets.contains(BroadcastDigest.bucket(of: $0)) }
    }

    /// Passes new values on to all neighbours but the one they came from.
    private mutating func learn(_ values: [JSONValue], from source: String) -> [Effect] {
        let news = values.filter { self.state.learn($0) }
        if news.isEmpty { return [] }
        for value in news { self.digest.insert(value) }
        return self.state.neighbours.filter { $0 != source }.map { neighbour in
            .send(to: neighbour, ["type": "values", "values": .array(news)])
        }
    }
}
