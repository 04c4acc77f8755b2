import ChaosCore
import NodeKit

/// Says to all consumers how many pings it has sent. Saying the number, and not "one more", makes a ping
/// idempotent; the epoch makes it safe to begin anew.
struct PingProducer: Behaviour {
    private static let comparison = "compare"
    private static let interval = Duration.milliseconds(500)

    /// A request for the counts of all nodes, and who has not answered yet.
    private struct Round {
        let request: Message
        var counts: JSONObject = [:]
        var waiting: [CallReference: String] = [:]
        var bad: [String] = []
    }

    let flaws: Set<PingPong.Flaw>
    private var sent: Int64 = 0
    private var rounds: [Round] = []
    /// Whom it has heard before.
    private var met: Set<String> = []

    init(flaws: Set<PingPong.Flaw>) { self.flaws = flaws }

    /// The last number says it all.
    var snapshot: [JSONValue]? { self.flaws.contains(.forgets) ? nil : [.int(self.sent)] }

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .started:
            if !self.flaws.contains(.forgets) {
                self.sent = context.records.last?.intValue ?? 0
            }
            // A consumer that began before has asked in vain.
            self.tell(context.membership.members, &context)
            if !self.flaws.contains(.neverCompares) {
                context.setTimer(Self.comparison, after: Self.interval)
            }
        case .request(let request): try self.serve(request, &context)
        case .cast(let body) where body["type"]?.stringValue == "catch_up":
            if let node = body["node"]?.stringValue { self.tell([node], &context) }
        case .nodeUp(let node): self.greet(node, &context)
        case .timer(Self.comparison):
            self.tell(context.randomness.pick(context.connected).map { [$0] } ?? [], &context)
            context.setTimer(
                Self.comparison, after: context.randomness.jittered(Self.interval))
        case .answer(let reference, let outcome): self.take(reference, outcome, &context)
        default: break
        }
    }

    private mutating func serve(
        _ request: Message, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch request.type {
        case "send_ping":
            self.send(1, &context)
            context.answer(
                .reply(to: request, ["type": "send_ping_ok", "index": .int(self.sent)]))
        case "add":
            guard let delta = request["delta"]?.intValue, delta >= 0 else {
                let rule = "'add' has a number of pings in 'delta'"
                return context.answer(.error(to: request, .malformedRequest, rule))
            }
            self.send(delta, &context)
            context.answer(.addOk(to: request))
        default: self.ask(for: request, &context)
        }
    }

    private mutating func send(_ count: Int64, _ context: inout ProcessContext) {
        for _ in 0..<count {
            self.sent += 1
            if !self.flaws.contains(.forgets) { context.append(.int(self.sent)) }
            self.tell(context.membership.members, &context)
        }
    }

    private func ping(_ node: String, _ index: JSONValue, _ context: ProcessContext) -> JSONObject {
        let incarnation = context.membership.life.incarnation
        let epoch = self.flaws.contains(.forgets) ? 0 : Int64(bitPattern: incarnation)
        return ["type": "ping", "node": .string(node), "index": index, "epoch": .int(epoch)]
    }

    private func tell(_ nodes: [String], _ context: inout ProcessContext) {
        if self.sent == 0 { return }
        let ping = self.ping(context.membership.id, .int(self.sent), context)
        for node in nodes { context.cast(.name(PingPong.consumer, on: node), ping) }
    }

    /// Tells a node that came back what it missed. Who is heard for the first time missed nothing: what was
    /// sent to it waited for the connection.
    private mutating func greet(_ node: String, _ context: inout ProcessContext) {
        if self.met.insert(node).inserted { return }
        if self.flaws.contains(.ignoresNodeUp) || self.sent == 0 { return }
        let own = context.membership.id
        let consumer = ProcessAddress.name(PingPong.consumer, on: node)
        if self.flaws.contains(.sendsItsName) {
            context.cast(consumer, self.ping(own, .string(own), context))
        } else if self.flaws.contains(.sendsTheOthersName) {
            context.cast(consumer, self.ping(node, .int(self.sent), context))
        } else {
            self.tell([node], &context)
        }
    }

    // MARK: - The counts of all nodes

    private mutating func ask(for request: Message, _ context: inout ProcessContext) {
        var round = Round(request: request)
        for node in context.membership.members {
            let reference = context.call(
                .name(PingPong.consumer, on: node), ["type": "total_pings"],
                within: .milliseconds(800))
            round.waiting[reference] = node
        }
        self.rounds.append(round)
    }

    private mutating func take(
        _ reference: CallReference, _ outcome: CallOutcome, _ context: inout ProcessContext
    ) {
        guard let place = self.rounds.firstIndex(where: { $0.waiting[reference] != nil }),
            let node = self.rounds[place].waiting.removeValue(forKey: reference)
        else { return }
        if case .reply(let body) = outcome, let value = body["value"] {
            self.rounds[place].counts[node] = value
        } else {
            self.rounds[place].bad.append(node)
        }
        guard self.rounds[place].waiting.isEmpty else { return }
        let round = self.rounds.remove(at: place)
        let bad = round.bad.sorted().map { JSONValue.string($0) }
        context.answer(
            .reply(
                to: round.request,
                [
                    "type": "get_counts_ok", "counts": .object(round.counts), "bad": .array(bad),
                ]))
    }
}
