import Foundation
import Testing

/// Redis servers and sentinels, of which one of each is cut off.
@Suite("examples/redis-sentinel", .serialized)
struct RedisSentinelTests {
    init() throws {
        try requireProgram("redis-sentinel", package: "redis-sentinel")
        try requireProgram("redis-cli", package: "redis-tools")
        try requireProgram("python3", package: "python3")
    }

    /// Runs an example, and returns what the window of lost writes was.
    private func window(of scenario: String) async throws -> (writes: Int, end: Double) {
        let run = try ExampleRun([
            "run", "--quiet", ExampleRun.example("redis-sentinel/\(scenario).yaml"), "--",
            ExampleRun.example("redis-sentinel/failover.py"),
        ])
        let code = try await run.exitCode(within: .seconds(240))
        #expect(code == 0, "\(run.output)\n\(run.errors)")
        let story = [
            "$ chaos partition 'r1 s1 / r2 r3 s2 s3'", "s2 and s3 have made r",
            "s1 says that r1 is the primary, s2 and s3 say r", "$ chaos heal",
            "r1 and the others follow r", "writes that nobody has any more",
        ]
        expect(story, inOrderIn: run.output)
        let result = try run.result()
        // The run is as expected because something is lost.
        #expect(result.verdict == "invalid")
        #expect(result.findings.map(\.anomalies) == [["lost"]])
        expectCuts(["partition r1 s1 / r2 r3 s2 s3 (drop)"], in: result)
        #expect(result.warnings == [])
        let lost = try #require(run.output.firstMatch(of: /r1 has acknowledged (\d+) writes that/))
        let times = try #require(run.output.firstMatch(of: /to (\d+\.\d) s after the cut\n$/))
        return (Int(lost.1) ?? 0, Double(times.1) ?? 0)
    }

    @Test func whatTheCutOffPrimaryAcknowledgedUntilItsDemotionIsLost() async throws {
        let window = try await self.window(of: "redis-sentinel")
        #expect(window.writes > 0)
        // A sentinel demotes a primary that came back after four of its periods of 2 s.
        #expect(window.end > 8)
    }

    /// Nobody announces anything: servers and sentinels know each other by what the network shows.
    @Test(.enabled(if: ExampleRun.hasLab, "no lab here: see 'chaos doctor'"))
    func theSameInTheLab() async throws {
        let window = try await self.window(of: "lab")
        #expect(window.writes > 0)
        #expect(window.end > 8)
    }

    /// Of all that is said only the sentinels' PINGs to the primary vanish, and the same is lost.
    @Test(.enabled(if: ExampleRun.hasLab, "no lab here: see 'chaos doctor'"))
    func lostPingsMakeASecondPrimary() async throws {
        let run = try ExampleRun([
            "run", "--quiet", ExampleRun.example("redis-sentinel/lab-pings.yaml"), "--",
            ExampleRun.example("redis-sentinel/pings.py"),
        ])
        let code = try await run.exitCode(within: .seconds(240))
        #expect(code == 0, "\(run.output)\n\(run.errors)")
        let story = [
            "$ chaos set 's*->r1:main' loss=100%,type:PING", "the sentinels have made r",
            "r1 is a primary as well", "$ chaos clear", "r1 and the others follow r",
            "writes that nobody has any more",
        ]
        expect(story, inOrderIn: run.output)
        let result = try run.result()
        #expect(result.verdict == "invalid")
        #expect(result.findings.map(\.anomalies) == [["lost"]])
        // Replication is no RESP, and is left alone.
        #expect(result.warnings.allSatisfy { $0.contains("resp framing lost") })
    }

    @Test func aPrimaryThatWantsReplicasLosesLess() async throws {
        let window = try await self.window(of: "redis-sentinel-bounded")
        #expect(window.writes > 0)
        // It refuses as soon as it has not heard of a replica for more than a second, which it looks
        // at once a second.
        #expect(window.end < 8)
    }
}
