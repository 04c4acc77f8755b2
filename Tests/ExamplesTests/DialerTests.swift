import Foundation
import Testing

/// Who dials in the lab, where the kernel itself says why nobody answers.
@Suite("examples/dialer")
struct DialerExampleTests {
    @Test(.enabled(if: ExampleRun.hasLab, "no lab here: see 'chaos doctor'"))
    func theKernelTellsFourFailuresApart() async throws {
        try requireProgram("python3", package: "python3")
        let run = try ExampleRun([
            "test", "--quiet", ExampleRun.example("dialer/lab.yaml"), "--seed", "1",
        ])
        #expect(try await run.exitCode() == 0, "\(run.output)\n\(run.errors)")
        let file = run.directory.appending(path: "runs/latest/history.jsonl")
        let history = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        for end in [
            "s1 connection refused", "s1 no answer", "s1 network is unreachable", "full no answer",
        ] {
            #expect(history.contains(end), "\(end)\n\(history)")
        }
        expectCuts(
            [
                "partition d1 / 10.77.0.1/32 (reject)", "partition d1 / 10.77.0.1/32 (drop)",
                "partition d1 / 10.77.0.1/32 (unreachable)",
            ], in: try run.result())
    }
}
