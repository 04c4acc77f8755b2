import ChaosCheckers
import ChaosCore
import ChaosReport
import Testing

@Suite("What GitHub shows") struct GitHubReportTests {
    @Test func aRunThatFailedIsAnnotatedAtItsFile() {
        var result = sampleResult()
        result.reasons = ["set-full: 3 of 120 values lost, 100% sure\nand more"]
        #expect(
            GitHubReport.annotation(result, file: "a,b:c.yaml")
                == "::error file=a%2Cb%3Ac.yaml,title=chaos%3A split-brain::"
                + "split-brain, seed 42: invalid, exit 1 (invalid)%0A"
                + "set-full: 3 of 120 values lost, 100%25 sure%0Aand more%0A"
                + "repeat: chaos test examples/demo/split-brain.yaml --seed 42")
    }

    @Test func aRunThatIsAsExpectedIsNot() {
        var result = sampleResult()
        result.exitCode = 0
        #expect(GitHubReport.annotation(result, file: nil) == nil)
    }

    @Test func theSummaryHasARowForEachRunAndDetailsOfThoseThatFailed() {
        var good = sampleResult()
        good.scenario = "good | <b>"
        good.verdict = .valid
        good.exitCode = 0
        good.reasons = []
        var bad = sampleResult()
        bad.reasons = ["lost ```` 3"]
        let summary = GitHubReport.summary([good, bad])
        let lines = summary.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.first == "### chaos: 1 of 2 runs as expected")
        #expect(lines.contains("| ✅ | good \\| &lt;b&gt; | 42 | valid | 30.25s |  |"))
        #expect(lines.contains("| ❌ | split-brain | 42 | invalid | 30.25s | lost ```` 3 |"))
        #expect(lines.count { $0 == "`````" } == 2)
        #expect(summary.components(separatedBy: "<details>") == 2)
    }
}

extension String {
    /// How many parts a separator leaves.
    fileprivate func components(separatedBy separator: String) -> Int {
        self.ranges(of: separator).count + 1
    }
}
