import ChaosCheckers
import ChaosCore
import ChaosEngine
import ChaosRun
import ChaosScenario
import Testing

private func finding(
    _ verdict: Verdict, _ summary: String = "seen", anomalies: [String] = []
) -> Finding {
    Finding(checker: "set-full", verdict: verdict, summary: summary, anomalies: anomalies)
}

private func record(
    _ id: String = "schedule[0]", touched: Int = 3, hits: Int = 2,
    origin: InjectionOrigin = .schedule, crossed: Int = 0
) -> InjectionRecord {
    var record = InjectionRecord(
        id: id, kind: .partition, text: "n1 / n2", origin: origin, mode: .drop,
        places: ["n1->n2"], begin: .start)
    record.touched = touched
    record.hits = hits
    record.crossings = [.init(link: Link("n1", "n2", "main"), bytes: crossed)]
    return record
}

private func judge(_ change: (inout RunFacts) -> Void) -> Judgement {
    var facts = RunFacts()
    change(&facts)
    return Judgement(facts)
}

/// What a run comes to, rule by rule (design, section 11).
@Suite struct JudgementTests {
    @Test func withoutChecksThereIsNoVerdictAndTheRunIsFine() {
        let judgement = judge { _ in }
        #expect(judgement.verdict == nil)
        #expect(judgement.reasons == [])
        #expect(judgement.exitCode == 0)
    }

    @Test(arguments: [(Verdict.valid, Int32(0)), (.invalid, 1), (.unknown, 2)])
    func theVerdictGivesTheExitCode(verdict: Verdict, code: Int32) {
        let judgement = judge { $0.findings = [finding(verdict)] }
        #expect(judgement.verdict == verdict)
        #expect(judgement.exitCode == code)
        #expect(judgement.reasons == (verdict == .valid ? [] : ["set-full: seen"]))
    }

    @Test func invalidBeatsUnknownAndItsReasonsComeFirst() {
        let judgement = judge {
            $0.findings = [finding(.unknown, "too little"), finding(.invalid, "lost 1")]
            $0.doubts = ["something odd"]
        }
        #expect(judgement.verdict == .invalid)
        #expect(judgement.reasons == ["set-full: lost 1", "something odd", "set-full: too little"])
        #expect(judgement.exitCode == 1)
    }

    // MARK: - Vacuity and leaks

    /// Nodes that only ask a service have nothing that a cut among them could take away.
    @Test(arguments: [
        ("n2", false, Verdict.valid), ("n2", true, .valid), ("lin-kv", false, .unknown),
        ("lin-kv", true, .valid),
    ])
    func aCutBetweenThoseThatNeverTalkNeedNotTouchAnything(
        target: String, areServicesUnused: Bool, verdict: Verdict
    ) {
        let judgement = judge {
            $0.findings = [finding(.valid)]
            var cut = record(touched: 0, hits: 0)
            cut.pairs = [DirectedPair("n1", NodeName(target))]
            $0.injections = [cut]
            $0.areNodesSilent = true
            $0.areServicesUnused = areServicesUnused
        }
        #expect(judgement.verdict == verdict)
        #expect(judgement.warnings.count == (verdict == .valid ? 1 : 0))
    }

    @Test func aScheduledFaultThatTouchedNothingMakesTheVerdictUnknownByName() {
        let judgement = judge {
            $0.findings = [finding(.valid)]
            $0.injections = [record(touched: 0, hits: 0)]
        }
        #expect(judgement.verdict == .unknown)
        #expect(judgement.reasons == ["schedule[0] touched nothing: n1 / n2"])
        #expect(judgement.exitCode == 2)
    }

    /// `--latency` is for every workload, also where nodes never talk.
    @Test(arguments: [
        ("*->*", false, Verdict.unknown), ("*->*", true, .valid), ("client->n1", true, .unknown),
    ])
    func whatTheNetworkIsLikeMustBeMetWhereAnybodyTalks(
        links: String, areNodesSilent: Bool, verdict: Verdict
    ) throws {
        var latency = InjectionRecord(
            id: "network[0]", kind: .faults, text: "\(links) delay 1s", origin: .background,
            places: [links], begin: .start)
        latency.rules = [
            FaultRule(
                links: try LinkPattern(parsing: links),
                faults: [.delay(.init(latency: .seconds(1)))])
        ]
        let judgement = judge {
            $0.findings = [finding(.valid)]
            $0.injections = [latency]
            $0.areNodesSilent = areNodesSilent
            $0.areServicesUnused = true
        }
        #expect(judgement.verdict == verdict)
        #expect(
            judgement.reasons
                == (verdict == .valid ? [] : ["network[0] touched nothing: \(links) delay 1s"]))
    }

    @Test func vacuityGivesAVerdictEvenWithoutChecks() {
        let judgement = judge { $0.injections = [record(touched: 0, hits: 0)] }
        #expect(judgement.verdict == .unknown)
        #expect(judgement.exitCode == 2)
    }

    @Test func aFaultThatWasMetAndNeverStruckIsAWarning() {
        let judgement = judge {
            $0.findings = [finding(.valid)]
            $0.injections = [record(touched: 5, hits: 0), record("a", touched: 1, hits: 0)]
        }
        #expect(judgement.verdict == .valid)
        #expect(
            judgement.warnings == [
                "schedule[0] was met 5 times and never struck: n1 / n2",
                "a was met once and never struck: n1 / n2",
            ])
        #expect(judgement.exitCode == 0)
    }

    @Test func anOperatorsFaultMayTouchNothingUnlessAScriptPutItOn() {
        let facts: (inout RunFacts) -> Void = {
            $0.findings = [finding(.valid)]
            $0.injections = [record("p1", touched: 0, hits: 0, origin: .control)]
        }
        #expect(judge(facts).verdict == .valid)
        let scripted = judge {
            facts(&$0)
            $0.isScripted = true
        }
        #expect(scripted.reasons == ["p1 touched nothing: n1 / n2"])
        #expect(scripted.exitCode == 2)
    }

    @Test func bytesAcrossACutMakeTheVerdictUnknownWhoeverCut() {
        for origin in [InjectionOrigin.schedule, .control] {
            let judgement = judge {
                $0.findings = [finding(.valid)]
                $0.injections = [record("p1", origin: origin, crossed: 17)]
            }
            #expect(judgement.verdict == .unknown)
            #expect(judgement.reasons == ["17 bytes crossed the cut p1: n1 / n2"])
            #expect(judgement.exitCode == 2)
        }
    }

    @Test func anEntryThatNeverHappenedMakesTheVerdictUnknownByName() {
        let facts: (inout RunFacts) -> Void = {
            $0.findings = [finding(.valid)]
            $0.neverHappened = [("schedule[1]", "no line matched 'leader'")]
        }
        let judgement = judge(facts)
        #expect(judgement.verdict == .unknown)
        #expect(judgement.reasons == ["schedule[1] never happened: no line matched 'leader'"])
        // Whoever interrupts a run knows that it was short.
        let interrupted = judge {
            facts(&$0)
            $0.isInterrupted = true
        }
        #expect(interrupted.verdict == .valid)
    }

    // MARK: - Expectations

    @Test func anExpectedVerdictIsFine() {
        let judgement = judge {
            $0.findings = [finding(.invalid, anomalies: ["lost", "stale"])]
            $0.expectation = .init(verdict: "invalid", anomaly: "lost")
        }
        #expect(judgement.verdict == .invalid)
        #expect(judgement.exitCode == 0)
    }

    @Test func anotherVerdictThanExpectedIsTold() {
        let judgement = judge {
            $0.findings = [finding(.valid)]
            $0.expectation = .init(verdict: "invalid")
        }
        #expect(
            judgement.reasons == ["the scenario expects the verdict 'invalid', found 'valid'"])
        #expect(judgement.exitCode == 1)
        let unknown = judge {
            $0.findings = [finding(.unknown)]
            $0.expectation = .init(verdict: "invalid")
        }
        #expect(unknown.exitCode == 2)
        let none = judge { $0.expectation = .init(verdict: "valid") }
        #expect(none.reasons == ["the scenario expects the verdict 'valid', found 'none'"])
        #expect(none.exitCode == 1)
    }

    @Test func anExpectedVerdictWithoutItsAnomalyIsNotMet() {
        let judgement = judge {
            $0.findings = [finding(.invalid, anomalies: ["stale"])]
            $0.expectation = .init(verdict: "invalid", anomaly: "lost")
        }
        #expect(
            judgement.reasons.first == "the scenario expects the anomaly 'lost', found 'stale'")
        #expect(judgement.exitCode == 1)
    }

    @Test func anExpectedVerdictCountsOnlyWithoutDoubts() {
        let judgement = judge {
            $0.findings = [finding(.invalid)]
            $0.injections = [record(touched: 0, hits: 0)]
            $0.expectation = .init(verdict: "invalid")
        }
        #expect(
            judgement.reasons.first
                == "the verdict is the expected one, but not everything was put to the test")
        #expect(judgement.exitCode == 2)
        let unknown = judge {
            $0.injections = [record(touched: 0, hits: 0)]
            $0.expectation = .init(verdict: "unknown")
        }
        #expect(unknown.exitCode == 0)
    }

    // MARK: - Exit codes

    @Test func aDeadNodeBeatsUnknownAndValidButNotInvalid() {
        for (verdict, code) in [(Verdict.valid, Int32(75)), (.unknown, 75), (.invalid, 1)] {
            let judgement = judge {
                $0.findings = [finding(verdict)]
                $0.deaths = ["n1"]
            }
            #expect(judgement.exitCode == code)
        }
        let met = judge {
            $0.findings = [finding(.invalid)]
            $0.expectation = .init(verdict: "invalid")
            $0.deaths = ["n1"]
        }
        #expect(met.exitCode == 75)
    }

    @Test func aWrappedCommandsCodeIsOursAndABadVerdictCountsWhereItIsZero() {
        for (verdict, code) in [(Verdict.valid, Int32(0)), (.invalid, 1), (.unknown, 2)] {
            let judgement = judge {
                $0.findings = [finding(verdict)]
                $0.wrappedExit = 0
            }
            #expect(judgement.exitCode == code)
        }
        let failed = judge {
            $0.findings = [finding(.invalid)]
            $0.wrappedExit = 143
            $0.deaths = ["n1"]
        }
        #expect(failed.exitCode == 143)
    }

    @Test func chaossOwnFailureBeatsTheCommandAndAnInterruptionBeatsAll() {
        let facts: (inout RunFacts) -> Void = {
            $0.findings = [finding(.valid)]
            $0.wrappedExit = 3
            $0.failure = RunError("guardian: it is gone")
        }
        let failed = judge(facts)
        #expect(failed.verdict == .unknown)
        #expect(failed.reasons == ["guardian: it is gone"])
        #expect(failed.exitCode == 69)
        let interrupted = judge {
            facts(&$0)
            $0.isInterrupted = true
        }
        #expect(interrupted.exitCode == 130)
    }
}
