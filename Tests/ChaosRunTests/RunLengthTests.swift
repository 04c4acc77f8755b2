import ChaosCore
import ChaosRun
import ChaosScenario
import Testing

private func length(
    run: Duration? = nil, load: Duration? = nil, wanted: Duration? = nil, hasLoad: Bool = true
) -> RunLength {
    var scenario = Scenario(name: "x")
    scenario.duration = run
    if hasLoad { scenario.workload = WorkloadSpec(kind: "echo", duration: load) }
    return RunLength(scenario, wanted: wanted)
}

/// How long a run and its load last.
@Suite struct RunLengthTests {
    @Test func theLoadDecidesWhereNobodyElseDoes() {
        let own = length(load: .seconds(3))
        #expect(own.total == .seconds(3))
        #expect(own.load == .seconds(3))
        #expect(!own.isLimit)
        // The workload's own default.
        #expect(length().total == .seconds(10))
    }

    @Test func theScenariosLengthIsTheLoadsToo() {
        let both = length(run: .seconds(30))
        #expect(both.total == .seconds(30))
        #expect(both.load == .seconds(30))
        #expect(both.isLimit)
    }

    @Test func aLoadThatSaysItsLengthLastsAtMostAsLongAsTheRun() {
        let short = length(run: .seconds(30), load: .seconds(10))
        #expect(short.total == .seconds(30))
        #expect(short.load == .seconds(10))
        #expect(short.note(hasCommand: false) == "the load lasts 10s, the run 30s")
        #expect(length(run: .seconds(5), load: .seconds(10)).load == .seconds(5))
    }

    @Test func theCommandLineWins() {
        let wanted = length(run: .seconds(30), load: .seconds(10), wanted: .seconds(2))
        #expect(wanted.total == .seconds(2))
        #expect(wanted.load == .seconds(2))
        #expect(wanted.note(hasCommand: false) == nil)
    }

    @Test func aRunWithoutAnyLimitSaysSo() {
        let endless = length(hasLoad: false)
        #expect(endless.total == nil)
        #expect(endless.load == nil)
        #expect(endless.note(hasCommand: false) == "runs until Ctrl-C or 'chaos end'")
        #expect(endless.note(hasCommand: true) == nil)
        #expect(length(run: .seconds(1), hasLoad: false).note(hasCommand: false) == nil)
    }
}
