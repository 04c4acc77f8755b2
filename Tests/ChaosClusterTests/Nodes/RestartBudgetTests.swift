import ChaosCluster
import ChaosCore
import ChaosScenario
import Testing

@Suite("Restart budget")
struct RestartBudgetTests {
    private static func at(_ milliseconds: Int64) -> Instant {
        Instant(nanoseconds: milliseconds * 1_000_000)
    }

    @Test func thePolicyDecidesByTheExitStatus() {
        var never = RestartBudget(policy: .no)
        #expect(never.decide(after: .signalled(9), started: .start, now: Self.at(1)) == .rest)
        var onFailure = RestartBudget(policy: .onFailure)
        #expect(onFailure.decide(after: .exited(0), started: .start, now: Self.at(1)) == .rest)
        #expect(
            onFailure.decide(after: .exited(1), started: .start, now: Self.at(1))
                == .restart(after: .milliseconds(100)))
        var always = RestartBudget(policy: .always)
        #expect(
            always.decide(after: .exited(0), started: .start, now: Self.at(1))
                == .restart(after: .milliseconds(100)))
    }

    @Test func theWaitDoublesAndTheSixthRestartIsRefused() {
        var budget = RestartBudget(policy: .always)
        let waits = (1...6).map { second in
            budget.decide(
                after: .exited(1), started: Self.at(Int64(second) * 1000 - 500),
                now: Self.at(Int64(second) * 1000))
        }
        #expect(
            waits == [
                .restart(after: .milliseconds(100)), .restart(after: .milliseconds(200)),
                .restart(after: .milliseconds(400)), .restart(after: .milliseconds(800)),
                .restart(after: .milliseconds(1600)),
                .giveUp("it restarts at most 5 times within 30 s and has done so"),
            ])
    }

    @Test func aNodeThatRanForAWhileStartsOver() {
        var budget = RestartBudget(policy: .always)
        for second in 1...5 {
            _ = budget.decide(
                after: .exited(1), started: Self.at(Int64(second) * 1000),
                now: Self.at(Int64(second) * 1000))
        }
        #expect(
            budget.decide(after: .exited(1), started: Self.at(6000), now: Self.at(40_000))
                == .restart(after: .milliseconds(100)))
    }
}
