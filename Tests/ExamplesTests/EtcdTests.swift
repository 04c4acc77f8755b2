import Testing

/// Three members of etcd, each known to all by one address.
@Suite("examples/etcd", .serialized)
struct EtcdTests {
    init() throws {
        try requireProgram("etcd", package: "etcd-server")
        try requireProgram("python3", package: "python3")
    }

    @Test func anIsolatedLeaderRefusesAndNothingAcknowledgedIsLost() async throws {
        try await self.isolateLeader(scenario: "etcd")
    }

    /// Members find each other by host name, at their usual ports.
    @Test(.enabled(if: ExampleRun.hasLab, "no lab here: see 'chaos doctor'"))
    func theSameInTheLab() async throws { try await self.isolateLeader(scenario: "lab") }

    /// Every tenth packet between members is lost, and what TCP makes of that is enough for Raft.
    @Test(.enabled(if: ExampleRun.hasLab, "no lab here: see 'chaos doctor'"))
    func theSameInTheLabOnALossyNetwork() async throws {
        try await self.isolateLeader(scenario: "lab-loss")
    }

    private func isolateLeader(scenario: String) async throws {
        let run = try ExampleRun([
            "run", "--quiet", ExampleRun.example("etcd/\(scenario).yaml"), "--",
            ExampleRun.example("etcd/isolate.py"),
        ])
        let code = try await run.exitCode(within: .seconds(240))
        #expect(code == 0, "\(run.output)\n\(run.errors)")
        let phase = [
            " leads in term ", "$ chaos ", " leads in term ", "goes on acknowledging writes",
            "refuses a linearizable read: etcdserver: ", "refuses a write: etcdserver: ",
            "a serializable read is answered by", "$ chaos heal", "all agree again",
            "acknowledges writes again",
        ]
        let story =
            ["== the leader is cut off, both ways"] + phase
            + ["== what the leader sends is lost; it still hears the others"] + phase
            + ["== what the others send to the leader is lost; they still hear it"] + phase
        expect(story, inOrderIn: run.output)

        let result = try run.result()
        #expect(result.verdict == "valid")
        #expect(result.findings.map(\.checker) == ["set-full"])
        // Which member leads is etcd's choice.
        let cuts = result.faults.filter { $0.text.hasPrefix("partition ") }.map(\.text)
        try #require(cuts.count == 3, "\(cuts)")
        #expect(cuts[0].wholeMatch(of: /partition isolate n[123] \(drop\)/) != nil)
        #expect(cuts[1].wholeMatch(of: /partition n[123] -> n[123] n[123] \(drop\)/) != nil)
        #expect(cuts[2].wholeMatch(of: /partition n[123] n[123] -> n[123] \(drop\)/) != nil)
        expectCuts(cuts, in: result)
        #expect(result.warnings == [])
    }

    @Test(arguments: [
        ("registers", [], "valid", [] as [String]),
        ("registers-alone", ["--alone"], "invalid", ["not-linearizable"]),
    ])
    func readsThroughTheLeaderAreLinearizableAndThoseOfOneMemberAreNot(
        scenario: String, options: [String], verdict: String, anomalies: [String]
    ) async throws {
        let run = try ExampleRun(
            ["test", "--quiet", "--seed", "1", ExampleRun.example("etcd/\(scenario).yaml"), "--"]
                + [ExampleRun.example("etcd/registers.py")] + options)
        let code = try await run.exitCode(within: .seconds(240))
        #expect(code == 0, "\(run.output)\n\(run.errors)")
        let result = try run.result()
        #expect(result.verdict == verdict)
        #expect(result.findings.map(\.checker) == ["linearizable"])
        #expect(result.findings.flatMap(\.anomalies) == anomalies)
        // The seed decides what the nemesis does.
        let cuts = result.faults.map(\.text)
        #expect(cuts.count == 3)
        expectCuts(cuts, in: result)
    }
}
