import ChaosCore
import NodeKit
import Testing

/// S16 in virtual time.
@Suite("Links on a ring in virtual time")
struct LinkRingTests {
    private func cluster(_ variant: String, members: String = "n1 n2 n3") throws
        -> ClusterSimulation
    {
        var cluster = try ClusterSimulation("link-ring", variant, nodes: 4)
        self.setMembers(members, on: "n1", &cluster)
        return cluster
    }

    private func setMembers(_ names: String, on node: String, _ cluster: inout ClusterSimulation) {
        let id = cluster.request(
            node, ["type": "set_members", "members": .string(names)], from: Administration.name)
        cluster.run(for: .seconds(3))
        #expect(cluster.replies[id]?.type == "set_members_ok")
    }

    /// Who was asked to keep a link, in order.
    private func keepers(of code: String, _ cluster: ClusterSimulation) -> [String] {
        cluster.traffic.filter { $0.type == "insert" && $0["code"] == .string(code) }
            .map(\.destination)
    }

    private func makeLinks(_ count: Int, _ cluster: inout ClusterSimulation) {
        for index in 0..<count {
            let answer = cluster.shorten("https://\(index)/", as: "k\(index)", on: "n4")
            #expect(answer?.status == 201)
        }
        cluster.run(for: .milliseconds(200))
    }

    @Test func aLinkLiesWithItsOwners() throws {
        var cluster = try self.cluster("versioned")
        self.makeLinks(20, &cluster)
        let ring = HashRing(["n1", "n2", "n3"])
        for index in 0..<20 {
            let owners = ring.owners(of: "k\(index)", count: 2)
            #expect(self.keepers(of: "k\(index)", cluster) == owners)
        }
        // Whoever is asked finds it without Redis.
        let before = cluster.commandCount("GET")
        for index in 0..<20 {
            #expect(cluster.follow("k\(index)", on: cluster.names[index % 4])?.status == 302)
        }
        #expect(cluster.commandCount("GET") == before)
        #expect(cluster.follow("nobody", on: "n2")?.status == 404)
        cluster.run(for: .seconds(1))
        #expect(cluster.views(of: "k0") == Array(repeating: "Redirects: 1", count: 4))
    }

    /// How many links are found without Redis after one node took another one's place: all, or two thirds.
    @Test(arguments: [("versioned", 100..<101), ("modulo", 50..<85)])
    func anotherMember(_ variant: String, found: Range<Int>) throws {
        var cluster = try self.cluster(variant)
        self.makeLinks(100, &cluster)
        self.setMembers("n2 n3 n4", on: "n2", &cluster)
        cluster.partition(cluster.names, ["redis"])
        let count = (0..<100).count { cluster.follow("k\($0)", on: "n1")?.status == 302 }
        #expect(found.contains(count))
    }

    @Test(arguments: [("versioned", "n4"), ("first-ring", "n3")])
    func aSecondChangeOfMembers(_ variant: String, third: String) throws {
        var cluster = try self.cluster(variant)
        self.setMembers("n1 n2 n4", on: "n1", &cluster)
        self.makeLinks(30, &cluster)
        let keepers = Set((0..<30).flatMap { self.keepers(of: "k\($0)", cluster) })
        // The link's maker is n4, who tells himself nothing.
        #expect(
            keepers.subtracting(["n4"]) == (third == "n3" ? ["n1", "n2", "n3"] : ["n1", "n2"]))
    }

    /// Without its first owner, and without Redis: the second one has a link.
    @Test(arguments: [("versioned", true), ("no-fallback", false)])
    func anOwnerIsAway(_ variant: String, isFound: Bool) throws {
        var cluster = try self.cluster(variant)
        self.makeLinks(30, &cluster)
        cluster.kill("n3")
        cluster.partition(["n1", "n2", "n4"], ["redis"])
        let found = (0..<30).count { cluster.follow("k\($0)", on: "n4")?.status == 302 }
        #expect((found == 30) == isFound)
        // Without any owner Redis has it.
        cluster.heal()
        cluster.kill("n1")
        cluster.kill("n2")
        if isFound { #expect(cluster.follow("k0", on: "n4")?.status == 302) }
    }

    /// What an owner did not take it gets when it is back.
    @Test func hintsAreHandedOver() throws {
        var cluster = try self.cluster("versioned")
        cluster.partition(["n1", "n2", "n4"], ["n3"])
        self.makeLinks(20, &cluster)
        cluster.heal()
        cluster.run(for: .seconds(2))
        cluster.partition(["n1", "n2", "n3", "n4"], ["redis"])
        cluster.kill("n1")
        cluster.kill("n2")
        let ring = HashRing(["n1", "n2", "n3"])
        for index in 0..<20 where ring.owners(of: "k\(index)", count: 2).contains("n3") {
            #expect(cluster.follow("k\(index)", on: "n3")?.status == 302)
        }
    }

    @Test(arguments: [("versioned", Int64(201)), ("owner-or-422", 422)])
    func aLinkWhoseOwnerIsAway(_ variant: String, status: Int64) throws {
        var cluster = try self.cluster(variant, members: "n3")
        cluster.kill("n3")
        #expect(cluster.shorten("https://a/", as: "a", on: "n1")?.status == status)
        // It is there all the same.
        cluster.restart("n3")
        cluster.run(for: .seconds(2))
        #expect(cluster.follow("a", on: "n2")?.status == 302)
    }

    /// One node misses the change of members, and makes links.
    @Test(arguments: [("versioned", true), ("no-versions", false)])
    func aNodeWithAnOldRing(_ variant: String, isFound: Bool) throws {
        var cluster = try self.cluster(variant)
        cluster.partition(["n2"], ["n1", "n3", "n4"])
        self.setMembers("n1 n3 n4", on: "n1", &cluster)
        cluster.heal()
        var made = 0
        for index in 0..<20
        where cluster.shorten("https://\(index)/", as: "k\(index)", on: "n2")?.status == 201 {
            made += 1
        }
        #expect(made == 20)
        cluster.run(for: .seconds(1))
        let found = (0..<20).count { cluster.follow("k\($0)", on: "n4")?.status == 302 }
        #expect((found == 20) == isFound)
    }
}
