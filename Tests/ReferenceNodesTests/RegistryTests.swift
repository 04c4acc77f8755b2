import ChaosCore
import NodeKit
import ReferenceNodes
import Testing

/// S36 in virtual time: `n1` to `n3` are the registry, `n4` guards the resource.
@Suite("Global registry in virtual time")
struct RegistryTests {
    private func cluster(_ variant: String, seed: UInt64 = 1) throws -> ClusterSimulation {
        try ClusterSimulation("registry", variant, nodes: 4, seed: seed)
    }

    private func register(_ addr: String) -> JSONObject {
        ["type": "register", "name": "leader", "addr": .string(addr)]
    }

    private func write(_ token: JSONValue?) -> JSONObject {
        ["type": "write", "name": "leader", "token": token ?? nil]
    }

    @Test(arguments: ["majority", "resolver", "local-tables", "unfenced", "unfenced-lease"])
    func aNameMeansOneOwnerEverywhere(_ variant: String) throws {
        var cluster = try self.cluster(variant)
        let first = cluster.ask("n1", self.register("alice"))
        #expect(first?.type == "register_ok")
        cluster.run(for: .milliseconds(10))
        #expect(cluster.ask("n2", self.register("bob"))?["code"] == 30)
        for node in ["n1", "n2", "n3"] {
            let owner = cluster.ask(node, ["type": "whereis", "name": "leader"])
            #expect(owner?["addr"] == "alice" && owner?["token"] == first?["token"])
            #expect(cluster.ask(node, ["type": "names"])?["names"] == ["leader"])
        }
        #expect(cluster.ask("n3", self.write(first?["token"]))?.type == "write_ok")
        let back: JSONObject = [
            "type": "unregister", "name": "leader", "token": first?["token"] ?? nil,
        ]
        #expect(cluster.ask("n1", back)?.type == "unregister_ok")
        cluster.run(for: .milliseconds(10))
        #expect(cluster.ask("n2", ["type": "whereis", "name": "leader"])?["code"] == 20)
        let second = cluster.ask("n2", self.register("bob"))
        let tokens = [first, second].compactMap { $0?["token"]?.intValue }
        #expect(tokens.count == 2 && tokens[0] < tokens[1])
    }

    /// An owner that is never heard of again loses the name with its lease.
    @Test(arguments: ["majority", "resolver"])
    func aDeadOwnersNameIsFreeAfterItsLease(_ variant: String) throws {
        var cluster = try self.cluster(variant)
        _ = cluster.ask("n1", self.register("alice"))
        cluster.run(for: .milliseconds(900))
        #expect(cluster.ask("n2", self.register("bob"))?["code"] == 30)
        cluster.run(for: .milliseconds(120))
        #expect(cluster.ask("n2", self.register("bob"))?.type == "register_ok")
    }

    /// Both corners of CAP: the same partition, one refuses, one has two owners.
    @Test(arguments: [("majority", "error"), ("resolver", "register_ok")])
    func aMinorityHasNoneOrASecondOwner(_ variant: String, answer: String) throws {
        var cluster = try self.cluster(variant)
        cluster.partition(["n1"], ["n2", "n3"])
        let alone = cluster.ask("n1", self.register("alice"))
        #expect(alone?.type == answer)
        let other = cluster.ask("n2", self.register("bob"))
        #expect(other?.type == "register_ok")
        if variant == "majority" {
            #expect(alone?["code"] == 11)
            return
        }
        // The resource is on both sides. Whose token is larger writes, the other one no more.
        let tokens = [alone, other].compactMap { $0?["token"] }
        let nodes = ["n1", "n2"]
        let last = (tokens[0].intValue ?? 0) > (tokens[1].intValue ?? 0) ? 0 : 1
        #expect(cluster.ask(nodes[last], self.write(tokens[last]))?.type == "write_ok")
        #expect(cluster.ask(nodes[1 - last], self.write(tokens[1 - last]))?["code"] == 22)
        // After the heal there is one owner, whom all know.
        cluster.heal()
        cluster.run(for: .milliseconds(400))
        let owners = ["n1", "n2", "n3"].map {
            cluster.ask($0, ["type": "whereis", "name": "leader"])?["token"]
        }
        #expect(owners == [tokens[last], tokens[last], tokens[last]])
    }

    @Test func withoutFencingBothOwnersWrite() throws {
        var cluster = try self.cluster("unfenced")
        cluster.partition(["n1"], ["n2", "n3"])
        let alone = cluster.ask("n1", self.register("alice"))?["token"]
        let other = cluster.ask("n2", self.register("bob"))?["token"]
        for _ in 0..<2 {
            #expect(cluster.ask("n1", self.write(alone))?.type == "write_ok")
            #expect(cluster.ask("n2", self.write(other))?.type == "write_ok")
        }
    }

    @Test func twoNodesThatDoNotAskSayYesAtOnce() throws {
        for (variant, count) in [("local-tables", 2), ("majority", 0)] {
            var cluster = try self.cluster(variant)
            let first = cluster.request("n1", self.register("alice"))
            let second = cluster.request("n2", self.register("bob"))
            cluster.run(for: .seconds(1))
            let answers = [first, second].compactMap { cluster.replies[$0]?.type }
            #expect(answers.count == 2)
            if variant == "local-tables" {
                #expect(answers.count { $0 == "register_ok" } == count)
            } else {
                #expect(answers.count { $0 == "register_ok" } <= 1)
            }
        }
    }

    /// A token outlives a restart of everybody, and so does the name, for another lease.
    @Test func aTokenIsNeverGivenTwice() throws {
        var cluster = try self.cluster("majority")
        let first = cluster.ask("n1", self.register("alice"))?["token"]?.intValue ?? 0
        for node in ["n1", "n2", "n3", "n4"] { cluster.restart(node) }
        #expect(cluster.ask("n1", self.register("bob"))?["code"] == 30)
        cluster.run(for: .seconds(1))
        let second = cluster.ask("n1", self.register("bob"))?["token"]?.intValue ?? 0
        #expect(first > 0 && second > first)
    }
}
