import Testing

/// A PostgreSQL primary and a standby, cut and failed over.
@Suite("examples/postgres", .serialized)
struct PostgresTests {
    /// What the names of the scenarios begin with: behind the proxy, and in the lab where there is one.
    private static let backends = ExampleRun.hasLab ? ["postgres", "lab"] : ["postgres"]

    init() throws {
        try requireProgram("psql", package: "postgresql-client")
        try requireProgram("pg_createcluster", package: "postgresql")
        try requireProgram("python3", package: "python3")
    }

    private func failOver(_ scenario: String, feeling: String) async throws -> ExampleResult {
        // Nodes that become another user must be able to read what they run, wherever the repository is.
        let examples = try ExamplesCopy("postgres", "shared")
        let run = try ExampleRun([
            "run", "--quiet", examples.path("postgres/\(scenario).yaml"), "--",
            examples.path("postgres/failover.py"),
        ])
        let code = try await run.exitCode()
        #expect(code == 0, "\(run.output)\n\(run.errors)")
        let phase = ["$ chaos partition 'pg1 / pg2'", feeling]
        let story =
            ["== healthy", "pg1 sees pg2: streaming", "== cut and healed"] + phase
            + ["$ chaos heal", "pg2 has caught up", "== cut, and the primary dies"] + phase
            + ["$ chaos kill pg1", "$ chaos heal", "pg2 is the primary now", "pg1 is back"]
        expect(story, inOrderIn: run.output)
        // The lag that the primary reports while the standby is cut off.
        let lags = run.output.matches(of: /(?:a)?sync, (\d+) bytes behind/).compactMap { Int($0.1) }
        #expect(lags.count == 3 && lags[1] > 0 && lags[2] > 0, "\(lags)")
        let result = try run.result()
        let cut = "partition pg1 / pg2 (drop)"
        expectCuts([cut, cut], in: result)
        #expect(result.warnings == [])
        return result
    }

    @Test(arguments: Self.backends)
    func anAsynchronousStandbyLacksWhatWasAcknowledged(backend: String) async throws {
        let result = try await self.failOver(
            "\(backend)-async", feeling: "pg1 goes on acknowledging writes")
        #expect(result.verdict == "invalid")
        #expect(result.findings.map(\.anomalies) == [["lost"]])
    }

    @Test(arguments: Self.backends)
    func aSynchronousStandbyHasEverything(backend: String) async throws {
        let result = try await self.failOver(
            "\(backend)-sync", feeling: "a commit waits for the standby (wait_event SyncRep)")
        #expect(result.verdict == "valid")
    }
}
