import ChaosCheckers
import ChaosCore
import Testing

private func second(_ seconds: Double) -> Instant {
    Instant(nanoseconds: Int64(seconds * 1_000_000_000))
}

/// A history of reads: on which node, from when to when, and how each ended.
private func history(
    _ reads: (node: String, from: Double, to: Double, kind: Operation.Kind)...
) -> History {
    var events: [Operation] = []
    for (process, read) in reads.enumerated() {
        for (time, kind) in [(read.from, Operation.Kind.invoke), (read.to, read.kind)] {
            events.append(
                Operation(
                    index: 0, process: process, kind: kind, function: "read",
                    time: second(time), node: read.node))
        }
    }
    return History(events.sorted { $0.time < $1.time })
}

/// A cut from second 10 to second 14, and a slow link until 12.
private let disturbances = [
    Disturbance(begin: second(10), end: second(14), isCut: true),
    Disturbance(begin: second(3), end: second(12), isCut: false),
]

private func check(
    _ history: History, within: Duration? = nil, absent: [String] = [],
    _ disturbances: [Disturbance] = disturbances
) -> Finding {
    RecoversChecker(within: within).told(of: disturbances, absent: absent).check(history)
}

/// `recovers`: every node serves clients soon after the last heal.
@Suite struct RecoversCheckerTests {
    @Test func nodesThatServeInTimeAreValid() {
        let finding = check(
            history(("n1", 13, 15, .ok), ("n2", 14.5, 14.6, .fail), ("n2", 16, 16.5, .ok)))
        #expect(finding.verdict == .valid)
        #expect(
            finding.summary
                == "2 nodes served clients again within 2.5s of the last heal, 9s allowed")
        #expect(
            finding.evidence == [
                "n1: first ok 1s after the heal", "n2: first ok 2.5s after the heal",
            ])
    }

    @Test func aNodeThatStillDoesNotServeWhenTimeIsUpIsInvalidWithTheOperation() {
        let finding = check(
            history(("n1", 15, 15.1, .ok), ("n2", 20, 25, .info), ("n2", 26, 27, .ok)))
        #expect(finding.verdict == .invalid)
        #expect(finding.anomalies == ["not-recovered"])
        #expect(finding.summary == "n2 did not serve clients within 9s of the last heal")
        #expect(
            finding.evidence.first
                == "n2: first ok 13s after the heal; read of process 1 from 6s after the heal"
                + " ended info")
    }

    @Test func aLimitOfItsOwnReplacesTheDefault() {
        let late = history(("n1", 14.5, 17, .ok))
        #expect(check(late, within: .seconds(2)).verdict == .invalid)
        #expect(check(late, within: .seconds(3)).verdict == .valid)
    }

    @Test func whatWasServedBeforeTheHealProvesNothing() {
        #expect(check(history(("n1", 12, 13, .ok))).verdict == .unknown)
    }

    @Test func aNodeThatNobodyAskedWhenTimeWasUpIsUnknown() {
        let finding = check(history(("n1", 15, 16, .fail)))
        #expect(finding.verdict == .unknown)
        #expect(
            finding.summary
                == "nobody can tell whether n1 recovered within 9s: too few operations")
        #expect(
            finding.evidence == ["n1: no ok, and nobody asked when time was up"])
    }

    @Test func nothingIsExpectedOfNodesThatAreDownOnPurpose() {
        let reads = history(("n1", 15, 16, .ok), ("n2", 20, 25, .info))
        #expect(check(reads).verdict == .invalid)
        #expect(check(reads, absent: ["n2"]).verdict == .valid)
    }

    @Test func withoutDisturbanceOrOperationsNothingIsProved() {
        let calm = check(history(("n1", 1, 2, .ok)), [])
        #expect(calm.verdict == .unknown)
        #expect(calm.summary == "nothing was disturbed, so nothing had to recover")
        #expect(check(History()).summary == "there were no operations")
    }
}
