import ChaosCheckers
import ChaosCore
import DequeModule
import Synchronization

/// How many operations ended lately, and how long they took: what a person who watches a run wants to know.
package final class RecentOperations: Sendable {
    /// How far back "lately" reaches.
    package static let period = Duration.seconds(5)
    /// More operations of a period are not remembered one by one.
    private static let most = 10_000

    private struct State {
        /// When the open operation of each process was invoked.
        var open: [Int: Instant] = [:]
        var ended: Deque<(at: Instant, took: Duration, isOk: Bool)> = []
    }

    private let state = Mutex(State())

    /// Nothing yet.
    package init() {}

    /// Takes an operation down; quick, so that it may be a recorder's sink.
    package func note(_ operation: Operation) {
        self.state.withLock { state in
            if operation.kind == .invoke {
                state.open[operation.process] = operation.time
                return
            }
            guard let begin = state.open.removeValue(forKey: operation.process) else { return }
            state.ended.append(
                (operation.time, operation.time - begin, operation.kind == .ok))
            if state.ended.count > Self.most { state.ended.removeFirst() }
        }
    }

    /// What ended in the period before a moment: `ops_per_s` of those that ended ok, `not_ok_per_s`, and of the
    /// former `p50_ms`, `p99_ms` and `max_ms`; empty when nothing ended.
    package func json(at now: Instant) -> JSONObject {
        let ended = self.state.withLock { state in
            let first = now.advanced(byNanoseconds: -Self.period.wholeNanoseconds)
            while let oldest = state.ended.first, oldest.at < first { state.ended.removeFirst() }
            return Array(state.ended)
        }
        guard let oldest = ended.first else { return [:] }
        // A burst that was cut off, or a run that has just begun, covers less than the period.
        let isCut = ended.count == Self.most
        let covered = isCut ? now - oldest.at : min(Self.period, now.sinceStart)
        let seconds = max(covered.inSeconds, 0.001)
        let times = ended.filter(\.isOk).map(\.took).sorted()
        var json: JSONObject = [
            "ops_per_s": .double(Self.tenths(Double(times.count) / seconds)),
            "not_ok_per_s": .double(Self.tenths(Double(ended.count - times.count) / seconds)),
        ]
        for (name, share) in [("p50_ms", 0.5), ("p99_ms", 0.99), ("max_ms", 1)] where !times.isEmpty
        {
            let rank = Int((share * Double(times.count)).rounded(.up))
            let time = times[min(max(rank - 1, 0), times.count - 1)]
            json[name] = .double(Self.tenths(time.inSeconds * 1000))
        }
        return json
    }

    private static func tenths(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}
