import ChaosCheckers
import ChaosCore
import NodeKit
import Testing

@Suite("Unique ids in virtual time")
struct UniqueIdsTests {
    private func cluster(
        _ variant: String, seed: UInt64 = 1, hasDisks: Bool = true
    ) throws -> ClusterSimulation {
        try ClusterSimulation("unique-ids", variant, nodes: 3, seed: seed, hasDisks: hasDisks)
    }

    private func load(_ cluster: inout ClusterSimulation) {
        cluster.load(
            UniqueIdsWorkload(), clients: 6, pause: .milliseconds(20), for: .seconds(10))
    }

    @Test(arguments: ["lives", "central", "volatile", "clock"])
    func allButTheCounterAreUniqueWithoutFaults(variant: String) throws {
        var cluster = try self.cluster(variant)
        self.load(&cluster)
        #expect(try cluster.finding("unique-ids").verdict == .valid)
        #expect(
            try cluster.finding("availability", ["at_least": "100%"]).verdict == .valid)
    }

    @Test func twoNodesThatOnlyCountRepeatEachOther() throws {
        var cluster = try self.cluster("counter")
        self.load(&cluster)
        let finding = try cluster.finding("unique-ids")
        #expect(finding.verdict == .invalid)
        #expect(finding.anomalies == ["duplicated"])
    }

    @Test(arguments: [true, false], 1...UInt64(20))
    func aLifeOfItsOwnSurvivesKillsWithAndWithoutADisk(hasDisks: Bool, seed: UInt64) throws {
        var cluster = try self.cluster("lives", seed: seed, hasDisks: hasDisks)
        cluster.disturb(Disturber(), for: .seconds(9))
        self.load(&cluster)
        #expect(try cluster.finding("unique-ids").verdict == .valid)
    }

    @Test func aNodeThatForgetsItsCountRepeatsItself() throws {
        var cluster = try self.cluster("volatile")
        self.load(&cluster)
        cluster.restart("n2")
        self.load(&cluster)
        #expect(try cluster.finding("unique-ids").anomalies == ["duplicated"])
    }

    @Test func aClockThatIsSetBackComesByTheSameTimeAgain() throws {
        var cluster = try self.cluster("clock")
        self.load(&cluster)
        cluster.restart("n2")
        self.load(&cluster)
        #expect(try cluster.finding("unique-ids").verdict == .valid)
        // One request each at the same time of two lives' clocks.
        cluster.restart("n2")
        let first = cluster.ask("n2", ["type": "generate"])?["id"]
        cluster.date -= .seconds(5)
        cluster.run(for: .seconds(5) - .milliseconds(1))
        cluster.restart("n2")
        let second = cluster.ask("n2", ["type": "generate"])?["id"]
        #expect(first != nil && first == second)
    }

    @Test(arguments: 1...UInt64(20))
    func aCentralCounterStaysRightThroughKills(seed: UInt64) throws {
        var cluster = try self.cluster("central", seed: seed)
        cluster.loss = Ratio(percent: 10)
        cluster.duplication = Ratio(percent: 10)
        cluster.disturb(Disturber(), for: .seconds(9))
        self.load(&cluster)
        #expect(try cluster.finding("unique-ids").verdict == .valid)
    }

    @Test func onlyACentralCounterIsUnavailableInAPartition() throws {
        for (variant, verdict) in [("lives", Verdict.valid), ("central", .invalid)] {
            var cluster = try self.cluster(variant)
            cluster.partition(["n1"], ["n2", "n3"])
            self.load(&cluster)
            #expect(try cluster.finding("unique-ids").verdict == .valid)
            let availability = try cluster.finding("availability", ["at_least": "100%"])
            #expect(availability.verdict == verdict)
        }
    }
}
