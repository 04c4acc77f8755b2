import ChaosCore
import NodeKit
import OrderedCollections

/// A lattice of additions and removals, or something that is taken for one.
protocol RemovableElements: Lattice {
    /// What is left, each once.
    var elements: OrderedSet<JSONValue> { get }
    /// The parts that remove what is known of an element.
    func removals(of element: JSONValue) -> [JSONValue]
}

extension ObservedRemoveSet: RemovableElements {}

/// A set with removals whose nodes tell each other what is new (``DeltaReplica``).
struct DeltaSetNode<State: RemovableElements>: Node {
    private var replica = DeltaReplica<State>()
    private var membership = Membership(id: "", members: [], seed: 0)
    private var additions: Int64 = 0

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.membership = membership
            return self.replica.start(membership)
        case .timer: return self.replica.tell()
        case .message(let message)
        where DeltaReplica<State>.messageTypes.contains(message.type):
            return self.replica.receive(message)
        case .message(let request):
            do {
                switch try RemovableSetRequest(request) {
                case .add(let element):
                    self.additions += 1
                    let dot: JSONValue = [
                        .string(self.membership.id),
                        .int(Int64(bitPattern: self.membership.life.incarnation)),
                        .int(self.additions),
                    ]
                    return self.write(
                        [ObservedRemoveSet.part(dot, element, isRemoved: false)], for: request)
                case .remove(let element):
                    return self.write(self.replica.state.removals(of: element), for: request)
                case .read:
                    let elements = Array(self.replica.state.elements)
                    return [.reply(to: request, ["type": "read_ok", "value": .array(elements)])]
                }
            } catch {
                return [error.answer]
            }
        }
    }

    /// Writes parts down, and acknowledges them; the next time of telling tells them.
    private mutating func write(_ parts: [JSONValue], for request: Message) -> [Effect] {
        parts.filter { self.replica.learn($0) }.map { .append($0) }
            + [.reply(to: request, ["type": .string("\(request.type)_ok")])]
    }
}

/// No lattice: of a dot that it has not seen it does not remember that it was removed, so what it becomes depends on the order in which
/// it hears of additions and removals.
struct ContextFreeSet: RemovableElements {
    private var seen = ObservedRemoveSet()

    var elements: OrderedSet<JSONValue> { self.seen.elements }

    func removals(of element: JSONValue) -> [JSONValue] { self.seen.removals(of: element) }

    static func key(of part: JSONValue) -> JSONValue? { ObservedRemoveSet.key(of: part) }

    func part(of key: JSONValue) -> JSONValue? { self.seen.part(of: key) }

    mutating func join(_ part: JSONValue) -> Bool {
        guard let dot = Self.key(of: part) else { return false }
        let isRemoval = part.arrayValue?.last == true
        if isRemoval, self.seen.part(of: dot) == nil { return false }
        return self.seen.join(part)
    }
}
