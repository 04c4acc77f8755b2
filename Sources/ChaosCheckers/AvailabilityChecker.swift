import ChaosCore

/// Compares the share of operations that ended `ok` with a lower bound.
///
/// The share is ok ÷ (ok + fail + info) over all operations, final reads included; an operation
/// whose completion the history lacks counts as `info`. Maelstrom's `--availability`. What was not `ok` is told by operation, with why.
package struct AvailabilityChecker: Checker {
    /// The smallest share that is accepted.
    package let minimum: Ratio
    /// Only what was asked of these nodes counts; all where it is empty.
    package let nodes: [String]
    /// The codes of errors that count as `ok`: who refuses for such a reason serves, as a bank without money on the account does.
    package let answers: Set<Int>

    package init(minimum: Ratio, nodes: [String] = [], answers: Set<Int> = []) {
        self.minimum = minimum
        self.nodes = nodes
        self.answers = answers
    }

    package var name: String { "availability" }

    package func check(_ history: History) -> Finding {
        var total = Tally()
        var byFunction: [(name: String, tally: Tally)] = []
        for invocation in history.invocations
        where self.nodes.isEmpty || self.nodes.contains(invocation.begin.node ?? "") {
            let isAnswer = invocation.end?.errorCode.map { self.answers.contains($0) } ?? false
            total.add(invocation, isAnswer: isAnswer)
            let name = invocation.begin.function
            if let index = byFunction.firstIndex(where: { $0.name == name }) {
                byFunction[index].tally.add(invocation, isAnswer: isAnswer)
            } else {
                var tally = Tally()
                tally.add(invocation, isAnswer: isAnswer)
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
            (total.ok + total.refused).multipliedFullWidth(by: 1_000_000_000)
            >= total.count.multipliedFullWidth(by: Int(self.minimum.billionths))
        let served = total.ok + total.refused
        let share = Decimals.text(Int64(served * 10_000 / total.count), per: 100)
        let what = self.answers.isEmpty ? "ok" : "ok or refused with reason"
        return Finding(
            checker: self.name, verdict: isEnough ? .valid : .invalid,
            summary: "\(served) of \(counted(total.count, "operation")) \(what) (\(share)%),"
                + " \(self.minimum.text) required",
            anomalies: isEnough ? [] : ["unavailable"],
            evidence: isEnough ? [] : byFunction.map { "\($0.name): \($0.tally.text)" },
            statistics: statistics)
    }

    private struct Tally {
        var ok = 0
        var fail = 0
        var info = 0
        /// How many of those that failed were refused for a reason that counts as an answer.
        var refused = 0
        /// Why how many were not `ok`.
        private var reasons: [String: Int] = [:]

        var count: Int { self.ok + self.fail + self.info }
        var text: String {
            let reasons = self.reasons.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
                .prefix(3).map { "\($0.value) × \($0.key)" }
            let refused = self.refused > 0 ? " (\(self.refused) with reason)" : ""
            return (["\(self.ok) ok, \(self.fail) fail\(refused), \(self.info) info"] + reasons)
                .joined(separator: "; ")
        }
        var statistics: JSONObject {
            [
                "count": .int(Int64(self.count)), "ok": .int(Int64(self.ok)),
                "fail": .int(Int64(self.fail)), "info": .int(Int64(self.info)),
                "ok_fraction": self.count == 0
                    ? .null : .double(Double(self.ok) / Double(self.count)),
            ]
        }

        mutating func add(_ invocation: Invocation, isAnswer: Bool) {
            if isAnswer {
                self.refused += 1
            } else if invocation.outcome != .ok, let reason = invocation.end?.error {
                self.reasons[reason, default: 0] += 1
            }
            switch invocation.outcome {
            case .ok: self.ok += 1
            case .fail: self.fail += 1
            case .info, .invoke: self.info += 1
            }
        }
    }
}

extension Operation {
    /// The code that an error begins with: 22 of `error 22: there is too little money`.
    fileprivate var errorCode: Int? {
        guard let error = self.error, error.hasPrefix("error ") else { return nil }
        return Int(error.dropFirst(6).prefix { $0.isNumber })
    }
}
