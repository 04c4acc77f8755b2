import ChaosCheckers
import ChaosCore
import ChaosReport
import Testing

@Suite("Results of runs")
struct RunResultTests {
    @Test func readsBackWhatItWrote() throws {
        var result = sampleResult()
        #expect(try RunResult(json: JSONValue(parsing: result.json.text)) == result)
        result.verdict = nil
        result.expectation = "invalid (lost)"
        result.seed = Seed(UInt64.max)
        #expect(try RunResult(json: JSONValue(parsing: result.json.text)) == result)
    }

    @Test func namesWhatIsMissing() throws {
        let error = try #require(throws: InputError.self) {
            _ = try RunResult(json: ["scenario": "x", "seed": -1])
        }
        #expect(error.description == "results.json: 'seed' is a seed, found '-1'")
    }

    @Test func theSummaryTellsEverythingThatDecides() {
        #expect(
            ResultText.lines(sampleResult(), .plain).joined(separator: "\n") == """
                INVALID  split-brain  seed 42  30.25s
                  set-full: 3 of 120 values lost

                set-full  invalid  3 of 120 values lost
                    lost 17: added at 12.3s
                    lost 18: added at 12.4s
                availability  valid  all 130 operations ok

                ID           FAULT                       FROM   TO  TOUCHED  HITS
                schedule[0]  partition n1 / n2 n3, lose   12s  18s       40    12
                f1           n1->n2 delay 100ms           20s  end        0     0

                schedule[0]: 0 bytes crossed n1->n3:peer, n3->n1:peer during 12.0–18.0 s

                n2 died at 25.5s: exit status 1
                    panic: <disk> & "heat"

                warning: f1 was met 0 times

                run     runs/20261121-081500-split-brain
                repeat  chaos test examples/demo/split-brain.yaml --seed 42
                """)
    }

    @Test func aLeakIsNamedByItsLink() {
        var result = sampleResult()
        result.cuts[0].crossedBytes = 17
        let lines = ResultText.lines(result, .plain)
        #expect(lines.contains("schedule[0]: 17 bytes crossed n1->n3:peer during 12.0–18.0 s"))
        #expect(lines.contains("schedule[0]: 0 bytes crossed n3->n1:peer during 12.0–18.0 s"))
    }

    @Test func manyCleanLinksAreCounted() {
        var result = sampleResult()
        result.cuts = (1...20).map {
            .init(
                id: "p1", link: Link("n0", NodeName("n\($0)"), "peer"), from: .seconds(1), to: nil,
                crossedBytes: 0)
        }
        #expect(
            ResultText.lines(result, .plain).contains(
                "p1: 0 bytes crossed any of its 20 links during 1.0–30.3 s"))
    }

    @Test(
        "says why the exit code is another than the verdict's",
        arguments: [
            (Verdict.valid, 0, nil, "VALID  split-brain  seed 42  30.25s"),
            (.unknown, 2, nil, "UNKNOWN  split-brain  seed 42  30.25s"),
            (
                .invalid, 0, "invalid (lost)",
                "INVALID  split-brain  seed 42  30.25s  expected invalid (lost)  exit 0: as expected"
            ),
            (.valid, 75, nil, "VALID  split-brain  seed 42  30.25s  exit 75: a node died"),
            (nil, 0, nil, "NOT CHECKED  split-brain  seed 42  30.25s"),
            (
                nil, 3, nil,
                "NOT CHECKED  split-brain  seed 42  30.25s  exit 3: the wrapped command ended with 3"
            ),
        ] as [(Verdict?, Int32, String?, String)])
    func verdictLines(verdict: Verdict?, code: Int32, expectation: String?, line: String) {
        var result = sampleResult()
        result.verdict = verdict
        result.exitCode = code
        result.expectation = expectation
        #expect(ResultText.lines(result, .plain)[0] == line)
    }

    @Test(
        "says of a wrapped command's exit code whose it is",
        arguments: [
            (
                nil, 0,
                "NOT CHECKED  split-brain  seed 42  30.25s  exit 0: the wrapped command ended with 0"
            ),
            (
                nil, 64,
                "NOT CHECKED  split-brain  seed 42  30.25s  exit 64: the wrapped command ended with 64"
            ),
            (.valid, 0, "VALID  split-brain  seed 42  30.25s"),
            (
                .unknown, 1,
                "UNKNOWN  split-brain  seed 42  30.25s  exit 1: the wrapped command ended with 1"
            ),
        ] as [(Verdict?, Int32, String)])
    func commandExits(verdict: Verdict?, code: Int32, line: String) throws {
        var result = sampleResult()
        result.expectation = nil
        result.verdict = verdict
        result.exitCode = code
        result.commandExit = code
        #expect(ResultText.lines(result, .plain)[0] == line)
        #expect(try RunResult(json: result.json) == result)
        result.exitCode = 130
        #expect(ResultText.lines(result, .plain)[0].hasSuffix("exit 130: interrupted"))
    }
}
