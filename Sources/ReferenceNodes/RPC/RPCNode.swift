import ChaosCore
import NodeKit

/// Calls procedures of the first node; that one is the server.
///
/// The server's log has each addition with the request that brought it, so that after a crash it still knows
/// what it has done, and for whom.
struct RPCNode: CallingNode {
    /// What is promised about a call.
    enum Guarantee: Sendable {
        case exactlyOnce, atLeastOnce, atMostOnce
    }

    var calls = Calls<RPCNode>()
    private let guarantee: Guarantee
    private var membership = Membership(id: "", members: [], seed: 0)
    private var server = ProcedureServer()
    private var answers = AnswerCache()

    init(_ guarantee: Guarantee) { self.guarantee = guarantee }

    mutating func receive(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.membership = membership
            for record in membership.life.records { self.recall(record) }
            return []
        case .timer: return []
        case .message(let request):
            do {
                let call = try ProcedureCall(request)
                if request.type == "rpc" { return self.serve(call, request) }
                return self.pass(call, request)
            } catch {
                return [error.answer]
            }
        }
    }

    private var serverName: String { self.membership.members.first ?? self.membership.id }

    private var policy: CallPolicy {
        switch self.guarantee {
        case .exactlyOnce, .atLeastOnce:
            .repeated(every: .milliseconds(150), within: .milliseconds(3500))
        case .atMostOnce: .once(within: .milliseconds(500))
        }
    }

    private mutating func pass(_ call: ProcedureCall, _ request: Message) -> [Effect] {
        self.call(self.serverName, call.body, self.policy) { _, answer, _ in
            switch answer {
            case .reply(let message): [.reply(to: request, call.answer(message.body))]
            case .error(let code, let text): [.error(to: request, code, text)]
            case .timeout: [.error(to: request, .timeout, "the server did not answer")]
            }
        }
    }

    private mutating func serve(_ call: ProcedureCall, _ request: Message) -> [Effect] {
        // Reading twice does no harm, and an old answer would.
        let isRemembered = self.guarantee == .exactlyOnce && call.function == "add"
        if isRemembered {
            switch self.answers.admit(request) {
            case .answered(let answer): return [.reply(to: request, answer)]
            case .pending: return []
            case .new: break
            }
        }
        let answer = self.server.run(call)
        if isRemembered { self.answers.note(answer, for: request) }
        let reply = Effect.reply(to: request, answer)
        if call.function != "add" { return [reply] }
        let record: JSONValue = [
            "source": .string(request.source), "body": .object(request.body),
        ]
        return [.append(record), reply]
    }

    private mutating func recall(_ record: JSONValue) {
        guard let source = record["source"]?.stringValue, let body = record["body"]?.objectValue
        else { return }
        let request = Message(from: source, to: self.membership.id, body: body)
        guard let call = try? ProcedureCall(request) else { return }
        _ = self.answers.admit(request)
        self.answers.note(self.server.run(call), for: request)
    }
}
