import Foundation
import Synchronization

/// Times control requests while bulk data, new connections and changes keep chaos busy.
enum ControlRequests {
    /// Asks for the status and changes faults in turns, one request at a time.
    static func run(on target: RunningTarget, seconds: Double) throws -> [Figure: Double] {
        guard let path = target.controlPath else {
            throw BenchError("\(target.target.title) has no control socket")
        }
        let endpoint = target.endpoint
        let load = [
            Background("bench-bulk") {
                _ = try BulkLoad.run(to: endpoint, streams: 2, seconds: seconds)
            },
            Background("bench-connects") {
                _ = try ConnectRate.run(
                    to: endpoint, concurrency: 4, seconds: seconds, limit: Plan.connectLimit)
            },
        ]
        let times = Result { try Self.ask(ControlSocket(at: path), seconds: seconds) }
        for load in load { try load.wait() }
        let (status, changes) = try times.get()
        return [
            .controlStatusMedian: status.microseconds(0.5) / 1000,
            .controlStatusP99: status.microseconds(0.99) / 1000,
            .controlChangeMedian: changes.microseconds(0.5) / 1000,
            .controlChangeP99: changes.microseconds(0.99) / 1000,
        ]
    }

    private static func ask(
        _ control: ControlSocket, seconds: Double
    ) throws -> (status: Percentiles, changes: Percentiles) {
        var status: [UInt64] = []
        var changes: [UInt64] = []
        func time(_ request: String, _ times: inout [UInt64]) throws {
            let begin = MonotonicClock.now
            try control.ask(request)
            times.append(MonotonicClock.now - begin)
        }
        let end = MonotonicClock.after(seconds)
        repeat {
            try time(#"{"op":"status"}"#, &status)
            try time(
                #"{"op":"set","link":"bench->client","faults":["delay=100us"]}"#, &changes)
            try time(#"{"op":"clear","link":"bench->client"}"#, &changes)
        } while MonotonicClock.now < end
        return (Percentiles(status), Percentiles(changes))
    }
}

/// Work on a thread of its own, whose outcome is waited for.
final class Background<Value: Sendable>: Sendable {
    private let result = Mutex<Result<Value, any Error>?>(nil)
    private let isDone = DispatchSemaphore(value: 0)

    init(_ name: String, _ body: @escaping @Sendable () throws -> Value) {
        let thread = Thread {
            let result = Result { try body() }
            self.result.withLock { $0 = result }
            self.isDone.signal()
        }
        thread.name = name
        thread.start()
    }

    /// Waits until it is done; to be called once.
    func wait() throws -> Value {
        self.isDone.wait()
        guard let result = self.result.withLock({ $0 }) else { throw BenchError("no outcome") }
        return try result.get()
    }
}
