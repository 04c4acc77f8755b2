import ChaosCore

/// `seq-kv`: sequentially consistent. A request that changes nothing is answered from one of the last
/// 32 states, never from one before what the same node saw last; one that changes something takes
/// effect on the newest.
struct SequentialStore: Service {
    /// How many states there are to choose from, as in Maelstrom.
    static let stateCount = 32

    private struct Version {
        let state: Int
        let value: JSONValue
    }

    /// The number of the newest state.
    private var newest = 0
    /// The values of each key, the oldest first, with the state in which each began.
    private var versions: [JSONValue: [Version]] = [:]
    /// The last state that each node saw.
    private var seen: [String: Int] = [:]

    mutating func answer(
        _ request: KeyValueRequest, of node: String, draws: inout Generator
    ) -> KeyValueReply {
        let oldest = max(self.newest - Self.stateCount + 1, self.seen[node] ?? 0, 0)
        let chosen = oldest + draws.next(below: self.newest - oldest + 1)
        let old = request.outcome { self.value(of: $0, in: chosen) }
        guard let wanted = old.change, self.value(of: wanted.key, in: chosen) != wanted.value else {
            self.seen[node] = chosen
            return old.reply
        }
        let outcome = request.outcome { self.value(of: $0, in: self.newest) }
        if let (key, value) = outcome.change, self.value(of: key, in: self.newest) != value {
            self.newest += 1
            self.append(Version(state: self.newest, value: value), to: key)
        }
        self.seen[node] = self.newest
        return outcome.reply
    }

    private func value(of key: JSONValue, in state: Int) -> JSONValue? {
        self.versions[key]?.last { $0.state <= state }?.value
    }

    /// Adds a version and forgets those that no state shows any more.
    private mutating func append(_ version: Version, to key: JSONValue) {
        var all = self.versions[key] ?? []
        all.append(version)
        let oldest = version.state - Self.stateCount + 1
        if let first = all.lastIndex(where: { $0.state <= oldest }) { all.removeFirst(first) }
        self.versions[key] = all
    }
}
