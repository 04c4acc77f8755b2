import ChaosCore
import NodeKit

/// Starts and ends processes of its node for everybody, and watches processes anywhere for its clients.
///
/// A monitor is one message with one answer: it is set, or the process does not live, and that is told as well. Who cannot be
/// heard any more is told as `noconnection`: the process may live.
struct ProcessManager: Behaviour {
    /// What a client asked another node's manager for.
    private enum Errand: Sendable {
        case request(Message)
        /// Whether a process lives that somebody wants to have watched.
        case look(Message, PID)
        /// How many processes a node has, for a process that may run anywhere.
        case count(survey: Int, node: String)
    }

    /// Who has how many processes, as far as they have said, so that the next one starts where there are fewest.
    private struct Survey {
        let request: Message
        var missing: Set<String>
        var counts: [String: Int64] = [:]

        /// The node with the fewest processes.
        var idlest: String? {
            self.counts.min { ($0.value, $0.key) < ($1.value, $1.key) }?.key
        }
    }

    private static let patience = Duration.seconds(1)

    private let flaws: Set<RemoteProcesses.Flaw>
    /// The processes of this node.
    private var workers: [MonitorReference: PID] = [:]
    /// What this node's clients have watched.
    private var watches: [MonitorReference: (name: String, pid: PID)] = [:]
    /// What was told of watched processes.
    private var downs: [JSONValue] = []
    private var errands: [CallReference: Errand] = [:]
    private var surveys: [Int: Survey] = [:]
    private var surveyCount = 0
    private var watchCount = 0
    /// Where looking and watching are two: what this node watches elsewhere, and who watches here.
    private var distantWatches: [String: PID] = [:]
    private var watchers: [PID: [(name: String, node: String)]] = [:]

    init(flaws: Set<RemoteProcesses.Flaw>) { self.flaws = flaws }

    mutating func handle(_ mail: Mail, _ context: inout ProcessContext) throws(ProcessExit) {
        switch mail {
        case .request(let request): self.serve(request, &context)
        case .call(let body, let caller): context.reply(caller, self.obey(body, &context))
        case .answer(let call, let outcome):
            guard let errand = self.errands.removeValue(forKey: call) else { return }
            self.conclude(errand, outcome, &context)
        case .down(let monitor, _, let reason):
            if let pid = self.workers.removeValue(forKey: monitor) {
                self.tellWatchers(of: pid, reason, &context)
            } else if let watch = self.watches.removeValue(forKey: monitor) {
                self.note(watch.name, watch.pid, reason)
            }
        case .cast(let body): self.takeNews(body, &context)
        case .nodeDown(let node):
            let lost = self.distantWatches.filter { $0.value.node == node }
            for (name, pid) in lost.sorted(by: { $0.key < $1.key }) {
                self.end(name, pid, .noConnection)
            }
        default: break
        }
    }

    // MARK: - Clients

    private mutating func serve(_ request: Message, _ context: inout ProcessContext) {
        if request.type == "downs" {
            let life = Int64(bitPattern: context.pid.incarnation)
            let told: JSONObject = [
                "type": "downs_ok", "life": .int(life), "downs": .array(self.downs),
            ]
            return context.answer(.reply(to: request, told))
        }
        if request.type == "spawn" || request.type == "list" {
            let node = request["node"]?.stringValue ?? context.pid.node
            if request.type == "spawn", node == RemoteProcesses.anywhere {
                return self.survey(for: request, &context)
            }
            return self.send(request, to: node, &context)
        }
        guard let pid = request["pid"]?.stringValue.flatMap({ PID($0) }) else {
            let text = "'pid' is a process, such as <n1.1.7>"
            return context.answer(.error(to: request, .malformedRequest, text))
        }
        if request.type != "monitor" { return self.send(request, to: pid.node, &context) }
        if self.flaws.contains(.looksFirst) {
            let call = context.call(
                .name(RemoteProcesses.manager, on: pid.node),
                ["type": "info", "pid": .string(pid.description)], within: Self.patience)
            self.errands[call] = .look(request, pid)
        } else {
            let name = self.nextName(context)
            self.watches[context.monitor(.pid(pid))] = (name, pid)
            self.confirm(request, name, &context)
        }
    }

    private func confirm(_ request: Message, _ name: String, _ context: inout ProcessContext) {
        context.answer(.reply(to: request, ["type": "monitor_ok", "ref": .string(name)]))
    }

    /// Lets the manager of a node do what a client asked for; this one, too.
    private mutating func send(
        _ request: Message, to node: String, _ context: inout ProcessContext
    ) {
        var body = request.body
        body["msg_id"] = nil
        let call = context.call(
            .name(RemoteProcesses.manager, on: node), body, within: Self.patience)
        self.errands[call] = .request(request)
    }

    // MARK: Processes that may run anywhere

    /// Asks all that can be heard how many processes they have.
    private mutating func survey(for request: Message, _ context: inout ProcessContext) {
        self.surveyCount += 1
        let nodes = [context.pid.node] + context.connected
        self.surveys[self.surveyCount] = Survey(request: request, missing: Set(nodes))
        for node in nodes {
            let call = context.call(
                .name(RemoteProcesses.manager, on: node), ["type": "count"],
                within: Self.patience)
            self.errands[call] = .count(survey: self.surveyCount, node: node)
        }
    }

    /// Takes in what one of them says, and starts the process when all have.
    private mutating func note(
        _ outcome: CallOutcome, of node: String, in number: Int, _ context: inout ProcessContext
    ) {
        guard var survey = self.surveys[number] else { return }
        survey.missing.remove(node)
        if case .reply(let body) = outcome { survey.counts[node] = body["count"]?.intValue }
        self.surveys[number] = survey.missing.isEmpty ? nil : survey
        guard survey.missing.isEmpty else { return }
        guard let idlest = survey.idlest else {
            let text = "no node says how many processes it has"
            return context.answer(
                .error(to: survey.request, .temporarilyUnavailable, text))
        }
        self.send(survey.request, to: idlest, &context)
    }

    private mutating func conclude(
        _ errand: Errand, _ outcome: CallOutcome, _ context: inout ProcessContext
    ) {
        switch (errand, outcome) {
        case (.count(let survey, let node), _): self.note(outcome, of: node, in: survey, &context)
        case (.request(let request), .reply(let body)):
            if body["type"] == "error" {
                let text = body["text"]?.stringValue ?? ""
                context.answer(.error(to: request, .keyDoesNotExist, text))
            } else {
                context.answer(.reply(to: request, body))
            }
        case (.look(let request, let pid), .reply(let body)):
            let name = self.nextName(context)
            if body["alive"] == true {
                self.distantWatches[name] = pid
                let watch: JSONObject = [
                    "type": "watch", "pid": .string(pid.description), "ref": .string(name),
                    "node": .string(context.pid.node),
                ]
                context.cast(.name(RemoteProcesses.manager, on: pid.node), watch)
            } else {
                self.note(name, pid, .noProcess)
            }
            self.confirm(request, name, &context)
        case (.request(let request), .exited), (.request(let request), .timeout),
            (.look(let request, _), .exited), (.look(let request, _), .timeout):
            // It may have been done.
            context.answer(.error(to: request, .timeout, "the other node did not answer"))
        }
    }

    // MARK: - This node's processes

    /// Does what a manager asks for.
    private mutating func obey(
        _ body: JSONObject, _ context: inout ProcessContext
    ) -> JSONObject {
        if body["type"] == "spawn" {
            let lives = body["lives"]?.intValue.map { Duration.milliseconds($0) }
            let ends = ExitReason(body["ends"]?.stringValue ?? "normal")
            let pid = context.spawn(Worker(lives: lives, ends: ends), isLinked: false)
            self.workers[context.monitor(.pid(pid))] = pid
            return ["type": "spawn_ok", "pid": .string(pid.description)]
        }
        if body["type"] == "list" {
            let own = self.workers.values.sorted { $0.number < $1.number }
            let listed = own.map { JSONValue.string($0.description) }
            return ["type": "list_ok", "processes": .array(listed)]
        }
        if body["type"] == "count" { return ["count": .int(Int64(self.workers.count))] }
        let pid = body["pid"]?.stringValue.flatMap { PID($0) }
        let worker = self.workers.values.first { $0 == pid }
        if body["type"] == "info" {
            return ["type": "info_ok", "alive": .bool(worker != nil)]
        }
        guard let worker else {
            return ["type": "error", "text": "there is no such process"]
        }
        context.exit(worker, ExitReason(body["reason"]?.stringValue ?? "killed"))
        return ["type": "exit_ok"]
    }

    // MARK: - What watches are told

    private mutating func nextName(_ context: ProcessContext) -> String {
        self.watchCount += 1
        return "\(context.pid.node).\(context.pid.incarnation).\(self.watchCount)"
    }

    private mutating func note(_ name: String, _ pid: PID, _ reason: ExitReason) {
        self.downs.append(
            [
                "ref": .string(name), "pid": .string(pid.description),
                "reason": .string(reason.description),
            ])
    }

    private mutating func end(_ name: String, _ pid: PID, _ reason: ExitReason) {
        if self.distantWatches.removeValue(forKey: name) != nil { self.note(name, pid, reason) }
    }

    /// Where looking and watching are two messages: the second one, and what comes of it.
    private mutating func takeNews(_ body: JSONObject, _ context: inout ProcessContext) {
        guard let pid = body["pid"]?.stringValue.flatMap({ PID($0) }),
            let name = body["ref"]?.stringValue
        else { return }
        if body["type"] == "down" {
            return self.end(name, pid, ExitReason(body["reason"]?.stringValue ?? ""))
        }
        guard let node = body["node"]?.stringValue, self.workers.values.contains(pid) else {
            return
        }
        self.watchers[pid, default: []].append((name, node))
    }

    private mutating func tellWatchers(
        of pid: PID, _ reason: ExitReason, _ context: inout ProcessContext
    ) {
        for watcher in self.watchers.removeValue(forKey: pid) ?? [] {
            context.cast(
                .name(RemoteProcesses.manager, on: watcher.node),
                [
                    "type": "down", "pid": .string(pid.description),
                    "ref": .string(watcher.name), "reason": .string(reason.description),
                ])
        }
    }
}

/// A process that does nothing, for a while or until somebody ends it.
struct Worker: Behaviour {
    let lives: Duration?
    let ends: ExitReason

    func handle(_ mail: Mail, _ context: inout ProcessContext) throws(ProcessExit) {
        switch mail {
        case .started:
            if let lives { context.setTimer("end", after: lives) }
        case .timer: throw ProcessExit(self.ends)
        default: break
        }
    }
}
