import Foundation
import Testing

/// Three servers of ZooKeeper, whose leader is cut off.
@Suite(
    "examples/zookeeper",
    .enabled(
        if: FileManager.default.fileExists(atPath: "/usr/share/java/zookeeper.jar"),
        "sudo apt-get install zookeeper"),
    .enabled(if: ExampleRun.hasLab, "no lab here: see 'chaos doctor'"))
struct ZooKeeperTests {
    @Test func anIsolatedLeaderServesNobodyAndNothingAcknowledgedIsLost() async throws {
        try requireProgram("python3", package: "python3")
        let run = try ExampleRun([
            "run", "--quiet", ExampleRun.example("zookeeper/lab.yaml"), "--",
            ExampleRun.example("zookeeper/isolate.py"),
        ])
        let code = try await run.exitCode(within: .seconds(240))
        #expect(code == 0, "\(run.output)\n\(run.errors)")
        let story = [
            " leads, and writes are acknowledged everywhere", "$ chaos isolate z", " leads now",
            " knows that it leads nobody, and serves nobody", " are acknowledged, and none at z",
            "$ chaos heal", " follows, and acknowledges writes again",
        ]
        expect(story, inOrderIn: run.output)
        let result = try run.result()
        #expect(result.verdict == "valid")
        // Who leads is ZooKeeper's choice.
        let cut = try #require(result.faults.first).text
        #expect(cut.wholeMatch(of: /partition isolate z[123] \(drop\)/) != nil)
        expectCuts([cut], in: result)
        #expect(result.warnings == [])
    }
}
