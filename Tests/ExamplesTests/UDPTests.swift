import Testing

/// Nodes that gossip over UDP, and a DNS server whose questions get lost.
@Suite("examples/udp-gossip and examples/dns", .serialized)
struct UDPTests {
    private func test(_ scenario: String) async throws -> ExampleResult {
        try requireProgram("python3", package: "python3")
        let run = try ExampleRun([
            "test", "--quiet", ExampleRun.example("udp-gossip/\(scenario).yaml"),
        ])
        let code = try await run.exitCode()
        #expect(code == 0, "\(run.output)\n\(run.errors)")
        return try run.result()
    }

    @Test func gossipToldAgainAndAgainLosesNothing() async throws {
        let result = try await self.test("gossip")
        #expect(result.verdict == "valid")
        expectCuts(
            [
                "partition n1 n2 / n3 n4 n5 (drop)", "partition n1 -> n2 n3 n4 (drop)",
                "partition isolate n5 (reject)",
            ], in: result)
        #expect(result.warnings == [])
    }

    @Test(.enabled(if: ExampleRun.hasLab, "no lab here: see 'chaos doctor'"))
    func theSameInTheLab() async throws {
        let result = try await self.test("lab")
        #expect(result.verdict == "valid")
        expectCuts(
            [
                "partition n1 n2 / n3 n4 n5 (drop)", "partition n1 -> n2 n3 n4 (drop)",
                "partition isolate n5 (reject)",
            ], in: result)
    }

    @Test func gossipToldOnceLosesWhatWasCut() async throws {
        let result = try await self.test("gossip-once")
        #expect(result.verdict == "invalid")
        #expect(result.findings.flatMap(\.anomalies).contains("lost"))
        expectCuts(["partition n1 n2 / n3 n4 n5 (drop)"], in: result)
    }

    /// The nodes send from sockets of which nobody was told: only their owners tell the links.
    @Test func gossipAtOneAddressForEverybodyIsCutByLink() async throws {
        let result = try await self.test("gossip-advertised")
        #expect(result.verdict == "valid")
        expectCuts(["partition n1 / n2 n3 (drop)", "partition n2 -> n1 (drop)"], in: result)
    }

    @Test func whoAsksAgainIsAnswered() async throws {
        try requireProgram("dnsmasq", package: "dnsmasq-base")
        try requireProgram("dig", package: "bind9-dnsutils")
        let run = try ExampleRun(script: ExampleRun.example("dns/try.sh"))
        let code = try await run.exitCode()
        #expect(code == 0, "\(run.output)\n\(run.errors)")
        // The seed decides which questions get lost.
        #expect(
            run.output.split(separator: "\n") == [
                "Created new proxy dns",
                "healthy, asked once: 10 of 10",
                "Added upstream packet_loss toxic 'packet_loss_upstream' on proxy 'dns'",
                "a third of the questions lost, asked once: 7 of 10",
                "a third of the questions lost, asked eight times: 10 of 10",
                "Deleted proxy dns",
                "no proxy any more: 0 of 10",
            ])
    }
}
