import ChaosCore
import OrderedCollections

/// How many operations of each name ended how, and how long the acknowledged ones took.
///
/// A latency is from call to return; the quantile q of n of them, sorted, is the one at floor(n·q), at
/// most the last. Time is n·log n.
package struct OperationStatistics: Hashable, Sendable {
    /// What became of the operations of one name, or of all.
    package struct Tally: Hashable, Sendable {
        package private(set) var ok = 0
        package private(set) var fail = 0
        package private(set) var info = 0
        /// The failures whose error is `key-does-not-exist` or `precondition-failed`: the object was
        /// in another state than the operation wants, and said so.
        package private(set) var refused = 0
        fileprivate var latencies: [Int64] = []

        package var count: Int { self.ok + self.fail + self.info }

        /// The share that ended as `ok`; `nil` of none.
        package var okFraction: Double? {
            self.count == 0 ? nil : Double(self.ok) / Double(self.count)
        }

        /// The latencies at the quantiles, in nanoseconds; `nil` when nothing was acknowledged.
        package var quantiles: [(name: String, nanoseconds: Int64)]? {
            if self.latencies.isEmpty { return nil }
            return ServiceLevelChecker.quantiles.map { quantile in
                let index = Int(quantile.share.of(Int64(self.latencies.count)))
                return (quantile.name, self.latencies[min(index, self.latencies.count - 1)])
            }
        }

        /// The latency at a quantile named as in ``quantiles``; `nil` when nothing was acknowledged.
        package func latency(_ quantile: String) -> Duration? {
            self.quantiles?.first { $0.name == quantile }.map { .nanoseconds($0.nanoseconds) }
        }

        fileprivate mutating func add(_ invocation: Invocation) {
            switch invocation.outcome {
            case .ok:
                self.ok += 1
                if let end = invocation.end {
                    self.latencies.append((end.time - invocation.begin.time).wholeNanoseconds)
                }
            case .fail:
                self.fail += 1
                let error = invocation.end?.error ?? ""
                if error.hasPrefix("error 20:") || error.hasPrefix("error 22:") {
                    self.refused += 1
                }
            case .info, .invoke: self.info += 1
            }
        }

        /// The tally as `results.json` has it; latencies are in milliseconds.
        package var json: JSONObject {
            var object: JSONObject = [
                "count": .int(Int64(self.count)), "ok": .int(Int64(self.ok)),
                "fail": .int(Int64(self.fail)), "info": .int(Int64(self.info)),
                "ok_fraction": self.okFraction.map { .double($0) } ?? .null,
            ]
            if let quantiles = self.quantiles {
                object["latency"] = .object(
                    JSONObject(
                        quantiles.map { ($0.name, .double(Double($0.nanoseconds / 1000) / 1000)) }))
            }
            return object
        }
    }

    /// All operations.
    package private(set) var all = Tally()
    /// By name, in the order in which the names came up.
    package private(set) var byFunction: OrderedDictionary<String, Tally> = [:]
    /// Why operations did not end as `ok`, with how often.
    package private(set) var errors: OrderedDictionary<String, Int> = [:]

    /// Counts.
    package init(_ history: History) {
        for invocation in history.invocations {
            self.all.add(invocation)
            self.byFunction[invocation.begin.function, default: Tally()].add(invocation)
            if let error = invocation.end?.error { self.errors[error, default: 0] += 1 }
        }
        self.all.latencies.sort()
        for name in self.byFunction.keys { self.byFunction[name]?.latencies.sort() }
    }

    /// The statistics as `results.json` has them.
    package var json: JSONObject {
        var object = self.all.json
        object["by_function"] = .object(
            JSONObject(self.byFunction.map { ($0.key, .object($0.value.json)) }))
        let errors = self.errors.sorted { $0.value > $1.value }.prefix(8)
        object["errors"] = .object(JSONObject(errors.map { ($0.key, .int(Int64($0.value))) }))
        return object
    }
}
