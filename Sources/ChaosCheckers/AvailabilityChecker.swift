import ChaosCore

/// Compares the share of operations that ended `ok` with a lower bound.
///
/// The share is ok ÷ (ok + fail + info) over all operations, final reads included; an operation
/// whose completion the history lacks counts as `info`. Maelstrom's `--availability`.
package struct AvailabilityChecker: Checker {
    /// The smallest share that is accepted.
    package let minimum: Ratio

    package init(minimum: Ratio) { self.minimum = minimum }

    package var name: String { "availability" }

    package func check(_ history: History) -> Finding {
        var total = Tally()
        var byFunction: [(name: String, tally: Tally)] = []
        for invocation in history.invocations {
            total.add(invocation.outcome)
            let name = invocation.begin.function
            if let index = byFunction.firstIndex(where: { $0.name == name }) {
                byFunction[index].tally.add(invocation.outcome)
            } else {
                var tally = Tally()
                tally.add(invocation.outcome)
                byFunction.append((name, tally))
            }
        }
        var statistics = total.statistics
        statistics["at_least"] = .double(self.minimum.fraction)
        statistics["by_function"] = .object(
            JSONObject(byFunction.map { ($0.name, .object($0.tally.statistics)) }))
        if total.count == 0 {
            return Finding(
                checker: self.name, verdict: .unknown, summary: "there were no operations",
                statistics: statistics)
        }
        // Compared as whole numbers: a share of exactly the minimum passes.
        let isEnough =
            total.ok.multipliedFullWidth(by: 1_000_000_000)
            >= total.count.multipliedFullWidth(by: Int(self.minimum.billionths))
        let share = Decimals.text(Int64(total.ok * 10_000 / total.count), per: 100)
        return Finding(
            checker: self.name, verdict: isEnough ? .valid : .invalid,
            summary: "\(total.ok) of \(counted(total.count, "operation")) ok (\(share)%),"
                + " \(self.minimum.text) required",
            anomalies: isEnough ? [] : ["unavailable"],
            evidence: isEnough ? [] : byFunction.map { "\($0.name): \($0.tally.text)" },
            statistics: statistics)
    }

    private struct Tally {
        var ok = 0
        var fail = 0
        var info = 0

        var count: Int { self.ok + self.fail + self.info }
        var text: String { "\(self.ok) ok, \(self.fail) fail, \(self.info) info" }
        var statistics: JSONObject {
            [
                "count": .int(Int64(self.count)), "ok": .int(Int64(self.ok)),
                "fail": .int(Int64(self.fail)), "info": .int(Int64(self.info)),
                "ok_fraction": self.count == 0
                    ? .null : .double(Double(self.ok) / Double(self.count)),
            ]
        }

        mutating func add(_ outcome: Operation.Kind) {
            switch outcome {
            case .ok: self.ok += 1
            case .fail: self.fail += 1
            case .info, .invoke: self.info += 1
            }
        }
    }
}
