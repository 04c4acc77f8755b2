import Testing

/// A PostgreSQL primary and a standby, cut and failed over.
@Suite("examples/postgres", .serialized)
struct PostgresTests {
    init() throws {
        try requireProgram("psql", package: "postgresql-client")
        try requireProgram("pg_createcluster", package: "postgresql")
        try requireProgram("python3", package: "python3")
    }

    private func failOver(_ scenario: String, feeling: String) async throws -> ExampleResult {
        let run = try ExampleRun([
            "run", "--quiet", ExampleRun.example("postgres/\(scenario).yaml"), "--",
            ExampleRun.example("postgres/failover.py"),
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

    @Test func anAsynchronousStandbyLacksWhatWasAcknowledged() async throws {
        let result = try await self.failOver(
            "postgres-async", feeling: "pg1 goes on acknowledging writes")
        #expect(result.verdict == "invalid")
        #expect(result.findings.map(\.anomalies) == [["lost"]])
    }

    @Test func aSynchronousStandbyHasEverything() async throws {
        let result = try await self.failOver(
            "postgres-sync", feeling: "a commit waits for the standby (wait_event SyncRep)")
        #expect(result.verdict == "valid")
    }
}
