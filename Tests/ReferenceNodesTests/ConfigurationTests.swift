import ChaosCore
import NodeKit
import ReferenceNodes
import Testing

/// S35 in virtual time: who goes by a change, and for how long.
@Suite("A setting in virtual time")
struct ConfigurationTests {
    private func values(_ cluster: inout ClusterSimulation) -> [JSONValue?] {
        cluster.names.map { cluster.ask($0, ["type": "read"])?["value"] }
    }

    private func configure(_ cluster: inout ClusterSimulation, _ value: Int64, on node: String) {
        let reply = cluster.ask(node, ["type": "configure", "value": .int(value)])
        #expect(reply?.type == "configure_ok")
    }

    @Test(
        arguments: [("at-run-time", [7, 7, 7]), ("captured", [0, 0, 0])] as [(String, [JSONValue?])]
    )
    func aChangeWhileItRuns(_ variant: String, used: [JSONValue?]) throws {
        var cluster = try ClusterSimulation("configuration", variant, nodes: 3)
        #expect(self.values(&cluster) == [0, 0, 0])
        self.configure(&cluster, 7, on: "n1")
        cluster.run(for: .seconds(1))
        #expect(self.values(&cluster) == used)
        // Whoever is restarted goes by what is set.
        cluster.restart("n2")
        #expect(self.values(&cluster)[1] == 7)
    }

    @Test(arguments: [("at-run-time", 7), ("told-once", 0)] as [(String, JSONValue)])
    func aNodeThatWasCutOff(_ variant: String, value: JSONValue) throws {
        var cluster = try ClusterSimulation("configuration", variant, nodes: 3)
        cluster.partition(["n1", "n2"], ["n3"])
        self.configure(&cluster, 7, on: "n1")
        cluster.run(for: .seconds(1))
        cluster.heal()
        cluster.run(for: .seconds(5))
        #expect(self.values(&cluster) == [7, 7, value])
    }

    @Test(arguments: [("at-run-time", 7), ("volatile", 0)] as [(String, JSONValue)])
    func allAreRestarted(_ variant: String, value: JSONValue) throws {
        var cluster = try ClusterSimulation("configuration", variant, nodes: 3)
        self.configure(&cluster, 7, on: "n1")
        cluster.run(for: .seconds(1))
        for name in cluster.names { cluster.kill(name) }
        for name in cluster.names { cluster.restart(name) }
        cluster.run(for: .seconds(1))
        #expect(self.values(&cluster) == [value, value, value])
    }

    /// Two people set two values on two sides of a cut: both are acknowledged, and one counts everywhere.
    @Test func twoChangesAtATime() throws {
        var cluster = try ClusterSimulation("configuration", "at-run-time", nodes: 3)
        cluster.partition(["n1", "n2"], ["n3"])
        self.configure(&cluster, 7, on: "n1")
        self.configure(&cluster, 8, on: "n3")
        cluster.heal()
        cluster.run(for: .seconds(2))
        #expect(self.values(&cluster) == [8, 8, 8])
        self.configure(&cluster, 9, on: "n1")
        cluster.run(for: .seconds(1))
        #expect(self.values(&cluster) == [9, 9, 9])
    }
}
