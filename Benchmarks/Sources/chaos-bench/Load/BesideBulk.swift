import Foundation
import Synchronization

/// Times small messages on one connection while another carries as much as goes through.
enum BesideBulk {
    static func run(to endpoint: Endpoint, seconds: Double) throws -> [Figure: Double] {
        let outcome = Outcome()
        let thread = Thread {
            outcome.finish(
                Result { try BulkLoad.run(to: endpoint, streams: 1, seconds: seconds) })
        }
        thread.name = "bench-bulk"
        thread.start()
        let times = Result {
            // The first moments, until the bulk stream is at its speed, are not its neighbour's.
            Pause.milliseconds(20)
            return try RoundTrips.run(to: endpoint, connections: 1, seconds: seconds - 0.05)
        }
        let bulk = try outcome.wait().get()
        let percentiles = try times.get()
        return [
            .besideBulkMedian: percentiles.microseconds(0.5),
            .besideBulkP99: percentiles.microseconds(0.99),
            .besideBulkThroughput: bulk.gigabitsPerSecond,
        ]
    }

    /// Hands the bulk stream's outcome from its thread to the one that waits.
    private final class Outcome: Sendable {
        private let result = Mutex<Result<BulkLoad, any Error>?>(nil)
        private let isDone = DispatchSemaphore(value: 0)

        func finish(_ result: Result<BulkLoad, any Error>) {
            self.result.withLock { $0 = result }
            self.isDone.signal()
        }

        func wait() -> Result<BulkLoad, any Error> {
            self.isDone.wait()
            return self.result.withLock { $0 } ?? .failure(BenchError("no outcome"))
        }
    }
}
