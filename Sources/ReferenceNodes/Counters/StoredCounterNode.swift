import ChaosCore
import NodeKit

/// A counter in `seq-kv`: each node has a key of its own, with the sums of what was added there, and a
/// read adds the keys up.
///
/// - An addition changes the key from the sums it had to the new ones. Sums never come again, so a
///   change may be tried until it is known: after a lost answer the key shows whether it happened.
/// - `seq-kv` may show anybody a past state, but no older one than it showed that client before. A
///   write that changes something happens on the newest state, so a read begins with one.
struct StoredCounterNode: CallingNode {
    struct Flaws: OptionSet, Sendable {
        let rawValue: Int
        /// Reads without the write before them.
        static let readsThePast = Flaws(rawValue: 1)
    }

    /// What a node added up: what was added, and what was taken away.
    private struct Sums: Hashable {
        var plus: Int64 = 0
        var minus: Int64 = 0

        init() {}

        init(_ json: JSONValue) {
            self.plus = json.arrayValue?.first?.intValue ?? 0
            self.minus = json.arrayValue?.last?.intValue ?? 0
        }

        mutating func add(_ delta: Int64) {
            self.plus += max(0, delta)
            self.minus += max(0, -delta)
        }

        var total: Int64 { self.plus - self.minus }
        var json: JSONValue { [.int(self.plus), .int(self.minus)] }
    }

    private let flaws: Flaws
    private let isGrowOnly: Bool
    private let store = KeyValueStore.sequential
    private var membership = Membership(id: "", members: [], seed: 0)
    var calls = Calls<StoredCounterNode>()

    /// What the store has under the node's key; `nil` until that is known.
    private var stored: Sums?
    /// Whether the key is there at all.
    private var isThere = false
    /// Additions that the store does not have yet, oldest first.
    private var waiting: [(delta: Int64, request: Message)] = []
    private var isWriting = false
    private var marks: Int64 = 0
    /// Reads that wait for the next round, since each must begin after its request came.
    private var readers: [Message] = []
    private var isReading = false

    init(_ flaws: Flaws = [], isGrowOnly: Bool) {
        self.flaws = flaws
        self.isGrowOnly = isGrowOnly
    }

    mutating func receive(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.membership = membership
            return self.recover()
        case .timer:
            return []
        case .message(let message):
            do {
                switch try CounterRequest(message, isGrowOnly: self.isGrowOnly) {
                case .add(let delta):
                    self.waiting.append((delta, message))
                    return self.save()
                case .read:
                    self.readers.append(message)
                    return self.beginRound()
                }
            } catch {
                return [error.answer]
            }
        }
    }

    /// Writes something that the store does not have, after which reads show the newest state.
    private mutating func catchUp(
        then: @escaping @Sendable (inout Self, KeyValueStore.Outcome, Duration) -> [Effect]
    ) -> [Effect] {
        self.marks += 1
        let mark: JSONValue = [.int(Int64(self.membership.life.incarnation)), .int(self.marks)]
        return self.write(.string("mark \(self.membership.id)"), mark, to: self.store, then: then)
    }

    private var ownKey: JSONValue { .string(self.membership.id) }

    /// Finds out what earlier lives stored.
    private mutating func recover() -> [Effect] {
        self.catchUp { node, outcome, _ in
            if outcome != .done { return node.recover() }
            return node.read(node.ownKey, from: node.store) { node, reading, _ in
                switch reading {
                case .unknown: return node.recover()
                case .missing: node.stored = Sums()
                case .value(let json):
                    node.isThere = true
                    node.stored = Sums(json)
                }
                return node.save()
            }
        }
    }

    /// Stores all additions that wait, unless that is under way.
    private mutating func save() -> [Effect] {
        guard let stored, !self.isWriting, !self.waiting.isEmpty else { return [] }
        self.isWriting = true
        var sums = stored
        for addition in self.waiting { sums.add(addition.delta) }
        return self.change(to: sums, count: self.waiting.count)
    }

    /// Tries a change until its fate is known.
    private mutating func change(to sums: Sums, count: Int) -> [Effect] {
        guard let stored, stored != sums else { return self.saved(count) }
        let from: JSONValue? = self.isThere ? stored.json : .none
        let (key, store) = (self.ownKey, self.store)
        return self.compareAndSet(key, from: from, to: sums.json, in: store) { node, outcome, _ in
            if outcome == .done {
                node.isThere = true
                node.stored = sums
                return node.saved(count)
            }
            return node.settle(sums, count: count)
        }
    }

    /// Looks whether a change happened whose answer was lost, or was no yes.
    private mutating func settle(_ sums: Sums, count: Int) -> [Effect] {
        self.catchUp { node, outcome, _ in
            if outcome != .done { return node.settle(sums, count: count) }
            return node.read(node.ownKey, from: node.store) { node, reading, _ in
                switch reading {
                case .unknown: return node.settle(sums, count: count)
                case .missing: return node.change(to: sums, count: count)
                case .value(let json):
                    let found = Sums(json)
                    node.isThere = true
                    node.stored = found
                    if found == sums { return node.saved(count) }
                    // It did not; and where a change of an earlier life came late, ours goes on top.
                    var sums = found
                    for addition in node.waiting.prefix(count) { sums.add(addition.delta) }
                    return node.change(to: sums, count: count)
                }
            }
        }
    }

    private mutating func saved(_ count: Int) -> [Effect] {
        self.isWriting = false
        let requests = self.waiting.prefix(count).map(\.request)
        self.waiting.removeFirst(count)
        return requests.map { .addOk(to: $0) } + self.save()
    }

    private mutating func beginRound() -> [Effect] {
        guard !self.isReading, !self.readers.isEmpty else { return [] }
        self.isReading = true
        let requests = self.readers
        self.readers = []
        if self.flaws.contains(.readsThePast) {
            return self.addUp(self.membership.members[...], onto: 0, for: requests)
        }
        return self.catchUp { node, outcome, _ in
            if outcome != .done { return node.endRound(nil, for: requests) }
            return node.addUp(node.membership.members[...], onto: 0, for: requests)
        }
    }

    private mutating func addUp(
        _ members: ArraySlice<String>, onto total: Int64, for requests: [Message]
    ) -> [Effect] {
        guard let member = members.first else { return self.endRound(total, for: requests) }
        return self.read(.string(member), from: self.store) { node, reading, _ in
            let rest = members.dropFirst()
            switch reading {
            case .unknown: return node.endRound(nil, for: requests)
            case .missing: return node.addUp(rest, onto: total, for: requests)
            case .value(let json):
                return node.addUp(rest, onto: total + Sums(json).total, for: requests)
            }
        }
    }

    private mutating func endRound(_ total: Int64?, for requests: [Message]) -> [Effect] {
        self.isReading = false
        let answers = requests.map { request in
            total.map { Effect.readOk(to: request, $0) }
                ?? .error(to: request, .temporarilyUnavailable, "seq-kv does not answer")
        }
        return answers + self.beginRound()
    }
}
