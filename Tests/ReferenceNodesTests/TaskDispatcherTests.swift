import ChaosCore
import NodeKit
import Testing

@testable import ReferenceNodes

/// What a job computes, and who does its tasks, without any node.
@Suite("Map-reduce: jobs and the task dispatcher")
struct TaskDispatcherTests {
    // MARK: - Jobs

    @Test func countsWords() {
        #expect(MapReduceJob.counts(.words, "foo bar foo baz") == ["foo": 2, "bar": 1, "baz": 1])
    }

    /// Ten foo, twenty bar and thirty baz in any order, in chunks, and merged.
    @Test func countsWhateverTheOrder() {
        let words =
            Array(repeating: "foo", count: 10) + Array(repeating: "bar", count: 20)
            + Array(repeating: "baz", count: 30)
        var randomness = Randomness(seed: 1, label: "words")
        let text = randomness.shuffled(words).joined(separator: "\n")
        #expect(Self.run(.words, text) == ["foo": 10, "bar": 20, "baz": 30])
    }

    /// The identity job: a hundred thousand numbers, one a line, come out as they went in.
    @Test func keepsAHundredThousandLines() {
        let text = (0..<100_000).map(String.init).joined(separator: "\n")
        let chunks = MapReduceJob.chunks(of: text)
        #expect(chunks.count == MapReduceJob.mapCount)
        #expect(chunks.map(\.utf8.count).reduce(0, +) == text.utf8.count)
        let counts = Self.run(.lines, text)
        #expect(counts.count == 100_000 && counts.values.allSatisfy { $0 == 1 })
        #expect(counts.keys.compactMap { Int($0) }.sorted() == Array(0..<100_000))
    }

    /// Split, counted chunk by chunk, and merged.
    private static func run(_ function: MapReduceJob.Function, _ text: String) -> [String: Int64] {
        var sums: [String: Int64] = [:]
        for chunk in MapReduceJob.chunks(of: text) {
            MapReduceJob.merge(MapReduceJob.counts(function, chunk), into: &sums)
        }
        return sums
    }

    @Test func partsEndWhereLinesEnd() {
        let text = "one two\nthree four five six\nseven\n\neight nine ten eleven twelve\nend"
        let chunks = MapReduceJob.chunks(of: text, count: 4)
        #expect(chunks.joined() == text)
        #expect(chunks.dropLast().allSatisfy { $0.hasSuffix("\n") })
        #expect(MapReduceJob.chunks(of: "short") == ["short"])
    }

    /// Each key goes to one reduce task, the same one in every process; a process with a salt of its own disagrees.
    @Test func everyKeyHasItsReduceTask() {
        let counts = MapReduceJob.counts(.words, "foo bar foo baz qux alpha beta gamma")
        let parts = MapReduceJob.spread(counts)
        #expect(parts.count == MapReduceJob.reduceCount)
        #expect(parts == MapReduceJob.spread(counts))
        #expect(parts != MapReduceJob.spread(counts, salt: 1))
        var sums: [String: Int64] = [:]
        for part in parts { MapReduceJob.merge(part, into: &sums) }
        #expect(sums == counts && parts.map(\.count).reduce(0, +) == counts.count)
    }

    /// No byte is lost, but words are: the flaw of a splitter that knows no lines.
    @Test func partsOfTheSameSizeCutWords() {
        let text = "alpha beta gamma\ndelta epsilon\n"
        let chunks = MapReduceJob.byteChunks(of: text, count: 4)
        #expect(chunks.joined() == text)
        #expect(chunks.map(\.utf8.count) == [7, 8, 8, 8])
        #expect(chunks[0] == "alpha b")
    }

    @Test(arguments: [TaskID.Phase.map, .reduce])
    func aTaskIsKnownByItsName(_ phase: TaskID.Phase) {
        let task = TaskID(job: "j1", phase: phase, index: 3)
        #expect(task.text == "j1/\(phase.rawValue)/3")
        #expect(TaskID(task.text) == task)
        for text in ["", "j1", "j1/3", "j1/merge/3", "j1/map/x", "j1/map/3/0"] {
            #expect(TaskID(text) == nil)
        }
    }

    // MARK: - Tasks

    private static func time(_ milliseconds: Int) -> Duration { .milliseconds(milliseconds) }

    @Test func lendsATaskToOneWorkerAtATime() {
        var dispatcher = TaskDispatcher()
        dispatcher.add(["a", "b"])
        dispatcher.ready("n2")
        let first = dispatcher.run(at: .zero)
        #expect(first.assignments.map(\.task) == ["a"])
        dispatcher.ready("n2")
        dispatcher.ready("n3")
        let second = dispatcher.run(at: .zero)
        #expect(
            second.assignments
                == [TaskDispatcher.Assignment(worker: "n3", task: "b", attempt: 1)])
        let isFirst = dispatcher.finish("a", by: "n2")
        #expect(isFirst)
        let isFirstAgain = dispatcher.finish("a", by: "n2")
        #expect(!isFirstAgain)
        #expect(dispatcher.isBusy)
    }

    /// Nobody hears of the worker any more: after the lease the task goes to somebody else. It is extended by who is at it.
    @Test func lendsAgainAfterTheLease() {
        var dispatcher = TaskDispatcher()
        dispatcher.add(["a"])
        dispatcher.ready("n2")
        _ = dispatcher.run(at: .zero)
        dispatcher.ready("n3")
        dispatcher.extend("a", by: "n2", at: Self.time(300))
        let first = dispatcher.run(at: Self.time(800))
        #expect(first.assignments.isEmpty)
        let second = dispatcher.run(at: Self.time(900))
        #expect(
            second.assignments
                == [TaskDispatcher.Assignment(worker: "n3", task: "a", attempt: 2)])
        // The first one was only slow. Its work counts.
        let isFirst = dispatcher.finish("a", by: "n2")
        #expect(isFirst)
        let isFirstAgain = dispatcher.finish("a", by: "n3")
        #expect(!isFirstAgain)
    }

    /// A slow worker is still at it, and somebody else has nothing to do.
    @Test func givesAStragglersTaskToASecondWorker() {
        var dispatcher = TaskDispatcher()
        dispatcher.add(["a"])
        dispatcher.ready("n2")
        _ = dispatcher.run(at: .zero)
        dispatcher.ready("n3")
        for time in [500, 900] {
            dispatcher.extend("a", by: "n2", at: Self.time(time))
            let first = dispatcher.run(at: Self.time(time))
            #expect(first.assignments.isEmpty)
        }
        let second = dispatcher.run(at: Self.time(1000))
        #expect(second.assignments.map(\.worker) == ["n3"])
        #expect(dispatcher.task(of: "n2") == "a" && dispatcher.task(of: "n3") == "a")
        dispatcher.ready("n4")
        let third = dispatcher.run(at: Self.time(1100))
        #expect(third.assignments.isEmpty)
    }

    /// A worker that is silent is taken for idle, and is lent a task that it did not ask for.
    @Test(arguments: [true, false])
    func aSilentWorker(relends: Bool) {
        var dispatcher = TaskDispatcher(relends: relends)
        dispatcher.add(["a", "b"])
        dispatcher.ready("n2")
        _ = dispatcher.run(at: .zero)
        let next = dispatcher.run(at: Self.time(600))
        #expect(next.assignments.map(\.task) == (relends ? ["b"] : []))
        #expect(dispatcher.task(of: "n2") == (relends ? "b" : nil))
    }

    @Test func givesUpAfterSoManyAttempts() {
        var dispatcher = TaskDispatcher(attemptsMax: 3)
        dispatcher.add(["poison"])
        for attempt in 1...3 {
            dispatcher.ready("n\(attempt)")
            let (assignments, failed) = dispatcher.run(at: .seconds(attempt))
            #expect(assignments.map(\.attempt) == [attempt] && failed.isEmpty)
        }
        let next = dispatcher.run(at: .seconds(4))
        #expect(next.failed == ["poison"])
    }

    @Test func withoutALeaseItWaitsForEver() {
        var dispatcher = TaskDispatcher(lease: nil)
        dispatcher.add(["a"])
        dispatcher.ready("n2")
        _ = dispatcher.run(at: .zero)
        dispatcher.ready("n3")
        let next = dispatcher.run(at: .seconds(1_000_000))
        #expect(next.assignments.isEmpty)
    }
}
