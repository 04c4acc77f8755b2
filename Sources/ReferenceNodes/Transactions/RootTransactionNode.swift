import ChaosCore
import NodeKit

/// All lists are one value in `lin-kv`: a transaction reads it, runs, and changes it by compare-and-set.
///
/// A transaction that only reads is done with the reading. Each value has the tags of the latest
/// transactions that made it what it is, so none comes twice, and a node whose change was answered by
/// no, or not at all, finds out whether it happened: a message that came twice is answered twice, first
/// yes and then no, and the answers may cross. What did not happen starts over, a while later.
struct RootTransactionNode: CallingNode {
    struct Flaws: OptionSet, Sendable {
        let rawValue: Int
        /// Reads the copy that the node had last in the place of the store.
        static let readsItsCopy = Flaws(rawValue: 1)
        /// Writes the new value in the place of whatever is there.
        static let overwrites = Flaws(rawValue: 2)
    }

    /// A transaction that this node is to run.
    private struct Job {
        let request: Message
        let steps: [TransactionStep]
        var attempts = 0
    }

    private static let attemptsMax = 30
    /// How many tags a value has. More transactions at once, and nobody knows what became of one.
    private static let tagsMax = 64
    private static let root: JSONValue = "root"

    private let flaws: Flaws
    private let store = KeyValueStore.linearizable
    private var membership = Membership(id: "", members: [], seed: 0)
    private var randomness = Randomness(seed: 0, label: "")
    private var tags: Int64 = 0
    /// The transactions that wait, the first one being run: a node does not compete with itself.
    private var jobs: [Job] = []
    private var isRunning = false
    private var copy: JSONValue?
    private var served = AnswerCache()
    var calls = Calls<RootTransactionNode>()

    init(_ flaws: Flaws = []) { self.flaws = flaws }

    mutating func receive(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.membership = membership
            self.randomness = membership.randomness
            return []
        case .timer:
            return self.run()
        case .message(let message):
            do {
                let steps = try TransactionStep.steps(of: message, write: "append")
                guard self.served.admit(message) == .new else { return [] }
                self.jobs.append(Job(request: message, steps: steps))
            } catch {
                return [error.answer]
            }
            if self.isRunning { return [] }
            self.isRunning = true
            return self.run()
        }
    }

    /// Runs the first transaction.
    private mutating func run() -> [Effect] {
        guard let job = self.jobs.first else {
            self.isRunning = false
            return []
        }
        if self.flaws.contains(.readsItsCopy), let copy {
            return self.run(job, on: copy)
        }
        return self.read(Self.root, from: self.store) { node, reading, _ in
            switch reading {
            case .value(let json): return node.run(job, on: json)
            case .missing: return node.run(job, on: nil)
            case .unknown:
                let text = "lin-kv does not answer"
                return node.end(.error(to: job.request, .temporarilyUnavailable, text))
            }
        }
    }

    private mutating func run(_ job: Job, on root: JSONValue?) -> [Effect] {
        var lists = Lists(root?["lists"] ?? nil)
        let results = lists.run(job.steps)
        let answer = Effect.txnOk(to: job.request, results)
        self.copy = root
        if !job.steps.contains(where: \.isWrite) { return self.end(answer) }
        self.tags += 1
        let life = self.membership.life.incarnation
        let tag: JSONValue = .string("\(self.membership.id)/\(life)/\(self.tags)")
        let known = root?["tags"]?.arrayValue ?? []
        let new: JSONValue = [
            "tags": .array(known.suffix(Self.tagsMax - 1) + [tag]), "lists": lists.json,
        ]
        let done: @Sendable (inout Self, KeyValueStore.Outcome, Duration) -> [Effect] = {
            node, outcome, _ in
            if outcome == .done {
                node.copy = new
                return node.end(answer)
            }
            node.copy = nil
            return node.settle(tag, after: known.last, answer)
        }
        if self.flaws.contains(.overwrites) {
            return self.write(Self.root, new, to: self.store, then: done)
        }
        return self.compareAndSet(Self.root, from: root, to: new, in: self.store, then: done)
    }

    /// Finds out whether a change happened; one that did not never will, since what it was to change
    /// is no more.
    private mutating func settle(
        _ tag: JSONValue, after last: JSONValue?, _ answer: Effect
    ) -> [Effect] {
        self.read(Self.root, from: self.store) { node, reading, _ in
            let request = node.jobs[0].request
            let tags: [JSONValue]
            switch reading {
            case .unknown: return node.end(.unanswered(request))
            case .missing: tags = []
            case .value(let json): tags = json["tags"]?.arrayValue ?? []
            }
            if tags.contains(tag) { return node.end(answer) }
            // Where the value is still the old one, the change may only be late.
            if tags.last == last { return node.end(.unanswered(request)) }
            let reachesBack = last.map { tags.contains($0) } ?? (tags.count < Self.tagsMax)
            return reachesBack ? node.startOver() : node.end(.unanswered(request))
        }
    }

    private mutating func startOver() -> [Effect] {
        self.jobs[0].attempts += 1
        if self.jobs[0].attempts >= Self.attemptsMax {
            let text = "other transactions came first \(Self.attemptsMax) times"
            return self.end(.error(to: self.jobs[0].request, .transactionConflict, text))
        }
        // Waits longer the more often it met another, so that somebody gets through.
        let wait = Duration.milliseconds(2 * min(self.jobs[0].attempts, 10))
        return [.setTimer("again", after: self.randomness.jittered(wait))]
    }

    private mutating func end(_ answer: Effect) -> [Effect] {
        self.jobs.removeFirst()
        return [answer] + self.run()
    }
}
