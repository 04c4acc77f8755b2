import Testing

/// Some of the challenges: nodes that pass, and nodes that everybody writes first.
@Suite("examples/gossip-glomers", .serialized)
struct GossipGlomersTests {
    private func test(_ scenario: String) async throws -> (code: Int32, result: ExampleResult) {
        let run = try ExampleRun([
            "test", "--quiet", ExampleRun.example("gossip-glomers/\(scenario).yaml"),
        ])
        return (try await run.exitCode(), try run.result())
    }

    /// Exit code 0 says that the run came out as the scenario expects; here is what that must be.
    @Test(arguments: [
        ("2-unique-ids-naive", "unique-ids", "duplicated"),
        ("3c-broadcast-naive", "set-full", "lost"),
        ("6c-txn-naive", "rw-register", "G1b"),
    ])
    func theNaiveNodeIsCaught(scenario: String, checker: String, anomaly: String) async throws {
        let (code, result) = try await self.test(scenario)
        #expect(code == 0 && result.verdict == "invalid")
        let finding = try #require(result.findings.first { $0.checker == checker })
        #expect(finding.verdict == "invalid" && finding.anomalies.contains(anomaly))
        #expect(result.faults.allSatisfy { $0.touched > 0 })
    }

    /// The scenario asserts times, too; here, beside whatever else the machine does, only what does not
    /// depend on it.
    @Test func theEfficientBroadcastNeedsFewMessagesForEverybodyToKnow() async throws {
        let (_, result) = try await self.test("3d-broadcast")
        #expect(result.findings.map(\.checker) == ["set-full", "stats", "assert"])
        #expect(result.findings.prefix(2).allSatisfy { $0.verdict == "valid" })
        let messages = try #require(result.statistics?.net?.servers.msgsPerOp)
        #expect(messages > 11 && messages < 30)
    }
}
