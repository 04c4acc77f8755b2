import ChaosCore
import NodeKit

/// What clients ask for, in the words of a server.
protocol ServerWords: Sendable {
    /// The name of the server's process.
    var server: String { get }
    /// What the server is told first.
    func command(for request: Message) -> JSONObject
    /// What it is told after it has answered a command; `nil` when the request is done.
    func command(
        for request: Message, after command: JSONObject, _ value: JSONValue
    ) -> JSONObject?
    /// The answer to the client.
    func answer(to request: Message, _ value: JSONValue) -> JSONObject
}

extension ServerWords {
    func command(
        for request: Message, after command: JSONObject, _ value: JSONValue
    ) -> JSONObject? { nil }
}

/// The other side of a ``GenericServer``, on every node: calls the one on the first node for its clients.
///
/// A call ends in exactly one way: with the reply to it, whose reference tells that it is, or with a timeout. It is
/// made again when no reply comes, and soon when the server is seen to end.
struct ServerDesk: Behaviour {
    /// What a caller may get wrong.
    enum Flaw: Sendable {
        /// The reply that comes is taken for the one that is waited for.
        case takesAnyReply
        /// Only the reply is waited for.
        case waitsForEver
    }

    private struct Call {
        let request: Message
        let command: JSONObject
        var monitor: MonitorReference?
    }

    static let name = "desk"
    private static let patience = Duration.milliseconds(300)
    private static let limit = Duration.seconds(2)
    /// The time that a supervisor has to start the server again.
    private static let breath = Duration.milliseconds(50)

    let words: any ServerWords
    let flaws: Set<Flaw>
    private var calls: [Int64: Call] = [:]
    private var count: Int64 = 0

    init(_ words: any ServerWords, _ flaws: Set<Flaw> = []) {
        self.words = words
        self.flaws = flaws
    }

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .request(let request):
            self.begin(self.words.command(for: request), for: request, &context)
        case .cast(let reply):
            let reference =
                self.flaws.contains(.takesAnyReply)
                ? self.calls.keys.min() : reply["ref"]?.intValue
            if let reference { self.take(reply, for: reference, &context) }
        case .down(let monitor, _, _):
            guard let reference = self.calls.first(where: { $0.value.monitor == monitor })?.key
            else { return }
            self.calls[reference]?.monitor = nil
            context.setTimer("again \(reference)", after: Self.breath)
        case .timer(let name):
            let words = name.split(separator: " ")
            guard let reference = Int64(words[1]), self.calls[reference] != nil else { return }
            if words[0] == "again" { return self.send(reference, &context) }
            guard let call = self.end(reference, &context) else { return }
            context.answer(.error(to: call.request, .timeout, "the server does not answer"))
        default: break
        }
    }

    private mutating func begin(
        _ command: JSONObject, for request: Message, _ context: inout ProcessContext
    ) {
        self.count += 1
        let reference = self.count
        let membership = context.membership
        var command = command
        // No other request has it: the process is of this life of the node, the reference of this process.
        command["id"] = .string("\(context.pid)\(reference)")
        command["ref"] = .int(reference)
        command["desk"] = .string(membership.id)
        self.calls[reference] = Call(request: request, command: command)
        if !self.flaws.contains(.waitsForEver) {
            context.setTimer("over \(reference)", after: Self.limit)
        }
        self.send(reference, &context)
    }

    private mutating func send(_ reference: Int64, _ context: inout ProcessContext) {
        guard let call = self.calls[reference], let node = context.membership.members.first
        else { return }
        let server = ProcessAddress.name(self.words.server, on: node)
        if !self.flaws.contains(.waitsForEver) {
            if let monitor = call.monitor { context.demonitor(monitor) }
            self.calls[reference]?.monitor = context.monitor(server)
            context.setTimer("again \(reference)", after: Self.patience)
        }
        context.cast(server, call.command)
    }

    private mutating func take(
        _ reply: JSONObject, for reference: Int64, _ context: inout ProcessContext
    ) {
        // The reply to a call that is over is nobody's.
        guard let call = self.end(reference, &context) else { return }
        guard let value = reply["value"] else {
            let sentence = reply["error"]?.stringValue ?? "the server did not answer"
            return context.answer(.error(to: call.request, .notSupported, sentence))
        }
        if let next = self.words.command(for: call.request, after: call.command, value) {
            return self.begin(next, for: call.request, &context)
        }
        context.answer(.reply(to: call.request, self.words.answer(to: call.request, value)))
    }

    /// Forgets a call, and everything that was to remind of it.
    private mutating func end(_ reference: Int64, _ context: inout ProcessContext) -> Call? {
        guard let call = self.calls.removeValue(forKey: reference) else { return nil }
        if let monitor = call.monitor { context.demonitor(monitor) }
        context.cancelTimer("again \(reference)")
        context.cancelTimer("over \(reference)")
        return call
    }
}
