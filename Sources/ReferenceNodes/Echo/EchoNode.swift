import ChaosCore
import NodeKit

// S01: every request is answered with its own payload.
//
//     echo{echo} -> echo_ok{echo}

extension ReferenceSystem {
    static let echo = ReferenceSystem(
        name: "echo", summary: "answers every request with its own payload",
        variants: [
            Variant("plain", "one answer to each request") { EchoNode() },
            Variant("relay", "asks the next node, and knows answers by their number") {
                RelayedEcho()
            },
            Variant("relay-fifo", "asks the next node, and takes answers in the order of asking") {
                RelayedEchoInOrder()
            },
            Variant("one-read", "takes whatever it reads at once for one message") {
                OneReadEcho()
            },
        ])
}

/// Answers `echo{echo}` with `echo_ok{echo}`: the payload comes back as it was.
struct EchoNode: Node {
    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        guard case .message(let request) = input else { return [] }
        guard request.type == "echo" else { return [.unsupported(request)] }
        return [.reply(to: request, ["type": "echo_ok", "echo": request["echo"] ?? nil])]
    }
}

/// The same behind a reader that does not know that TCP is a stream: half a message, or two, is none.
struct OneReadEcho: NodeTakingReadsForMessages {
    private var node = EchoNode()

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        self.node.handle(input, at: now)
    }
}

/// Lets the next node of the cluster say what it hears; alone it does so itself.
///
///     relayed{echo} -> relayed_ok{echo}
struct RelayedEcho: CallingNode {
    var calls = Calls<RelayedEcho>()
    private var next: String?

    mutating func receive(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.next = membership.next
            return []
        case .message(let request) where request.type == "relayed":
            return [.relayed(request)]
        case .message(let request) where request.type == "echo":
            guard let next = self.next else { return [.echoed(request, request["echo"])] }
            let body: JSONObject = ["type": "relayed", "echo": request["echo"] ?? nil]
            return self.call(next, body, .repeated(within: .seconds(2))) { _, answer, _ in
                guard let answer = answer.message else {
                    return [.error(to: request, .temporarilyUnavailable, "nobody answers")]
                }
                return [.echoed(request, answer["echo"])]
            }
        case .message(let request): return [.unsupported(request)]
        case .timer: return []
        }
    }
}

/// The same by someone who relies on order: what comes back first belongs to what was asked first. One answer
/// that does not come, and each later one goes to somebody else.
struct RelayedEchoInOrder: Node {
    private var next: String?
    private var waiting: [Message] = []

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.next = membership.next
            return []
        case .message(let request) where request.type == "relayed":
            return [.relayed(request)]
        case .message(let answer) where answer.type == "relayed_ok":
            if self.waiting.isEmpty { return [] }
            return [.echoed(self.waiting.removeFirst(), answer["echo"])]
        case .message(let request) where request.type == "echo":
            guard let next = self.next else { return [.echoed(request, request["echo"])] }
            self.waiting.append(request)
            let id = JSONValue.int(request.id ?? 0)
            return [
                .send(
                    to: next, ["type": "relayed", "echo": request["echo"] ?? nil, "msg_id": id])
            ]
        case .message(let request): return [.unsupported(request)]
        case .timer: return []
        }
    }
}

extension Membership {
    /// The node behind this one, if there is another.
    fileprivate var next: String? {
        guard let place = self.members.firstIndex(of: self.id), self.members.count > 1 else {
            return nil
        }
        return self.members[(place + 1) % self.members.count]
    }
}

extension Effect {
    fileprivate static func echoed(_ request: Message, _ payload: JSONValue?) -> Effect {
        .reply(to: request, ["type": "echo_ok", "echo": payload ?? nil])
    }

    fileprivate static func relayed(_ request: Message) -> Effect {
        .reply(to: request, ["type": "relayed_ok", "echo": request["echo"] ?? nil])
    }
}
