import ChaosCheckers
import ChaosCore
import ChaosWorkloads
import Synchronization
import Testing

/// A clock that moves on by a millisecond whenever it is asked.
private final class CountingClock: Sendable {
    private let count = Mutex(Int64(0))

    func next() -> Instant {
        self.count.withLock { count in
            count += 1
            return Instant(nanoseconds: count * 1_000_000)
        }
    }
}

@Suite("History recorder")
struct HistoryRecorderTests {
    private func recorder(sink: @escaping @Sendable (Operation) -> Void = { _ in })
        -> HistoryRecorder
    {
        let clock = CountingClock()
        return HistoryRecorder(now: { clock.next() }, sink: sink)
    }

    private func begin(_ recorder: HistoryRecorder, _ client: String) -> HistoryRecorder.Open {
        recorder.invoke(client: client, node: "n1", function: "read", argument: nil)
    }

    @Test func givesEachRequestInFlightAProcessOfItsOwn() {
        let recorder = self.recorder()
        let first = self.begin(recorder, "c1")
        let second = self.begin(recorder, "c1")
        recorder.complete(first, .ok, value: [1])
        let third = self.begin(recorder, "c1")
        let other = self.begin(recorder, "c2")
        recorder.complete(second, .info, error: "no reply within 5s")
        let fourth = self.begin(recorder, "c1")
        for open in [third, other, fourth] { recorder.complete(open, .ok) }

        let begins = recorder.history.invocations.map(\.begin.process)
        // The third reuses the first one's; the second one's is retired by `info`.
        #expect(begins == [0, 1, 0, 2, 3])
        #expect(recorder.history.invocations.map(\.outcome) == [.ok, .info, .ok, .ok, .ok])
    }

    @Test func numbersAndTimesEventsInOrder() {
        let recorder = self.recorder()
        recorder.complete(self.begin(recorder, "c1"), .ok, value: [1, 2])
        let operations = recorder.history.operations
        #expect(operations.map(\.index) == [0, 1])
        #expect(operations.map(\.time.nanoseconds) == [1_000_000, 2_000_000])
        #expect(operations.map(\.value) == [nil, [1, 2]])
    }

    @Test func handsEveryEventToTheSinkInOrder() async {
        let sunk = Mutex<[Operation]>([])
        let recorder = self.recorder { operation in sunk.withLock { $0.append(operation) } }
        await withTaskGroup { group in
            for client in 0..<8 {
                group.addTask {
                    for _ in 0..<100 {
                        recorder.complete(self.begin(recorder, "c\(client)"), .ok)
                    }
                }
            }
        }
        let operations = recorder.history.operations
        #expect(sunk.withLock { $0 } == operations)
        #expect(operations.map(\.index) == Array(0..<1600))
        #expect(zip(operations, operations.dropFirst()).allSatisfy { $0.time < $1.time })
        #expect(recorder.history.invocations.allSatisfy { $0.outcome == .ok })
    }
}
