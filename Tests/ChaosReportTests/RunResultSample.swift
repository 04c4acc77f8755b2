import ChaosCheckers
import ChaosCore
import ChaosReport

extension Instant {
    static func seconds(_ seconds: Double) -> Instant {
        Instant(nanoseconds: Int64(seconds * 1e9))
    }
}

/// A run in which the broadcast of a naive node lost values behind a partition.
func sampleResult() -> RunResult {
    var result = RunResult(
        scenario: "split-brain", seed: Seed(42), verdict: .invalid, exitCode: 1,
        reasons: ["set-full: 3 of 120 values lost"], elapsed: .milliseconds(30_250),
        directory: "runs/20261121-081500-split-brain",
        repeatCommand: "chaos test examples/demo/split-brain.yaml --seed 42")
    result.findings = [
        Finding(
            checker: "set-full", verdict: .invalid, summary: "3 of 120 values lost",
            anomalies: ["lost"], evidence: ["lost 17: added at 12.3s", "lost 18: added at 12.4s"],
            statistics: ["lost_count": 3]),
        Finding(checker: "availability", verdict: .valid, summary: "all 130 operations ok"),
    ]
    result.faults = [
        .init(
            id: "schedule[0]", text: "partition n1 / n2 n3, lose", begin: .seconds(12),
            end: .seconds(18), touched: 40, hits: 12),
        .init(
            id: "f1", text: "n1->n2 delay 100ms", begin: .seconds(20), end: nil, touched: 0,
            hits: 0,
            origin: "control"),
    ]
    result.cuts = [
        .init(
            id: "schedule[0]", link: Link("n1", "n3", "peer"), from: .seconds(12), to: .seconds(18),
            crossedBytes: 0),
        .init(
            id: "schedule[0]", link: Link("n3", "n1", "peer"), from: .seconds(12), to: .seconds(18),
            crossedBytes: 0),
    ]
    result.links = [.init(Link("n1", "n2", "peer"), connections: 2, messages: 12, bytes: 1500)]
    result.warnings = ["f1 was met 0 times"]
    result.deaths = [
        .init(
            node: "n2", status: "exit status 1", at: .seconds(25.5),
            lastLines: ["panic: <disk> & \"heat\""])
    ]
    return result
}
