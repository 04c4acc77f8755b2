import ChaosCore
import NodeKit
import Testing

/// S25 in virtual time: tables that are read past their owners.
@Suite("Terms in tables, in virtual time")
struct TermsTableTests {
    private func ask(
        _ cluster: inout ClusterSimulation, _ body: JSONObject, on node: String = "n1",
        from source: String = "c1", for duration: Duration = .milliseconds(10)
    ) -> Message? {
        let id = cluster.request(node, body, from: source)
        cluster.run(for: duration)
        return cluster.replies[id]
    }

    private func put(
        _ cluster: inout ClusterSimulation, _ key: String, _ value: Int64, ttl: Int64? = nil,
        for duration: Duration = .milliseconds(10)
    ) -> Message? {
        var body: JSONObject = ["type": "put", "key": .string(key), "value": .int(value)]
        body["ttl"] = ttl.map { .int($0) }
        return self.ask(&cluster, body, for: duration)
    }

    private func get(
        _ cluster: inout ClusterSimulation, _ key: String, on node: String = "n1"
    ) -> JSONValue? {
        self.ask(&cluster, ["type": "get", "key": .string(key)], on: node)?["value"]
    }

    @Test func keysAreSpreadOverTheNodesAndFoundEverywhere() throws {
        var cluster = try ClusterSimulation("terms-table", "owned", nodes: 3)
        for number in 0..<60 { _ = self.put(&cluster, "k\(number)", Int64(number)) }
        for node in cluster.names {
            #expect(self.get(&cluster, "k17", on: node) == 17)
            let entries = self.ask(&cluster, ["type": "stats"], on: node)?["entries"]?.intValue ?? 0
            #expect((10...30).contains(entries), "\(node): \(entries)")
        }
        #expect(self.get(&cluster, "none") == .null)
    }

    @Test func lifetimesEndOnTimeAndMemoryIsGivenBack() throws {
        var cluster = try ClusterSimulation("terms-table", "owned", nodes: 1)
        _ = self.put(&cluster, "a", 1, ttl: 3000)
        _ = self.put(&cluster, "b", 2)
        cluster.run(for: .milliseconds(2900))
        #expect(self.get(&cluster, "a") == 1)
        cluster.run(for: .milliseconds(100))
        #expect(self.get(&cluster, "a") == .null)
        #expect(self.get(&cluster, "b") == 2)
        _ = self.put(&cluster, "c", 3, ttl: 100)
        cluster.run(for: .seconds(6))
        #expect(self.ask(&cluster, ["type": "stats"])?["entries"] == 1)
    }

    private func stalled(_ variant: String, ms: Int64 = 200) throws -> ClusterSimulation {
        var cluster = try ClusterSimulation("terms-table", variant, nodes: 1)
        _ = self.put(&cluster, "a", 1, for: .milliseconds(200))
        let stall = self.ask(
            &cluster, ["type": "stall", "ms": .int(ms)], from: Administration.name)
        #expect(stall?.type == "stall_ok")
        return cluster
    }

    @Test(arguments: [("owned", true), ("one-mailbox", false)])
    func readersDoNotWaitForWriters(_ variant: String, isAnswered: Bool) throws {
        var cluster = try self.stalled(variant)
        #expect((self.get(&cluster, "a") == 1) == isAnswered)
    }

    /// The owner stands still for 200 ms, which 100 ms of sleep do not hide.
    @Test(arguments: [("owned", true), ("sleeps", false)])
    func whatIsAcknowledgedIsThere(_ variant: String, isThere: Bool) throws {
        var cluster = try self.stalled(variant)
        let id = cluster.request("n1", ["type": "put", "key": "a", "value": 2])
        while cluster.replies[id] == nil { cluster.run(for: .milliseconds(1)) }
        #expect((self.get(&cluster, "a") == 2) == isThere)
    }

    @Test(arguments: [("owned", true), ("owners-table", false)])
    func theTableOutlivesItsWriter(_ variant: String, isThere: Bool) throws {
        var cluster = try ClusterSimulation("terms-table", variant, nodes: 1)
        _ = self.put(&cluster, "a", 1)
        _ = self.ask(
            &cluster, ["type": "crash", "process": "owner"], from: Administration.name)
        #expect((self.get(&cluster, "a") == 1) == isThere)
        #expect(self.put(&cluster, "b", 2)?.type == "put_ok")
        #expect(self.get(&cluster, "b") == 2)
    }
}
