import ChaosCore
import OrderedCollections

/// Checks that no two acknowledged `generate` operations returned the same id.
///
/// Linear in the number of operations.
package struct UniqueIdsChecker: Checker {
    /// How many ids that came twice are shown, as Jepsen shows.
    private static let shown = 48

    package init() {}

    package var name: String { "unique-ids" }

    package func check(_ history: History) -> Finding {
        let requests = history.invocations.filter { $0.begin.function == "generate" }
        var receipts: OrderedDictionary<JSONValue, [Operation]> = [:]
        var acknowledged = 0
        for request in requests where request.outcome == .ok {
            guard let end = request.end else { continue }
            acknowledged += 1
            receipts[end.value, default: []].append(end)
        }
        let duplicated = receipts.filter { $0.value.count > 1 }
        let isInvalid = !duplicated.isEmpty
        let verdict: Verdict = isInvalid ? .invalid : acknowledged == 0 ? .unknown : .valid
        let summary: String =
            switch verdict {
            case .invalid:
                "\(counted(duplicated.count, "id")) of \(receipts.count) came more than once"
            case .unknown: "no id was acknowledged"
            case .valid: "\(counted(acknowledged, "id")), all different"
            }
        var statistics: JSONObject = [
            "attempted_count": .int(Int64(requests.count)),
            "acknowledged_count": .int(Int64(acknowledged)),
            "duplicated_count": .int(Int64(duplicated.count)),
            "duplicated": .object(
                JSONObject(
                    duplicated.prefix(Self.shown).map { id, receipts in
                        (id.stringValue ?? id.text, .int(Int64(receipts.count)))
                    })),
        ]
        let sorted = receipts.keys.sorted(by: Self.isBefore)
        if let first = sorted.first, let last = sorted.last {
            statistics["range"] = .array([first, last])
        }
        return Finding(
            checker: self.name, verdict: verdict, summary: summary,
            anomalies: isInvalid ? ["duplicated"] : [],
            evidence: duplicated.prefix(8).map { id, receipts in
                let places = receipts.prefix(4).map {
                    "\($0.node ?? "process \($0.process)") at \(moment($0.time))"
                }
                return "duplicated \(id.text): \(receipts.count) times, by"
                    + " \(places.joined(separator: ", "))"
            }, statistics: statistics)
    }

    private static func isBefore(_ left: JSONValue, _ right: JSONValue) -> Bool {
        if let left = left.doubleValue, let right = right.doubleValue { return left < right }
        return left.text < right.text
    }
}
