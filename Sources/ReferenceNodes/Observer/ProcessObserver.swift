import ChaosCore
import NodeKit

/// Shows the processes of its node, and which nodes can be heard.
///
/// It keeps the tree by what it is told of starts and ends, so a snapshot needs nobody's help; what only a process
/// itself can say (whether it answers) is asked of all at once, with a limit.
struct ProcessObserver: Behaviour {
    /// How long a process may take to answer.
    private static let patience = Duration.milliseconds(200)

    /// What somebody wants to see.
    enum View {
        case tree
        case processes
    }

    /// Somebody who wants to see something that not only the observer knows, and the answers that are still out.
    private struct Round {
        let view: View
        let request: Message
        var waiting: [CallReference: PID]
        let census: [ProcessRecord]
        var answers: Set<PID> = []
    }

    private let flaws: Set<Observed.Flaw>
    private var forest = ProcessForest()
    /// What was seen the first time, for who looks once.
    private var firstLook: ProcessForest?
    private var nodesHeard: Set<String> = []
    private var rounds: [Round] = []
    /// Who waits for the census.
    private var askers: [(view: View, request: Message)] = []

    init(flaws: Set<Observed.Flaw>) { self.flaws = flaws }

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .started:
            context.observe()
            if self.flaws.contains(.looksOnce) { context.setTimer("look", after: .seconds(1)) }
        case .timer: self.firstLook = self.forest
        case .life(let event): self.forest.note(event)
        case .call(_, let caller): context.reply(caller, [:])
        case .census(let records): self.probe(records, &context)
        case .answer(let call, let outcome): self.take(call, outcome, &context)
        case .request(let request):
            self.nodesHeard.formUnion(context.connected)
            if let request = HTTPRequest(request) {
                self.serve(request, &context)
            } else {
                self.serve(request, &context)
            }
        default: break
        }
    }

    private mutating func serve(_ request: Message, _ context: inout ProcessContext) {
        switch request.type {
        case "processes": self.show(.processes, to: request, &context)
        case "tree_text":
            context.answer(
                .reply(
                    to: request, ["type": "tree_text_ok", "text": .string(self.shown.text)]))
        case "end":
            let name = request["process"]?.stringValue ?? ""
            guard let pid = self.process(named: name) else {
                let sentence = "there is no process '\(name)'"
                return context.answer(.error(to: request, .keyDoesNotExist, sentence))
            }
            context.answer(
                .reply(to: request, ["type": "end_ok", "pid": .string(pid.description)]))
            context.exit(pid, .killed)
        default: self.show(.tree, to: request, &context)
        }
    }

    // MARK: - What it knows

    /// The processes as they are shown.
    var shown: ProcessForest { self.firstLook ?? self.forest }

    /// The process that is written so, or has this name.
    func process(named text: String) -> PID? { self.forest.pid(named: text) }

    /// `{n1: up, n2: unknown, …}`: of a node that is not heard nobody knows whether it lives.
    func nodes(_ context: ProcessContext) -> JSONObject {
        let heard =
            self.flaws.contains(.believesInNodes) ? self.nodesHeard : Set(context.connected)
        return JSONObject(
            context.membership.members.map { node in
                let isUp = node == context.pid.node || heard.contains(node)
                return (key: node, value: isUp ? "up" : "unknown")
            })
    }

    /// Shows something, at once where that can be.
    mutating func show(_ view: View, to request: Message, _ context: inout ProcessContext) {
        if view == .tree, !self.flaws.contains(.asksWithoutLimit) {
            return self.answer(request, self.tree(context), &context)
        }
        self.askers.append((view, request))
        context.takeCensus()
    }

    private func answer(
        _ request: Message, _ body: JSONObject, _ context: inout ProcessContext
    ) {
        if let request = HTTPRequest(request) {
            return context.answer(.respond(to: request, 200, json: .object(body)))
        }
        var body = body
        body["type"] = .string(request.type + "_ok")
        context.answer(.reply(to: request, body))
    }

    private func tree(_ context: ProcessContext) -> JSONObject {
        [
            "node": .string(context.pid.node), "at_us": .int(context.now.wholeNanoseconds / 1000),
            "tree": self.shown.json, "nodes": .object(self.nodes(context)),
        ]
    }

    // MARK: - What processes say

    private mutating func probe(_ records: [ProcessRecord], _ context: inout ProcessContext) {
        let limit = self.flaws.contains(.asksWithoutLimit) ? .seconds(3600) : Self.patience
        for (view, request) in self.askers {
            var round = Round(view: view, request: request, waiting: [:], census: records)
            for record in records where record.pid != context.pid {
                let call = context.call(.pid(record.pid), ["type": "probe"], within: limit)
                round.waiting[call] = record.pid
            }
            self.rounds.append(round)
        }
        self.askers = []
    }

    private mutating func take(
        _ call: CallReference, _ outcome: CallOutcome, _ context: inout ProcessContext
    ) {
        guard let place = self.rounds.firstIndex(where: { $0.waiting[call] != nil }),
            let pid = self.rounds[place].waiting.removeValue(forKey: call)
        else { return }
        if case .reply = outcome { self.rounds[place].answers.insert(pid) }
        guard self.rounds[place].waiting.isEmpty else { return }
        let round = self.rounds.remove(at: place)
        switch round.view {
        case .tree: self.answer(round.request, self.tree(context), &context)
        case .processes:
            self.answer(round.request, ["processes": self.list(round, context)], &context)
        }
    }

    private func list(_ round: Round, _ context: ProcessContext) -> JSONValue {
        .array(
            round.census.map { record in
                let answers = record.pid == context.pid || round.answers.contains(record.pid)
                return [
                    "pid": .string(record.pid.description), "name": .string(record.name ?? ""),
                    "mailbox": .int(Int64(record.mailboxCount)),
                    "open_calls": .int(Int64(record.openCallCount)),
                    "links": .int(Int64(record.linkCount)),
                    "restarts": .int(Int64(self.forest.restarts(of: record.name ?? ""))),
                    "suspended": .bool(record.isSuspended), "answers": .bool(answers),
                ]
            })
    }
}
