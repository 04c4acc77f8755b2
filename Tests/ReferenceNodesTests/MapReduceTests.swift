import ChaosCore
import NodeKit
import ReferenceNodes
import Testing

/// S11 in virtual time: `n1` is the master.
@Suite("Map-reduce in virtual time")
struct MapReduceTests {
    private static let input = (0..<60).map { "foo bar foo baz \($0)" }.joined(separator: "\n")

    private static func submit(_ input: String = MapReduceTests.input) -> JSONObject {
        ["type": "submit", "job": "j1", "fn": "words", "input": .string(input)]
    }

    private func cluster(_ system: String, _ variant: String, seed: UInt64 = 1) throws
        -> ClusterSimulation
    {
        try ClusterSimulation(system, variant, nodes: 4, seed: seed)
    }

    /// What a job comes to: its state, and how often it has counted `foo`; the input has 120.
    private func outcome(_ cluster: inout ClusterSimulation, within limit: Duration = .seconds(10))
        -> (state: JSONValue?, foo: Int64?)
    {
        let end = cluster.now + limit
        while cluster.now < end {
            let reply = cluster.ask("n1", ["type": "result", "job": "j1"])
            if let state = reply?["state"], state != "running" {
                return (state, reply?["counts"]?["foo"]?.intValue)
            }
            cluster.run(for: .milliseconds(50))
        }
        return ("running", nil)
    }

    private static let right = [("map-reduce-manager", "merges-once")]

    @Test(arguments: Self.right)
    func aJobIsCountedExactly(_ system: String, _ variant: String) throws {
        var cluster = try self.cluster(system, variant)
        #expect(cluster.ask("n1", Self.submit())?.type == "submit_ok")
        #expect(cluster.ask("n1", Self.submit())?.type == "submit_ok")
        #expect(self.outcome(&cluster) == ("done", 120))
        #expect(cluster.ask("n1", ["type": "results"])?["results"] == ["j1": 1])
        #expect(cluster.ask("n1", ["type": "result", "job": "j2"])?["code"] == 20)
        #expect(cluster.ask("n1", ["type": "submit", "job": "j2"])?["code"] == 12)
        #expect(cluster.ask("n2", Self.submit())?["code"] == 11)
    }

    /// Workers die, one after the other and again and again; so does the master.
    @Test(arguments: Self.right, 1...UInt64(20))
    func isExactWhoeverDies(_ names: (system: String, variant: String), seed: UInt64) throws {
        var cluster = try self.cluster(names.system, names.variant, seed: seed)
        cluster.loss = Ratio(percent: 10)
        cluster.duplication = Ratio(percent: 10)
        cluster.disturb(Disturber(), for: .seconds(6))
        cluster.run(for: .milliseconds(10))
        while cluster.ask("n1", Self.submit(), within: .milliseconds(200)) == nil {
            cluster.run(for: .milliseconds(100))
        }
        cluster.run(for: .seconds(6))
        #expect(self.outcome(&cluster) == ("done", 120))
        #expect(cluster.ask("n1", ["type": "results"])?["results"] == ["j1": 1])
    }

    @Test(arguments: Self.right)
    func aPoisonedChunkIsGivenUp(_ system: String, _ variant: String) throws {
        var cluster = try self.cluster(system, variant)
        _ = cluster.ask("n1", Self.submit(Self.input + "\npoison"))
        let outcome = self.outcome(&cluster, within: .seconds(30))
        #expect(outcome.state == "failed")
        #expect(cluster.reports.count { $0.contains("ate poison") } == 5)
        // Others are not affected.
        var next = Self.submit()
        next["job"] = "j2"
        _ = cluster.ask("n1", next)
        cluster.run(for: .seconds(5))
        #expect(cluster.ask("n1", ["type": "result", "job": "j2"])?["state"] == "done")
    }

    @Test func theManagersLastChunkIsMissing() throws {
        var cluster = try self.cluster("map-reduce-manager", "last-chunk")
        _ = cluster.ask("n1", Self.submit())
        let outcome = self.outcome(&cluster)
        #expect(outcome.state == "done")
        #expect(try #require(outcome.foo) < 120)
    }

    @Test(arguments: [("answers-again", true), ("merges-once", false)])
    func aReportThatComesTwice(_ variant: String, hasSeveralResults: Bool) throws {
        var cluster = try self.cluster("map-reduce-manager", variant)
        cluster.fate = { $0.type == "finished" ? .arrivesTwice : nil }
        _ = cluster.ask("n1", Self.submit())
        #expect(self.outcome(&cluster) == ("done", 120))
        cluster.run(for: .seconds(1))
        let count = cluster.ask("n1", ["type": "results"])?["results"]?["j1"]?.intValue ?? 0
        #expect(count >= 1 && (count > 1) == hasSeveralResults)
    }

    @Test(arguments: [
        ("map-reduce-manager", "no-leases", "running"),
        ("map-reduce-manager", "merges-once", "done"),
    ])
    func aWorkerDiesWithItsTask(_ system: String, _ variant: String, state: String) throws {
        var cluster = try self.cluster(system, variant)
        _ = cluster.ask("n1", Self.submit())
        cluster.run(for: .milliseconds(20))
        cluster.restart("n2")
        #expect(self.outcome(&cluster).state == .string(state))
    }
}
