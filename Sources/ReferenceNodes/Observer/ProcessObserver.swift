import ChaosCore
import NodeKit

/// Shows the processes of its node, and which nodes can be heard.
///
/// It keeps the tree by what it is told of starts and ends, so a snapshot needs nobody's help; what only a process
/// itself can say (whether it answers) is asked of all at once, with a limit.
struct ProcessObserver: Behaviour {
    /// How long a process may take to answer.
    private static let patience = Duration.milliseconds(200)

    /// Somebody who wants to see the processes, and whose answers are still out.
    private struct Round {
        let answer: Answer
        var waiting: [CallReference: PID]
        var census: [ProcessRecord] = []
        var answers: [PID: Bool] = [:]
    }

    /// What becomes of a round.
    private enum Answer {
        case processes(Message)
        case snapshot(Message)
    }

    let flaws: Set<Observed.Flaw>
    private var forest = ProcessForest()
    /// What was seen the first time, for who looks once.
    private var firstLook: ProcessForest?
    private var nodesHeard: Set<String> = []
    private var rounds: [Round] = []
    /// Rounds that wait for the census.
    private var askers: [Answer] = []

    init(flaws: Set<Observed.Flaw>) { self.flaws = flaws }

    private var shown: ProcessForest { self.firstLook ?? self.forest }

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
        case .request(let message):
            self.nodesHeard.formUnion(context.connected)
            self.serve(message, &context)
        default: break
        }
    }

    // MARK: - What is asked

    private mutating func serve(_ message: Message, _ context: inout ProcessContext) {
        switch message.type {
        case "processes": self.ask(.processes(message), &context)
        case "tree_text":
            context.answer(
                .reply(
                    to: message, ["type": "tree_text_ok", "text": .string(self.shown.text)]))
        case "end":
            let name = message["process"]?.stringValue ?? ""
            guard let pid = self.forest.pid(named: name) else {
                let sentence = "there is no process '\(name)'"
                return context.answer(.error(to: message, .keyDoesNotExist, sentence))
            }
            context.answer(
                .reply(to: message, ["type": "end_ok", "pid": .string(pid.description)]))
            context.exit(pid, .killed)
        default:
            if self.flaws.contains(.asksWithoutLimit) {
                self.ask(.snapshot(message), &context)
            } else {
                self.answer(message, &context)
            }
        }
    }

    private func snapshot(_ context: ProcessContext) -> JSONValue {
        [
            "node": .string(context.pid.node), "at_us": .int(context.now.wholeNanoseconds / 1000),
            "tree": self.shown.json,
        ]
    }

    private func answer(_ message: Message, _ context: inout ProcessContext) {
        guard case .object(var body) = self.snapshot(context) else { return }
        body["type"] = "observe_ok"
        body["nodes"] = .object(self.nodes(context))
        context.answer(.reply(to: message, body))
    }

    /// `{n1: up, n2: unknown, …}`: of a node that is not heard nobody knows whether it lives.
    private func nodes(_ context: ProcessContext) -> JSONObject {
        let heard =
            self.flaws.contains(.believesInNodes) ? self.nodesHeard : Set(context.connected)
        return JSONObject(
            context.membership.members.map { node in
                let isUp = node == context.pid.node || heard.contains(node)
                return (key: node, value: isUp ? "up" : "unknown")
            })
    }

    // MARK: - What processes say

    private mutating func ask(_ answer: Answer, _ context: inout ProcessContext) {
        self.askers.append(answer)
        context.takeCensus()
    }

    private mutating func probe(_ records: [ProcessRecord], _ context: inout ProcessContext) {
        let isPatient = self.flaws.contains(.asksWithoutLimit)
        for answer in self.askers {
            var round = Round(answer: answer, waiting: [:], census: records)
            for record in records where record.pid != context.pid {
                let call = context.call(
                    .pid(record.pid), ["type": "probe"],
                    within: isPatient ? .seconds(3600) : Self.patience)
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
        if case .reply = outcome { self.rounds[place].answers[pid] = true }
        guard self.rounds[place].waiting.isEmpty else { return }
        let round = self.rounds.remove(at: place)
        switch round.answer {
        case .snapshot(let message): self.answer(message, &context)
        case .processes(let message):
            let list = self.list(round, context)
            context.answer(.reply(to: message, ["type": "processes_ok", "processes": list]))
        }
    }

    private func list(_ round: Round, _ context: ProcessContext) -> JSONValue {
        .array(
            round.census.map { record in
                [
                    "pid": .string(record.pid.description), "name": .string(record.name ?? ""),
                    "mailbox": .int(Int64(record.mailboxCount)),
                    "open_calls": .int(Int64(record.openCallCount)),
                    "links": .int(Int64(record.linkCount)),
                    "restarts": .int(Int64(self.forest.restarts(of: record.name ?? ""))),
                    "answers": .bool(
                        record.pid == context.pid || round.answers[record.pid] == true),
                ]
            })
    }
}
