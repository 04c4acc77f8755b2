import ChaosCheckers
import ChaosCore
import Synchronization

/// Writes down what clients do, as it happens, from any thread.
///
/// Processes follow Jepsen's rules although clients have many requests in flight: each request gets
/// a process of its client that has nothing else in flight, and a process whose operation ended as
/// `info` is never used again.
package final class HistoryRecorder: Sendable {
    /// An invocation that waits for its completion.
    package struct Open: Sendable {
        fileprivate let client: String
        fileprivate let begin: Operation
    }

    private struct State {
        var history = History()
        /// The idle processes of each client, by name.
        var idle: [String: [Int]] = [:]
        var processCount = 0
    }

    private let state = Mutex(State())
    private let now: @Sendable () -> Instant
    private let sink: @Sendable (Operation) -> Void

    /// Makes an empty recorder.
    ///
    /// - Parameters:
    ///   - now: The run's clock.
    ///   - sink: Gets each event in order. It runs while the recorder is locked, so it must be
    ///     quick and must not call the recorder.
    package init(
        now: @escaping @Sendable () -> Instant,
        sink: @escaping @Sendable (Operation) -> Void = { _ in }
    ) {
        self.now = now
        self.sink = sink
    }

    /// Everything recorded so far.
    package var history: History { self.state.withLock { $0.history } }

    /// Records that a client is about to send a request.
    package func invoke(
        client: String, node: String?, function: String, argument: JSONValue, isFinal: Bool = false
    ) -> Open {
        self.state.withLock { state in
            let process: Int
            if let idle = state.idle[client]?.popLast() {
                process = idle
            } else {
                process = state.processCount
                state.processCount += 1
            }
            let begin = Operation(
                index: state.history.operations.count, process: process, kind: .invoke,
                function: function, value: argument, time: self.now(), node: node, isFinal: isFinal)
            state.history.append(begin)
            self.sink(begin)
            return Open(client: client, begin: begin)
        }
    }

    /// Records how an operation ended.
    ///
    /// - Parameters:
    ///   - kind: `ok`, `fail` or `info`.
    ///   - value: The result; `nil` repeats the argument, as Jepsen does.
    ///   - error: Why it did not end as `ok`.
    package func complete(
        _ open: consuming Open, _ kind: Operation.Kind, value: JSONValue? = nil,
        error: String? = nil
    ) {
        precondition(kind != .invoke, "an operation ends as ok, fail or info")
        let client = open.client
        var end = open.begin
        end.kind = kind
        end.error = error
        if let value { end.value = value }
        self.state.withLock { [end] state in
            var end = end
            end.index = state.history.operations.count
            end.time = self.now()
            state.history.append(end)
            if kind != .info { state.idle[client, default: []].append(end.process) }
            self.sink(end)
        }
    }
}
