import ChaosCore

/// `lww-kv`: two replicas that tell each other now and then; of two writes the later one stays, by
/// Lamport's clocks. Each request goes to either of them.
struct LastWriteWinsStore: Service {
    private struct Entry {
        var timestamp: Int
        var value: JSONValue
    }

    private struct Replica {
        var clock = 0
        var entries: [JSONValue: Entry] = [:]

        /// Takes over what is later elsewhere. Of two writes at one time the other's stays: so replicas
        /// agree once one has told the other.
        mutating func merge(_ other: Replica) {
            self.clock = max(self.clock, other.clock)
            self.entries.merge(other.entries) { $0.timestamp > $1.timestamp ? $0 : $1 }
        }
    }

    /// Maelstrom's documents say five, its code has two.
    private var replicas = [Replica(), Replica()]

    mutating func answer(
        _ request: KeyValueRequest, of node: String, draws: inout Generator
    ) -> KeyValueReply {
        let source = draws.next(below: self.replicas.count)
        let target = draws.next(below: self.replicas.count)
        if source != target { self.replicas[target].merge(self.replicas[source]) }
        let chosen = draws.next(below: self.replicas.count)
        if case .compareAndSet(let key, let from, let to, true) = request {
            // Maelstrom's has no such member, and ignores it.
            return self.apply(
                .compareAndSet(key: key, from: from, to: to, createsIfAbsent: false), to: chosen)
        }
        return self.apply(request, to: chosen)
    }

    private mutating func apply(_ request: KeyValueRequest, to index: Int) -> KeyValueReply {
        let outcome = request.outcome { self.replicas[index].entries[$0]?.value }
        if let (key, value) = outcome.change {
            self.replicas[index].clock += 1
            self.replicas[index].entries[key] = Entry(
                timestamp: self.replicas[index].clock, value: value)
        }
        return outcome.reply
    }
}
