import Testing

/// Three NATS servers whose routes are cut while both sides publish.
@Suite("examples/nats", .serialized)
struct NATSTests {
    init() throws {
        try requireProgram("nats-server", package: "nats-server")
        try requireProgram("python3", package: "python3")
    }

    private func split(_ scenario: String, mode: String, late: Int) async throws -> ExampleResult {
        let run = try ExampleRun([
            "run", "--quiet", ExampleRun.example("nats/\(scenario).yaml"), "--",
            ExampleRun.example("nats/split.py"),
        ])
        let code = try await run.exitCode()
        #expect(code == 0, "\(run.output)\n\(run.errors)")
        let story = [
            "numbers that subscribers have: n1 20, n2 20, n3 20",
            "$ chaos partition 'n1 / n2 n3'",
            "subscribers have what was published on their side, and nothing of the other",
            "numbers that subscribers have: n1 30, n2 30, n3 30", "$ chaos heal",
            "everybody hears everybody again",
            "what was published during the cut has come late to \(late) of 3 subscribers",
        ]
        expect(story, inOrderIn: run.output)
        let result = try run.result()
        expectCuts(["partition n1 / n2 n3 (\(mode))"], in: result)
        #expect(result.warnings == [])
        return result
    }

    @Test func whatIsPublishedAcrossASilenceComesLate() async throws {
        let result = try await self.split("nats-silence", mode: "drop", late: 3)
        #expect(result.verdict == "valid")
    }

    /// Servers are told of one of them and learn of the others from it.
    @Test(.enabled(if: ExampleRun.hasLab, "no lab here: see 'chaos doctor'"))
    func theSameInTheLab() async throws {
        let result = try await self.split("lab", mode: "drop", late: 3)
        #expect(result.verdict == "valid")
    }

    @Test func whatIsPublishedAcrossAResetIsLost() async throws {
        let result = try await self.split("nats-reset", mode: "reject", late: 0)
        #expect(result.verdict == "invalid")
        #expect(result.findings.map(\.anomalies) == [["lost"]])
    }
}
