import ChaosCore
import NodeKit

// S19: a set to which every node adds, and from which every node removes.
//
//     add{element} -> add_ok   remove{element} -> remove_ok   read -> read_ok{value: […]}

extension ReferenceSystem {
    static let orSet = ReferenceSystem(
        name: "or-set", summary: "a set with removals, the same everywhere in the end",
        variants: [
            Variant("dots", "additions have dots, and removals mark those they saw; on disk") {
                DottedSetNode()
            },
            Variant("no-tombstones", "removes and forgets: who missed it brings the element back") {
                ForgetfulSetNode()
            },
        ])
}

/// The requests to a set with removals.
enum RemovableSetRequest {
    case add(JSONValue)
    case remove(JSONValue)
    case read

    /// Reads a request.
    ///
    /// - Throws: ``RequestRefusal`` with the answer to give where it is none.
    init(_ message: Message) throws(RequestRefusal) {
        switch message.type {
        case "read": self = .read
        case "add", "remove":
            guard let element = message["element"] else {
                throw RequestRefusal(message, "'\(message.type)' has something in 'element'")
            }
            self = message.type == "add" ? .add(element) : .remove(element)
        default: throw RequestRefusal(unsupported: message)
        }
    }
}

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
