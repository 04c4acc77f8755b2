import ChaosCore
import NodeKit

/// The OR-set as a replica.
struct DottedSetNode: Node {
    private var replica = Replica<ObservedRemoveSet>()
    private var membership = Membership(id: "", members: [], seed: 0)
    private var additions: Int64 = 0

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.membership = membership
            return self.replica.start(membership)
        case .timer: return self.replica.compare()
        case .message(let message)
        where Replica<ObservedRemoveSet>.messageTypes.contains(message.type):
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

    /// Writes parts down, tells them, and acknowledges them.
    private mutating func write(_ parts: [JSONValue], for request: Message) -> [Effect] {
        let answer = Effect.reply(to: request, ["type": .string("\(request.type)_ok")])
        return parts.map { .append($0) } + self.replica.learn(parts, from: self.membership.id)
            + [answer]
    }
}
