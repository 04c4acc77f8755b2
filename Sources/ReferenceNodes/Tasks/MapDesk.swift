import ChaosCore
import NodeKit

/// Hands items out to the workers of all nodes in turn, a few at a time, and puts results where their items were.
///
/// An item that has no result in time goes to another worker: it may be worked on twice, and counts once.
struct MapDesk: Behaviour {
    private struct Job {
        let request: Message
        let items: [JSONValue]
        var results: [Int: JSONValue] = [:]
        /// Results as they came.
        var arrivals: [JSONValue] = []
        var handedOut = 0
    }

    /// How many items of all jobs may be on their way: few enough for a worker that gets those of three desks.
    private static let atOnce = 2
    private static let patience = Duration.milliseconds(300)

    let flaws: Set<ParallelMap.Flaw>
    private var jobs: [Int64: Job] = [:]
    /// The jobs that have items to hand out, the first come first.
    private var queue: [Int64] = []
    private var underway = 0
    private var count: Int64 = 0
    private var turn = 0

    init(flaws: Set<ParallelMap.Flaw>) { self.flaws = flaws }

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .request(let request):
            self.count += 1
            let letters = (request["echo"]?.stringValue ?? "").map { JSONValue.string(String($0)) }
            let job = Job(request: request, items: request["items"]?.arrayValue ?? letters)
            self.jobs[self.count] = job
            self.queue.append(self.count)
            self.concludeIfDone(self.count, &context)
            self.handOut(&context)
        case .cast(let body):
            guard let reference = body["ref"]?.intValue,
                let index = body["index"]?.intValue.map({ Int($0) })
            else { return }
            self.take(body["value"] ?? nil, index, of: reference, &context)
        case .timer(let name):
            let words = name.split(separator: " ").compactMap { Int64($0) }
            guard words.count == 2, let job = self.jobs[words[0]], job.results[Int(words[1])] == nil
            else { return }
            self.send(Int(words[1]), of: words[0], &context)
        default: break
        }
    }

    private mutating func handOut(_ context: inout ProcessContext) {
        while let reference = self.queue.first,
            self.underway < Self.atOnce || self.flaws.contains(.handsOutEverything)
        {
            guard let job = self.jobs[reference], job.handedOut < job.items.count else {
                self.queue.removeFirst()
                continue
            }
            self.jobs[reference]?.handedOut += 1
            self.underway += 1
            self.send(job.handedOut, of: reference, &context)
        }
    }

    private mutating func send(
        _ index: Int, of reference: Int64, _ context: inout ProcessContext
    ) {
        guard let job = self.jobs[reference] else { return }
        let nodes = context.membership.members
        self.turn += 1
        context.cast(
            .name(ParallelMap.worker, on: nodes[self.turn % nodes.count]),
            [
                "type": "item", "ref": .int(reference), "index": .int(Int64(index)),
                "value": job.items[index], "desk": .string(context.membership.id),
            ])
        if !self.flaws.contains(.waitsForEver) {
            context.setTimer("\(reference) \(index)", after: Self.patience)
        }
    }

    private mutating func take(
        _ value: JSONValue, _ index: Int, of reference: Int64, _ context: inout ProcessContext
    ) {
        guard let job = self.jobs[reference], job.items.indices.contains(index),
            job.results[index] == nil
        else { return }
        self.jobs[reference]?.results[index] = value
        self.jobs[reference]?.arrivals.append(value)
        context.cancelTimer("\(reference) \(index)")
        self.underway -= 1
        self.concludeIfDone(reference, &context)
        self.handOut(&context)
    }

    private mutating func concludeIfDone(_ reference: Int64, _ context: inout ProcessContext) {
        guard let job = self.jobs[reference], job.results.count == job.items.count else { return }
        self.jobs[reference] = nil
        let results =
            self.flaws.contains(.takesArrivalOrder)
            ? job.arrivals : job.items.indices.compactMap { job.results[$0] }
        if job.request.type == "map" {
            let items = JSONValue.array(results)
            return context.answer(.reply(to: job.request, ["type": "map_ok", "items": items]))
        }
        let text = results.compactMap(\.stringValue).joined()
        context.answer(.reply(to: job.request, ["type": "echo_ok", "echo": .string(text)]))
    }
}
