import ChaosCore
import NodeKit

/// A counter as a CRDT: every life of every node adds to a slot of its own, and the log has the slot
/// before the addition is acknowledged. Its flaws are what naive variants differ in.
struct SlotCounterNode: Node {
    struct Flaws: OptionSet, Sendable {
        let rawValue: Int
        /// Nothing is written to disk, and the slot belongs to the node: a new life begins at 0 in a
        /// slot whose old sums the others remember, and until it has caught up nothing it adds shows.
        static let forgets = Flaws(rawValue: 1)
        /// What a lost message kept back is never asked for.
        static let neverCompares = Flaws(rawValue: 2)
    }

    private let flaws: Flaws
    private let isGrowOnly: Bool
    private var replica = Replica<SlotCounter>()
    private var slot: JSONValue = ""
    /// The sums of this life as the node itself counts them.
    private var own = SlotCounter()
    private var log = LogCompaction()

    init(_ flaws: Flaws = [], isGrowOnly: Bool) {
        self.flaws = flaws
        self.isGrowOnly = isGrowOnly
    }

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        let effects = self.live(input, at: now)
        guard self.log.isDue(after: effects) else { return effects }
        return effects + [self.log.rewrite(as: self.replica.parts)]
    }

    private mutating func live(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.log.start(membership.life)
            let life = membership.life.incarnation
            self.slot = .string(
                self.flaws.contains(.forgets) ? membership.id : "\(membership.id)/\(life)")
            let effects = self.replica.start(membership)
            return self.flaws.contains(.neverCompares) ? [] : effects
        case .timer:
            return self.replica.compare()
        case .message(let message) where Replica<SlotCounter>.messageTypes.contains(message.type):
            return self.replica.receive(message)
        case .message(let message):
            do {
                switch try CounterRequest(message, isGrowOnly: self.isGrowOnly) {
                case .add(let delta):
                    return self.add(delta) + [.addOk(to: message)]
                case .read: return [.readOk(to: message, self.replica.state.total)]
                }
            } catch {
                return [error.answer]
            }
        }
    }

    private mutating func add(_ delta: Int64) -> [Effect] {
        let part = self.own.part(of: self.slot, adding: delta)
        _ = self.own.join(part)
        return (self.flaws.contains(.forgets) ? [] : [.append(part)])
            + self.replica.learn([part], from: "")
    }
}
