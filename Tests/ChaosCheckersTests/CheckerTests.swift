import ChaosCheckers
import ChaosCore
import Testing

@Suite("Verdicts and checks")
struct CheckerTests {
    @Test func invalidBeatsUnknownBeatsValid() {
        #expect(Verdict.valid.combined(with: .unknown) == .unknown)
        #expect(Verdict.unknown.combined(with: .invalid) == .invalid)
        #expect(Verdict.invalid.combined(with: .valid) == .invalid)
        #expect(Verdict.combined([.valid, .valid]) == .valid)
        #expect(Verdict.combined([.valid, .unknown, .invalid, .valid]) == .invalid)
        #expect(Verdict.combined([]) == .unknown)
    }

    private func mixed(ok: Int, fail: Int, info: Int) -> History {
        var script = HistoryScript()
        for _ in 0..<ok { script.add(1) }
        for _ in 0..<fail { script.add(1, on: "n1", .fail) }
        for _ in 0..<info { script.add(1, on: "n1", .info) }
        return script.history
    }

    @Test func availabilityIsTheShareOfOkOperations() {
        let checker = AvailabilityChecker(minimum: Ratio(percent: 90))
        let enough = checker.check(self.mixed(ok: 9, fail: 1, info: 0))
        #expect(enough.verdict == .valid)
        #expect(enough.summary == "9 of 10 operations ok (90%), 90% required")
        let short = checker.check(self.mixed(ok: 8, fail: 0, info: 1))
        #expect(short.verdict == .invalid)
        #expect(short.summary == "8 of 9 operations ok (88.88%), 90% required")
        #expect(short.evidence == ["broadcast: 8 ok, 0 fail, 1 info"])
        #expect(checker.check(History()).verdict == .unknown)
    }

    @Test func anOpenOperationIsNotAvailable() {
        var script = HistoryScript()
        script.add(1)
        script.add(2, on: "n1", nil)
        let finding = AvailabilityChecker(minimum: .one).check(script.history)
        #expect(finding.verdict == .invalid)
        #expect(finding.statistics["info"] == 1)
    }

    /// Some nodes may be judged alone, and what failed is told with why.
    @Test func whatCouldNotBeUsedIsNamed() throws {
        var history = HistoryScript.faultless.history
        func add(_ node: String, _ error: String) {
            for kind in [Operation.Kind.invoke, .fail] {
                history.append(
                    Operation(
                        index: history.operations.count, process: 99, kind: kind,
                        function: "transfer", time: Instant(nanoseconds: 1_000_000_000),
                        node: node, error: kind == .fail ? error : nil))
            }
        }
        for _ in 0..<3 { add("n1", "refused") }
        for _ in 0..<2 { add("n2", "error 30: locked") }
        add("n2", "error 11: not now")
        let checker = try makeChecker(
            name: "availability", parameters: ["at_least": "95%", "nodes": "n2 n3"])
        let finding = checker.check(history)
        #expect(finding.verdict == .invalid)
        #expect(
            finding.evidence.last
                == "transfer: 0 ok, 3 fail, 0 info; 2 × error 30: locked; 1 × error 11: not now")
        // What counts as an answer does not fail.
        let refusing = try makeChecker(
            name: "availability",
            parameters: ["at_least": "total", "nodes": "n2", "answers": "30 11"])
        #expect(refusing.check(history).verdict == .valid)
        let other = try makeChecker(
            name: "availability", parameters: ["at_least": "total", "nodes": "n3"])
        #expect(other.check(history).verdict == .valid)
    }

    @Test func anEchoReturnsWhatWasSent() {
        var script = HistoryScript()
        script.operation("echo", "Please echo 1", .ok, "Please echo 1")
        script.operation("echo", "Please echo 2", .info, nil)
        #expect(EchoChecker().check(script.history).verdict == .valid)
        script.operation("echo", "Please echo 3", .ok, "Please echo 4")
        let finding = EchoChecker().check(script.history)
        #expect(finding.verdict == .invalid)
        #expect(
            finding.evidence == [#"wrong-echo "Please echo 3": n1 returned "Please echo 4""#])
        #expect(EchoChecker().check(History()).verdict == .unknown)
    }

    @Test func makesCheckersByName() throws {
        #expect(checkerNames.prefix(4) == ["set-full", "availability", "recovers", "echo"])
        #expect(try makeChecker(name: "echo") is EchoChecker)
        let set = try makeChecker(name: "set-full", parameters: ["linearizable": "true"])
        #expect((set as? SetFullChecker)?.isLinearizable == true)
        for text: JSONValue in ["90%", 0.9, "9/10"] {
            let checker = try makeChecker(name: "availability", parameters: ["at_least": text])
            #expect((checker as? AvailabilityChecker)?.minimum == Ratio(percent: 90))
        }
        let total = try makeChecker(name: "availability", parameters: ["at_least": "total"])
        #expect((total as? AvailabilityChecker)?.minimum == .one)
    }

    @Test(
        arguments: [
            (
                "set-ful", [:],
                "a check is one of \(checkerNames.joined(separator: ", ")), found 'set-ful'"
                    + "\nhint: did you mean 'set-full'?"
            ),
            (
                "xyzzy", [:],
                "a check is one of \(checkerNames.joined(separator: ", ")), found 'xyzzy'"
            ),
            ("echo", ["a": 1], "the check 'echo' takes no parameters, found 'a'"),
            (
                "set-full", ["linearisable": true],
                "the check 'set-full' has no such parameter, found 'linearisable'"
                    + "\nhint: did you mean 'linearizable'?"
            ),
            (
                "set-full", ["linearizable": "maybe"],
                "'linearizable' of 'set-full' is true or false, found 'maybe'"
            ),
            (
                "availability", [:],
                "the check 'availability' needs 'at_least'"
                    + "\nhint: write 'availability: { at_least: 90% }'"
            ),
            (
                "availability", ["at_least": 90],
                "'at_least' of 'availability': a ratio is written as '10%', '1/20' or '0.05',"
                    + " found '90'"
                    + "\nhint: write '90%' or '0.9'"
            ),
        ] as [(String, JSONObject, String)])
    func explainsWhatItCannotMake(name: String, parameters: JSONObject, message: String) {
        #expect {
            _ = try makeChecker(name: name, parameters: parameters)
        } throws: {
            "\($0)" == message
        }
    }
}
