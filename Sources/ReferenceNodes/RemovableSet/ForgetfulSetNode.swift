import ChaosCore
import NodeKit

/// A set that takes an element out and knows nothing more about it. Sets are compared as wholes.
///
///     removed{element}, elements{elements}
struct ForgetfulSetNode: Node {
    private var membership = Membership(id: "", members: [], seed: 0)
    private var randomness = Randomness(seed: 0, label: "")
    private var elements: [JSONValue] = []

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.membership = membership
            self.randomness = membership.randomness
            for record in membership.life.records {
                guard let element = record["element"] else { continue }
                self.apply(element, isRemoved: record["removed"] == true)
            }
            return [self.nextComparison()]
        case .timer:
            let whole: JSONObject = ["type": "elements", "elements": .array(self.elements)]
            let partner = self.randomness.pick(self.membership.others)
            return (partner.map { [.send(to: $0, whole)] } ?? []) + [self.nextComparison()]
        case .message(let message) where message.type == "elements":
            for element in message["elements"]?.arrayValue ?? [] {
                self.apply(element, isRemoved: false)
            }
            return []
        case .message(let message) where message.type == "removed":
            if let element = message["element"] { self.apply(element, isRemoved: true) }
            return []
        case .message(let request):
            do {
                switch try RemovableSetRequest(request) {
                case .add(let element): return self.change(element, isRemoved: false, request)
                case .remove(let element): return self.change(element, isRemoved: true, request)
                case .read:
                    return [
                        .reply(to: request, ["type": "read_ok", "value": .array(self.elements)])
                    ]
                }
            } catch {
                return [error.answer]
            }
        }
    }

    private mutating func nextComparison() -> Effect {
        .setTimer("compare", after: self.randomness.jittered(.milliseconds(200)))
    }

    private mutating func apply(_ element: JSONValue, isRemoved: Bool) {
        self.elements.removeAll { $0 == element }
        if !isRemoved { self.elements.append(element) }
    }

    private mutating func change(
        _ element: JSONValue, isRemoved: Bool, _ request: Message
    ) -> [Effect] {
        self.apply(element, isRemoved: isRemoved)
        let news: JSONObject =
            isRemoved
            ? ["type": "removed", "element": element] : ["type": "elements", "elements": [element]]
        return [.append(["element": element, "removed": .bool(isRemoved)])]
            + self.membership.others.map { .send(to: $0, news) }
            + [.reply(to: request, ["type": .string("\(request.type)_ok")])]
    }
}
