import ChaosCore

/// Compares latencies and rates of operations with limits: a service level objective.
///
/// Latency is from call to return of operations that ended `ok`; the quantile q of n of them, sorted, is the one at floor(n·q), at most the
/// last, as Jepsen counts. Time is n·log n.
package struct ServiceLevelChecker: Checker {
    /// The operation's name; `nil` is all.
    package let function: String?
    /// Latency limits by quantile.
    package let limits: [Limit]
    /// The smallest number of ok operations per second of the history.
    package let rate: Int?

    /// The latency that a share of the operations may not exceed.
    package struct Limit: Hashable, Sendable {
        /// Its name, such as `p99`.
        package let name: String
        package let share: Ratio
        package let latency: Duration

        package init(name: String, share: Ratio, latency: Duration) {
            self.name = name
            self.share = share
            self.latency = latency
        }
    }

    /// The quantiles that have names.
    package static let quantiles: [(name: String, share: Ratio)] = [
        ("p50", Ratio(percent: 50)), ("p90", Ratio(percent: 90)), ("p95", Ratio(percent: 95)),
        ("p99", Ratio(percent: 99)), ("max", .one),
    ]

    package init(function: String? = nil, limits: [Limit], rate: Int? = nil) {
        self.function = function
        self.limits = limits
        self.rate = rate
    }

    package var name: String { "slo" }

    package func check(_ history: History) -> Finding {
        var latencies: [Int64] = []
        for invocation in history.invocations where invocation.outcome == .ok {
            if let function, invocation.begin.function != function { continue }
            guard let end = invocation.end else { continue }
            latencies.append(end.time.nanoseconds - invocation.begin.time.nanoseconds)
        }
        latencies.sort()
        var found: [(name: String, line: String)] = []
        var statistics: JSONObject = ["ok_count": .int(Int64(latencies.count))]
        var texts: [String] = []
        for limit in self.limits where !latencies.isEmpty {
            let index = min(Int(limit.share.of(Int64(latencies.count))), latencies.count - 1)
            let latency = Duration.nanoseconds(latencies[index])
            statistics["\(limit.name)_ms"] = .double(Double(latencies[index] / 1000) / 1000)
            texts.append("\(limit.name) \(latency.roundedText)")
            if latency > limit.latency {
                found.append(
                    (
                        "slow",
                        "\(limit.name) is \(latency.roundedText), allowed is \(limit.latency.text)"
                    ))
            }
        }
        if let rate, let first = history.operations.first, let last = history.operations.last {
            let seconds = (last.time - first.time).inSeconds
            let actual = seconds > 0 ? Double(latencies.count) / seconds : 0
            statistics["ok_per_second"] = .double((actual * 10).rounded() / 10)
            let tenths = Int64(min(actual * 10, 1e15))
            texts.append("\(Decimals.text(tenths, per: 10)) ok per second")
            if actual < Double(rate) {
                found.append(
                    (
                        "slow",
                        "\(Decimals.text(tenths, per: 10)) operations per second were ok, required are \(rate)"
                    ))
            }
        }
        let what = self.function.map { "'\($0)'" } ?? "operation"
        var finding = Finding(
            checker: self.name, found: found,
            gap: latencies.isEmpty ? "no \(what) ended ok" : nil,
            praise: "\(texts.joined(separator: ", ")), of \(latencies.count) ok",
            statistics: statistics)
        if let first = found.first { finding.summary = first.line }
        return finding
    }
}
