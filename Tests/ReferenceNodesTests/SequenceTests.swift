import ChaosCheckers
import ChaosCore
import NodeKit
import Testing

/// S08 in virtual time: the script of the course with its exact numbers, then random faults.
@Suite("Numbered pings in virtual time")
struct SequenceTests {
    private func ask(
        _ cluster: inout ClusterSimulation, _ node: String, _ body: JSONObject
    ) -> Message? {
        let id = cluster.request(node, body)
        cluster.run(for: .milliseconds(300))
        return cluster.replies[id]
    }

    private func produce(_ count: Int64, _ cluster: inout ClusterSimulation) {
        let reply = self.ask(&cluster, "n1", ["type": "produce", "count": .int(count)])
        #expect(reply?.type == "produce_ok")
    }

    private func expected(_ cluster: inout ClusterSimulation) -> Int64? {
        self.ask(&cluster, "n2", ["type": "expected_value", "node": "n1"])?["value"]?.intValue
    }

    /// Two pings, four lost behind a cut, one more: the consumer expects 7 and knows what it missed.
    @Test(arguments: [
        ("resync", [Int64(2), 2, 6, 7], ["n1 2..5"]), ("resend", [2, 2, 6, 7], []),
        ("counts-only", [2, 2, 2, 3], []),
    ])
    func theScriptOfTheCourse(
        _ variant: String, values: [Int64], lost: [String]
    ) throws {
        var cluster = try ClusterSimulation("sequence", variant, nodes: 2)
        cluster.run(for: .seconds(1))
        var seen: [Int64?] = []
        self.produce(2, &cluster)
        seen.append(self.expected(&cluster))
        cluster.partition(["n1"], ["n2"])
        cluster.run(for: .seconds(2))
        self.produce(4, &cluster)
        seen.append(self.expected(&cluster))
        cluster.heal()
        cluster.run(for: .seconds(2))
        seen.append(self.expected(&cluster))
        self.produce(1, &cluster)
        seen.append(self.expected(&cluster))
        #expect(seen == values)
        let report = self.ask(&cluster, "n2", ["type": "read"])
        #expect(report?["lost"] == .array(lost.map { .string($0) }))
    }

    /// Without a word between heal and the next ping, as the course has it: 2, still 2, then 7 at once.
    @Test func theNextPingAloneTellsTheGap() throws {
        var cluster = try ClusterSimulation("sequence", "resync", nodes: 2)
        self.produce(2, &cluster)
        cluster.fate = { $0.type == "ping" ? .isLost : nil }
        self.produce(4, &cluster)
        #expect(self.expected(&cluster) == 2)
        cluster.fate = nil
        self.produce(1, &cluster)
        #expect(self.expected(&cluster) == 7)
        #expect(self.ask(&cluster, "n2", ["type": "read"])?["lost"] == ["n1 2..5"])
    }

    @Test(arguments: 1...UInt64(20))
    func resentPingsAllArriveOnceAndInOrder(seed: UInt64) throws {
        var cluster = try ClusterSimulation("sequence", "resend", nodes: 3, seed: seed)
        cluster.loss = Ratio(percent: 20)
        cluster.duplication = Ratio(percent: 20)
        cluster.latency = .zero...Duration.milliseconds(100)
        cluster.disturb(Disturber(), for: .seconds(7))
        cluster.load(
            CounterWorkload(isGrowOnly: true), clients: 6, pause: .milliseconds(80),
            for: .seconds(8))
        cluster.run(for: .seconds(10))
        cluster.finish()
        let finding = try cluster.finding("g-counter")
        #expect(finding.anomalies.allSatisfy { $0 == "went-back" }, "\(finding.summary)")
    }
}
