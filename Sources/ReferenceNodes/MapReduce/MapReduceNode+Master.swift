import ChaosCore
import NodeKit

// The master: takes jobs, lends their tasks, and gives out results. What it has promised or been told is in its log
// before anybody hears of it, so its next life goes on where this one ends.

extension MapReduceNode {
    /// Takes up again what earlier lives have left.
    mutating func resume() -> [Effect] {
        var effects: [Effect] = []
        for name in self.master.running { effects += self.begin(name) }
        return effects
    }

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
            guard let id = message["task"]?.stringValue.flatMap({ TaskID($0) }) else { return [] }
            return self.take(id, message) + self.dispatch(at: now)
        default: return [.unsupported(message)]
        }
    }

    private mutating func submit(_ request: Message) -> [Effect] {
        guard let name = request["job"]?.stringValue, !name.isEmpty, !name.contains("/"),
            let job = MapReduceMaster.Job(.object(request.body))
        else {
            let functions = MapReduceJob.Function.allCases.map(\.rawValue).joined(separator: ", ")
            return [
                .error(
                    to: request, .malformedRequest,
                    "'submit' has a 'job' without '/', a text in 'input', and in 'fn' one of \(functions)"
                )
            ]
        }
        let answer = Effect.reply(to: request, ["type": "submit_ok", "job": .string(name)])
        if self.master.jobs[name] != nil { return [answer] }
        self.master.jobs[name] = job
        let record: JSONValue = [
            "job": .string(name), "fn": .string(job.function.rawValue),
            "input": request["input"] ?? nil,
        ]
        return [.append(record), answer] + self.begin(name)
    }

    private func result(_ request: Message) -> Effect {
        let name = request["job"]?.stringValue ?? ""
        guard let job = self.master.jobs[name] else {
            return .error(to: request, .keyDoesNotExist, "there is no job '\(name)'")
        }
        var body: JSONObject = ["type": "result_ok", "state": "running"]
        switch job.outcome {
        case .none: break
        case .counts(let counts)?:
            body["state"] = "done"
            body["counts"] = MapReduceJob.json(counts)
        case .failed(let reason)?:
            body["state"] = "failed"
            body["reason"] = .string(reason)
        }
        return .reply(to: request, body)
    }

    /// Lets workers have the tasks of a job.
    private mutating func begin(_ name: String) -> [Effect] {
        self.addTasks(of: name)
        return self.conclude(name)
    }

    /// Puts up what is not done yet of a job.
    private mutating func addTasks(of name: String) {
        guard let job = self.master.jobs[name] else { return }
        let tasks = job.chunks.indices.map { TaskID(name, $0).text }
        self.master.dispatcher.add(tasks.filter { !job.finished.contains($0) })
    }

    mutating func dispatch(at now: Duration) -> [Effect] {
        let (assignments, failed) = self.master.dispatcher.run(at: now)
        var effects: [Effect] = []
        for task in failed {
            guard let id = TaskID(task) else { continue }
            let reason = "\(task) was tried \(self.master.dispatcher.attemptsMax) times"
            self.master.dispatcher.remove { TaskID($0)?.job == id.job }
            effects += self.end(id.job, .failed(reason))
        }
        for assignment in assignments {
            guard let id = TaskID(assignment.task), let job = self.master.jobs[id.job] else {
                continue
            }
            let body: JSONObject = [
                "type": "work", "task": .string(assignment.task),
                "attempt": .int(Int64(assignment.attempt)), "fn": .string(job.function.rawValue),
                "input": .string(job.chunks[id.index]),
            ]
            effects.append(.send(to: assignment.worker, body))
        }
        return effects
    }

    /// Takes in that a task is done. The first report of it counts; whoever was slower has done the same.
    private mutating func take(_ id: TaskID, _ message: Message) -> [Effect] {
        guard self.master.dispatcher.finish(id.text, by: message.source) else {
            return self.flaw == .endsAgain ? self.conclude(id.job) : []
        }
        let counts = MapReduceJob.counts(message["counts"]) ?? [:]
        let before = self.master.jobs[id.job]?.results ?? [:]
        self.master.jobs[id.job]?.finished.insert(id.text)
        self.master.jobs[id.job]?.results[id.text] = counts
        let record: JSONValue = [
            "finished": .string(id.text), "counts": MapReduceJob.json(counts),
        ]
        let results = self.flaw == .mergesTooEarly ? before : nil
        return [.append(record)] + self.conclude(id.job, results)
    }

    /// Ends a job whose tasks are all done.
    private mutating func conclude(
        _ name: String, _ results: [String: [String: Int64]]? = nil
    ) -> [Effect] {
        guard let job = self.master.jobs[name], job.finished.count == job.chunks.count else {
            return []
        }
        var sums: [String: Int64] = [:]
        for counts in (results ?? job.results).values { MapReduceJob.merge(counts, into: &sums) }
        return self.end(name, .counts(sums))
    }

    /// Gives out a result.
    private mutating func end(_ name: String, _ outcome: MapReduceMaster.Outcome) -> [Effect] {
        self.master.jobs[name]?.outcome = outcome
        self.master.jobs[name]?.resultCount += 1
        var record: JSONObject = ["done": .string(name)]
        switch outcome {
        case .counts(let counts): record["counts"] = MapReduceJob.json(counts)
        case .failed(let reason): record["reason"] = .string(reason)
        }
        return [.append(.object(record))]
    }
}
