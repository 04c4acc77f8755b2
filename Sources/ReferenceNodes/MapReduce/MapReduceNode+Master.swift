import ChaosCore
import NodeKit

// The master: takes jobs, lends their tasks, and gives out results. What it has promised or been told is in its log
// before anybody hears of it, so its next life goes on where this one ends.

extension MapReduceNode {
    mutating func lead(_ message: Message, at now: Duration) -> [Effect] {
        switch message.type {
        case "submit": return self.submit(message) + self.dispatch(at: now)
        case "result": return [self.result(message)]
        case "results":
            let counts = self.master.jobs.sorted { $0.key < $1.key }
                .map { (key: $0.key, value: JSONValue.int($0.value.resultCount)) }
            let body: JSONObject = [
                "type": "results_ok", "results": .object(JSONObject(counts)),
            ]
            return [.reply(to: message, body)]
        case "ready":
            self.master.dispatcher.ready(message.source)
            return self.dispatch(at: now)
        case "working":
            let task = message["task"]?.stringValue ?? ""
            self.master.dispatcher.extend(task, by: message.source, at: now)
            return []
        case "finished":
            guard let task = message["task"]?.stringValue.flatMap(TaskID.init) else { return [] }
            return self.take(message, of: task) + self.dispatch(at: now)
        default:
            guard let request = HTTPRequest(message) else { return [.unsupported(message)] }
            return self.serve(request) + self.dispatch(at: now)
        }
    }

    private mutating func submit(_ request: Message) -> [Effect] {
        let name = request["job"]?.stringValue ?? ""
        let answer = Effect.reply(to: request, ["type": "submit_ok", "job": .string(name)])
        return self.accept(name, .object(request.body), answer)
            ?? [.error(to: request, .malformedRequest, "'submit' has " + MapReduceMaster.rule)]
    }

    /// Takes a job, unless it was taken before; `nil` where it is none.
    mutating func accept(_ name: String, _ value: JSONValue, _ answer: Effect) -> [Effect]? {
        guard !name.isEmpty, !name.contains("/"), let job = self.master.job(value) else {
            return nil
        }
        if self.master.jobs[name] != nil { return [answer] }
        self.master.jobs[name] = job
        let record: JSONValue = [
            "job": .string(name), "fn": .string(job.function.rawValue),
            "input": value["input"] ?? nil,
        ]
        return self.note(record) + [answer] + self.begin(name)
    }

    private func result(_ request: Message) -> Effect {
        let name = request["job"]?.stringValue ?? ""
        guard var body = self.state(of: name) else {
            return .error(to: request, .keyDoesNotExist, "there is no job '\(name)'")
        }
        body["type"] = "result_ok"
        return .reply(to: request, body)
    }

    /// What is known of a job: `{state, attempts, counts or reason}`; `nil` of none.
    func state(of name: String) -> JSONObject? {
        guard let job = self.master.jobs[name] else { return nil }
        var body: JSONObject = ["state": "running", "attempts": .int(job.attemptCount)]
        switch job.outcome {
        case .none: break
        case .counts(let counts)?:
            body["state"] = "done"
            body["counts"] = MapReduceJob.json(counts)
        case .failed(let reason)?:
            body["state"] = "failed"
            body["reason"] = .string(reason)
        }
        return body
    }

    mutating func dispatch(at now: Duration) -> [Effect] {
        let (assignments, failed) = self.master.dispatcher.run(at: now)
        var effects: [Effect] = []
        for task in failed {
            guard let job = TaskID(task)?.job, self.master.running.contains(job) else { continue }
            let reason = "\(task) was tried \(self.master.dispatcher.attemptsMax) times"
            effects += self.end(job, .failed(reason))
        }
        for assignment in assignments {
            guard let task = TaskID(assignment.task), let job = self.master.jobs[task.job] else {
                continue
            }
            // Attempts are counted anew in each life, so its number is part of theirs.
            let attempt = "\(self.membership.life.start).\(assignment.attempt)"
            var body: JSONObject = [
                "type": "work", "task": .string(assignment.task),
                "phase": .string(task.phase.rawValue), "attempt": .string(attempt),
                "fn": .string(job.function.rawValue),
            ]
            for member in self.order(for: task, of: job).members { body[member.key] = member.value }
            self.master.jobs[task.job]?.attemptCount += 1
            effects.append(.send(to: assignment.worker, body))
        }
        return effects
    }

    /// Notes that a task is done, unless somebody has said so before: the first report of a task counts, and whoever
    /// was slower has done the same.
    ///
    /// - Returns: What is to be done about it; `nil` where it was known.
    mutating func noteFinished(
        _ report: Message, of task: TaskID, counts: [String: Int64]? = nil
    ) -> [Effect]? {
        guard self.master.dispatcher.finish(task.text, by: report.source) else { return nil }
        let attempt = report["attempt"]?.stringValue ?? ""
        self.master.jobs[task.job]?.finished[task] = attempt
        var record: JSONObject = [
            "finished": .string(task.text), "attempt": .string(attempt),
        ]
        if let counts {
            self.master.jobs[task.job]?.results[task] = counts
            record["counts"] = MapReduceJob.json(counts)
        }
        return self.note(.object(record))
    }

    /// Gives out a job's result. What is left of its tasks is nobody's any more.
    mutating func end(_ job: String, _ outcome: MapReduceMaster.Outcome) -> [Effect] {
        self.master.dispatcher.remove { TaskID($0)?.job == job }
        self.master.jobs[job]?.outcome = outcome
        self.master.jobs[job]?.resultCount += 1
        var record = outcome.record
        record["done"] = .string(job)
        return self.note(.object(record))
    }
}
