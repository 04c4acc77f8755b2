import ChaosCheckers
import ChaosCore
import Testing

@Suite struct RemovableSetCheckerTests {
    private typealias Step = (kind: Operation.Kind, function: String, value: JSONValue)

    /// Runs of one client: each step is invoked and ends so; reads are final.
    private func finding(_ steps: [Step]) -> Finding {
        var operations: [Operation] = []
        for (index, step) in steps.enumerated() {
            let time = Instant(nanoseconds: Int64(index) * 1000)
            let isFinal = step.function == "read"
            operations.append(
                Operation(
                    index: 2 * index, process: index, kind: .invoke, function: step.function,
                    value: isFinal ? .null : step.value, time: time, node: "n1", isFinal: isFinal))
            operations.append(
                Operation(
                    index: 2 * index + 1, process: index, kind: step.kind, function: step.function,
                    value: step.value,
                    time: time, node: "n1", isFinal: isFinal))
        }
        return RemovableSetChecker().check(History(operations))
    }

    @Test func whatIsThereAndWhatIsNot() {
        let finding = self.finding([
            (.ok, "add", 1), (.ok, "add", 2), (.ok, "remove", 1), (.ok, "read", [2]),
        ])
        #expect(
            finding.verdict == .valid && finding.summary.hasPrefix("2 elements added, 1 removed"))
    }

    @Test(arguments: [[1], []] as [JSONValue])
    func whatNobodyKnowsMayBeEither(_ read: JSONValue) {
        #expect(
            self.finding([(.ok, "add", 1), (.info, "remove", 1), (.ok, "read", read)]).verdict
                == .valid)
        #expect(self.finding([(.info, "add", 1), (.ok, "read", read)]).verdict == .valid)
    }

    @Test func eachAnomalyHasItsName() {
        func anomalies(_ steps: [Step]) -> [String] { self.finding(steps).anomalies }
        #expect(anomalies([(.ok, "add", 1), (.ok, "read", [])]) == ["lost"])
        #expect(anomalies([(.ok, "add", 1), (.fail, "remove", 1), (.ok, "read", [])]) == ["lost"])
        #expect(
            anomalies([(.ok, "add", 1), (.ok, "remove", 1), (.ok, "read", [1])])
                == ["resurrected"])
        #expect(anomalies([(.ok, "read", [7])]) == ["invented"])
        #expect(anomalies([(.fail, "add", 7), (.ok, "read", [7])]) == ["invented"])
        #expect(anomalies([(.ok, "add", 1), (.ok, "read", [1, 1])]) == ["duplicated"])
    }

    @Test func withoutFinalReadsNothingIsKnown() {
        #expect(self.finding([(.ok, "add", 1)]).verdict == .unknown)
    }
}
