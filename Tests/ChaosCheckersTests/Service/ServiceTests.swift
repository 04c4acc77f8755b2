import ChaosCheckers
import ChaosCore
import Testing

@Suite("Services: levels, quiet, convergence, leaders, supervision")
struct ServiceTests {
    @Test func latenciesAreComparedWithLimits() throws {
        let script = (0..<100).map {
            "\($0 * 10) 0 call get\n\($0 * 10 + ($0 == 99 ? 9 : 2)) 0 ok get"
        }
        .joined(separator: "\n")
        #expect(try finding("slo", ["p50": "2ms", "max": "9ms"], script).verdict == .valid)
        let slow = try finding("slo", ["p50": "2ms", "p99": "5ms"], script)
        #expect(slow.verdict == .invalid)
        #expect(slow.summary == "p99 is 9ms, allowed is 5ms")
        #expect(try finding("slo", ["rate": 100], script).verdict == .valid)
        #expect(try finding("slo", ["rate": 102], script).verdict == .invalid)
        #expect(try finding("slo", ["f": "put", "max": "1s"], script).verdict == .unknown)
        #expect {
            _ = try makeChecker(name: "slo")
        } throws: {
            "\($0)" == "the check 'slo' needs a limit\nhint: such as 'p99: 400ms'"
        }
    }

    @Test func whoeverCallsHearsSomethingInTime() throws {
        let prompt = "0 0 call echo 1\n900 0 fail echo 1\n0 1 call echo 2\n1000 1 info echo 2\n"
        #expect(try finding("answered", ["within": "1s"], prompt).verdict == .valid)
        let late = try finding("answered", ["within": "0.9s"], prompt)
        #expect(late.verdict == .invalid && late.anomalies == ["unanswered"])
        let open = prompt + "500 2 call echo 3 @n1\n2000 3 run echo 4"
        #expect(
            try finding("answered", ["within": "1s"], open).evidence.first?.hasPrefix(
                "unanswered: echo 3 for n1, process 2 ") == true)
        // What was called just before the end may still be answered.
        let young = prompt + "1000 2 call echo 3\n1100 3 run echo 4"
        #expect(try finding("answered", ["within": "1s"], young).verdict == .valid)
        #expect(try finding("answered", [:], "0 0 call echo 1").verdict == .unknown)
    }

    @Test func nothingGoesOnAfterTheLoad() throws {
        let load = "0 0 run broadcast 1\n100 1 run broadcast 2\n"
        func traffic(_ before: Int, _ after: Int) -> String {
            load + "6000 9 run traffic \(before)\n7000 9 run traffic \(after)"
        }
        #expect(try finding("quiescent", [:], traffic(50, 50)).verdict == .valid)
        let busy = try finding("quiescent", [:], traffic(50, 62))
        #expect(busy.anomalies == ["busy"])
        #expect(
            busy.evidence == [
                "busy: 12 messages between 6s and 7s, though the load had stopped at 0.1s"
            ])
        let open = "50 3 call read\n" + traffic(1, 1)
        #expect(try finding("quiescent", [:], open).anomalies == ["never-answered"])
        #expect(try finding("quiescent", [:], load).verdict == .unknown)
    }

    @Test func nodesConvergeAfterTheHeal() throws {
        let script = """
            0 0 run add 1
            9000 0 call read null @n1
            9000 0 ok read [1,2] @n1
            9001 1 call read null @n2
            9001 1 ok read [2,1] @n2
            """
        let cut = Disturbance(
            begin: Instant(nanoseconds: 0), end: Instant(nanoseconds: 1_000_000_000), isCut: true)
        let checker = ConvergenceChecker().told(of: [cut], absent: [])
        #expect(checker.check(try events(script)).verdict == .valid)
        let apart = checker.check(
            try events(script + "\n9002 2 call read null @n3\n9002 2 ok read [1] @n3"))
        #expect(apart.anomalies == ["diverged"])
        #expect(apart.evidence == ["diverged: the read is [1,2] on n1 and [1] on n3"])
        // Before the limit replicas may differ.
        let early = checker.check(
            try events(script + "\n5000 2 call read null @n3\n5000 2 ok read [1] @n3"))
        #expect(early.verdict == .valid)
        #expect(ConvergenceChecker().check(History()).verdict == .unknown)
    }

    @Test func thereIsOneLeader() throws {
        let script = """
            0 0 run leader {"leader":"n1","term":1} @n1
            1 1 run leader {"leader":null,"term":1} @n2
            9000 0 run leader {"leader":"n2","term":2} @n1
            9001 1 run leader {"leader":"n2","term":2} @n2
            """
        #expect(try finding("one-leader", [:], script).verdict == .valid)
        let cases: [(line: String, name: String)] = [
            (#"9002 2 run leader {"leader":"n3","term":2} @n3"#, "two-leaders"),
            (#"9002 2 run leader {"leader":null,"term":2} @n3"#, "no-leader"),
            (#"9002 2 run leader {"leader":"n3","term":3} @n3"#, "disagreement"),
            (#"9002 0 run leader {"leader":"n1","term":1} @n1"#, "term-went-back"),
        ]
        for (line, name) in cases {
            let finding = try finding("one-leader", [:], script + "\n" + line)
            #expect(finding.verdict == .invalid)
            #expect(finding.anomalies.contains(name), "\(finding.anomalies) for \(name)")
        }
        #expect(try finding("one-leader", [:], "0 0 call leader").verdict == .unknown)
    }

    // MARK: - Supervision

    /// A trace: `+a1` starts child a with pid 1, `-a` crashes it, `~a` ends it normally, `xa` is a stop by the supervisor. Each takes 10 ms; a
    /// number alone lets so many milliseconds pass.
    private func trace(_ text: String) -> History {
        var history = History()
        var time: Int64 = 0
        for word in text.split(separator: " ") {
            if let pause = Int64(word) {
                time += pause
                continue
            }
            let child = JSONValue.string(String(word.dropFirst().prefix(1)))
            let reasons: [Character: JSONValue] = ["-": "crash", "~": "normal", "x": "shutdown"]
            let reason = word.first.flatMap { reasons[$0] }
            let value: JSONValue =
                reason.map { ["child": child, "reason": $0] }
                ?? ["child": child, "pid": .string(String(word.dropFirst()))]
            history.append(
                Operation(
                    index: history.operations.count, process: 0, kind: .info,
                    function: reason == nil ? "started" : "terminated", value: value,
                    time: Instant(nanoseconds: time * 1_000_000)))
            time += 10
        }
        return history
    }

    @Test(
        arguments: [
            ("one_for_one", "+a1 +b1 +c1 -b +b2 -a +a2", nil),
            ("one_for_one", "+a1 +b1 +c1 -b", "not-restarted"),
            // Who ends while another one is restarted waits for its turn.
            ("one_for_one", "+a1 +b1 +c1 -b -a +b2 +a2", nil),
            ("one_for_one", "+a1 +b1 +c1 -b -a +a2 +b2", "needless-restart"),
            ("one_for_one", "+a1 +b1 +c1 -b +b1", "same-pid"),
            ("one_for_one", "+a1 +b1 +c1 -b xc +c2 +b2", "needless-restart"),
            ("one_for_one", "+b1 +a1 +c1", "wrong-order"),
            ("one_for_all", "+a1 +b1 +c1 -b xc xa +a2 +b2 +c2", nil),
            ("one_for_all", "+a1 +b1 +c1 -b xa xc +a2 +b2 +c2", "wrong-order"),
            ("one_for_all", "+a1 +b1 +c1 -b +b2", "wrong-order"),
            ("rest_for_one", "+a1 +b1 +c1 -b xc +b2 +c2", nil),
            ("rest_for_one", "+a1 +b1 +c1 -b xc +c2 +b2", "wrong-order"),
            // Four ends within five seconds are too many.
            ("one_for_one", "+a1 +b1 +c1 -a +a2 -a +a3 -a +a4 -a xc xb", nil),
            ("one_for_one", "+a1 +b1 +c1 -a +a2 -a +a3 -a +a4 -a +a5", "no-escalation"),
            ("one_for_one", "+a1 +b1 +c1 -a +a2 -a +a3 -a +a4 -a xc xb +b2", "orphan"),
            ("one_for_one", "+a1 +b1 +c1 -a +a2 -a +a3 2000 -a +a4 4000 -a +a5", nil),
        ] as [(String, String, String?)])
    func supervisorsFollowTheirStrategy(strategy: String, trace: String, anomaly: String?) throws {
        let checker = try makeChecker(
            name: "supervision", parameters: ["strategy": .string(strategy), "children": "a b c"])
        let finding = checker.check(self.trace(trace))
        #expect(finding.verdict == (anomaly == nil ? .valid : .invalid), "\(finding.evidence)")
        if let anomaly { #expect(finding.anomalies.contains(anomaly), "\(finding.evidence)") }
    }

    @Test func childrenAreRestartedAsTheyAskFor() throws {
        let checker = try makeChecker(
            name: "supervision", parameters: ["children": "a:transient b:temporary"])
        #expect(checker.check(self.trace("+a1 +b1 ~a -b")).verdict == .valid)
        #expect(checker.check(self.trace("+a1 +b1 -a +a2")).verdict == .valid)
        #expect(checker.check(self.trace("+a1 +b1 -a")).anomalies == ["not-restarted"])
        #expect(checker.check(self.trace("+a1 +b1 ~a +a2")).anomalies == ["needless-restart"])
        #expect(checker.check(self.trace("+a1 +b1 -b +b2")).anomalies == ["needless-restart"])
        #expect(checker.check(History()).verdict == .unknown)
    }
}
