import Foundation
import Testing

/// Examples in JavaScript. 'make test' installs what they need; without it they cannot run.
@Suite(
    "examples/maelstrom-node-js and examples/http2", .serialized,
    .enabled(
        if: hasProgram("node"),
        "these examples run node, which is not on the PATH: sudo apt-get install nodejs"))
struct NodeJSTests {
    private func broadcast(_ node: String...) async throws -> (code: Int32, result: ExampleResult) {
        let run = try ExampleRun(
            [
                "test", "-w", "broadcast", "--bin",
                ExampleRun.example("maelstrom-node-js/broadcast.js"), "--node-count", "5",
                "--time-limit", "6", "--rate", "20", "--nemesis", "partition",
                "--nemesis-interval", "2", "--recovery-time", "3", "--seed", "3", "--quiet",
            ] + (node.isEmpty ? [] : ["--"] + node))
        let code = try await run.exitCode()
        let result = try run.result()
        let cuts = result.faults.filter { $0.text.hasPrefix("partition ") }
        #expect(!cuts.isEmpty && cuts.allSatisfy { $0.hits > 0 }, "\(run.output)\n\(run.errors)")
        return (code, result)
    }

    @Test func aNodeThatTellsUntilItIsHeardLosesNothingThroughCuts() async throws {
        let (code, result) = try await self.broadcast()
        #expect(code == 0 && result.verdict == "valid")
    }

    @Test func aNodeThatTellsOnceLosesWhatWasCut() async throws {
        let (code, result) = try await self.broadcast("--naive")
        #expect(code == 1 && result.verdict == "invalid")
        #expect(result.findings.flatMap(\.anomalies) == ["lost"])
    }

    /// nghttp2 at both ends: it ends a connection at the first frame that breaks a rule.
    @Test func connectionsOfHTTP2OutliveTheirLostMessages() async throws {
        let run = try ExampleRun([
            "test", "--quiet", "--seed", "1", ExampleRun.example("http2/http2.yaml"),
        ])
        let code = try await run.exitCode()
        #expect(code == 0, "\(run.output)\n\(run.errors)")
        let result = try run.result()
        #expect(result.verdict == "valid")
        #expect(result.warnings == [])
        let losses = result.faults.filter { $0.text.contains("loss") }
        #expect(!losses.isEmpty && losses.allSatisfy { $0.hits > 0 })
        func lines(_ name: String, with text: String) throws -> Int {
            let file = run.directory.appending(path: "runs/latest/\(name)")
            return try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
                .count { $0.contains(text) }
        }
        // Each of the four clients has one connection for all that it does. One whose write has an unknown outcome
        // is replaced by another, unless the run ends before; one whose read was not answered goes on.
        let replaced = try lines("history.jsonl", with: #""type":"info""#)
        let unanswered = try lines("history.jsonl", with: #""error":"no answer""#)
        let opened = try lines("journal.jsonl", with: #""state":"opened""#)
        #expect((replaced...4 + replaced).contains(opened), "\(opened) of \(4 + replaced)")
        #expect(unanswered > replaced)
        #expect(try lines("journal.jsonl", with: "framing lost") == 0)
    }
}
