import ChaosCore
import NodeKit

/// Calls one procedure at a time, and so does without numbers: what comes is the answer to what was asked. After
/// a timeout that is no longer true.
struct OneSlotRPCNode: Node {
    private static let patience = "patience"

    private var membership = Membership(id: "", members: [], seed: 0)
    private var server = ProcedureServer()
    private var waiting: [(request: Message, call: ProcedureCall)] = []
    private var isAsking = false

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.membership = membership
            return []
        case .timer:
            guard self.isAsking else { return [] }
            let request = self.waiting.removeFirst().request
            return [.error(to: request, .timeout, "the server did not answer")] + self.next()
        case .message(let message) where message.type == "rpc_ok":
            guard self.isAsking else { return [] }
            let (request, call) = self.waiting.removeFirst()
            return [.reply(to: request, call.answer(message.body))] + self.next()
        case .message(let request):
            do {
                let call = try ProcedureCall(request)
                if request.type == "rpc" {
                    return [.reply(to: request, self.server.run(call))]
                }
                self.waiting.append((request, call))
                return self.isAsking ? [] : self.next()
            } catch {
                return [error.answer]
            }
        }
    }

    private mutating func next() -> [Effect] {
        guard let call = self.waiting.first?.call else {
            self.isAsking = false
            return []
        }
        self.isAsking = true
        var body = call.body
        // Only because a message without a number is not answered.
        body["msg_id"] = 0
        let server = self.membership.members.first ?? self.membership.id
        return [.send(to: server, body), .setTimer(Self.patience, after: .milliseconds(500))]
    }
}
