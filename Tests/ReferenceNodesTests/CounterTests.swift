import ChaosCheckers
import ChaosCore
import NodeKit
import Testing

@Suite("Counters in virtual time")
struct CounterTests {
    static let variants = [
        "crdt", "seq-kv", "operations", "total", "push-only", "volatile", "seq-kv-overwrite",
        "seq-kv-retry",
    ]

    private func finding(
        _ cluster: inout ClusterSimulation, _ system: String, clients: Int = 6,
        seconds: Int = 8
    ) throws -> Finding {
        cluster.load(
            CounterWorkload(isGrowOnly: system == "g-counter"), clients: clients,
            pause: .milliseconds(80), for: .seconds(seconds))
        cluster.run(for: .seconds(5))
        cluster.finish()
        return try cluster.finding(system)
    }

    private func finding(
        _ system: String, _ variant: String, seed: UInt64 = 1, clients: Int = 6,
        disturbed: (inout ClusterSimulation) -> Void = { _ in }
    ) throws -> Finding {
        var cluster = try ClusterSimulation(system, variant, nodes: 3, seed: seed)
        disturbed(&cluster)
        return try self.finding(&cluster, system, clients: clients)
    }

    @Test(arguments: ["g-counter", "pn-counter"], variants)
    func withoutFaultsAndOneClientAllAreRight(system: String, variant: String) throws {
        // With several at once `total` and `seq-kv-overwrite` are wrong without any fault.
        let finding = try self.finding(system, variant, clients: 1)
        #expect(finding.verdict == .valid, "\(finding.summary)")
    }

    @Test(arguments: [
        "crdt", "seq-kv", "operations", "push-only", "volatile", "seq-kv-retry",
    ])
    func withoutFaultsMostAreRight(variant: String) throws {
        let finding = try self.finding("pn-counter", variant)
        #expect(finding.verdict == .valid, "\(finding.summary)")
    }

    @Test(arguments: ["g-counter", "pn-counter"], 1...UInt64(20))
    func slotsSurviveEverything(system: String, seed: UInt64) throws {
        let finding = try self.finding(system, "crdt", seed: seed) { cluster in
            cluster.loss = Ratio(percent: 20)
            cluster.duplication = Ratio(percent: 20)
            cluster.latency = .zero...Duration.milliseconds(50)
            cluster.crashChance = Ratio(billionths: 1_000_000)
            cluster.disturb(Disturber(), for: .seconds(7))
        }
        // A node that died may know less for a moment than it did: only the end counts there.
        #expect(finding.anomalies.allSatisfy { $0 == "went-back" }, "\(finding.summary)")
    }

    @Test(arguments: ["g-counter", "pn-counter"], 1...UInt64(20))
    func theStoreSurvivesLossAndKills(system: String, seed: UInt64) throws {
        let finding = try self.finding(system, "seq-kv", seed: seed) { cluster in
            cluster.disturb(Disturber(), for: .seconds(7))
            // Every seventh request to the store, or answer of it, vanishes.
            let messages = Tally()
            cluster.fate = { message in
                let isOfStore = message.source == "seq-kv" || message.destination == "seq-kv"
                return isOfStore && messages.next() % 7 == 0 ? .isLost : nil
            }
        }
        #expect(finding.verdict == .valid, "\(finding.summary)")
    }

    @Test func operationsCountADoubledMessageTwiceAndALostOneNever() throws {
        for variant in ["operations", "crdt"] {
            let isRight = variant == "crdt"
            let doubled = try self.finding("g-counter", variant) { cluster in
                cluster.duplication = Ratio(percent: 10)
            }
            #expect(doubled.anomalies.contains("wrong-final") == !isRight)
            let lost = try self.finding("g-counter", variant) { cluster in
                cluster.loss = Ratio(percent: 10)
            }
            #expect(lost.anomalies.contains("wrong-final") == !isRight)
        }
    }

    @Test func totalsLoseAdditionsAtTheSameTime() throws {
        for (variant, isRight) in [("total", false), ("local", false), ("crdt", true)] {
            let finding = try self.finding("pn-counter", variant)
            #expect(finding.anomalies.contains("wrong-final") == !isRight)
        }
    }

    /// Additions on both sides of a cut; the last news before the heal are lost.
    @Test func pushingOnlyNeverLearnsOfTheLastAddition() throws {
        for (variant, total) in [("push-only", Int64(0)), ("crdt", 3)] {
            var cluster = try ClusterSimulation("g-counter", variant, nodes: 3)
            cluster.partition(["n1", "n2"], ["n3"])
            #expect(cluster.ask("n1", ["type": "add", "delta": 3])?.type == "add_ok")
            cluster.heal()
            cluster.run(for: .seconds(5))
            #expect(cluster.ask("n3", ["type": "read"])?["value"] == .int(total))
        }
    }

    /// 5, a restart, and 3 more: joined by maximum, 3 in a slot that was 5 do not show.
    @Test func aVolatileSlotSwallowsWhatComesAfterARestart() throws {
        for (variant, total) in [("volatile", Int64(5)), ("crdt", 8)] {
            var cluster = try ClusterSimulation("g-counter", variant, nodes: 3)
            #expect(cluster.ask("n1", ["type": "add", "delta": 5])?.type == "add_ok")
            cluster.run(for: .seconds(2))
            cluster.restart("n1")
            #expect(cluster.ask("n1", ["type": "add", "delta": 3])?.type == "add_ok")
            cluster.run(for: .seconds(2))
            #expect(cluster.ask("n2", ["type": "read"])?["value"] == .int(total))
        }
    }

    @Test func readingThePastShowsTooLittleInTheEnd() throws {
        func wrongRuns(_ variant: String) throws -> Int {
            try (1...UInt64(10)).count { seed in
                let finding = try self.finding("pn-counter", variant, seed: seed)
                return finding.anomalies.contains("wrong-final")
            }
        }
        #expect(try wrongRuns("seq-kv-stale") > 0)
        #expect(try wrongRuns("seq-kv") == 0)
    }

    @Test func writingBackWhatWasReadLosesAdditions() throws {
        let finding = try self.finding("g-counter", "seq-kv-overwrite")
        #expect(finding.anomalies.contains("wrong-final"))
    }

    @Test func addingAgainCountsTwiceWhereOnlyTheAnswerWasLost() throws {
        for (variant, total) in [("seq-kv-retry", Int64(10)), ("seq-kv", 5)] {
            var cluster = try ClusterSimulation("g-counter", variant, nodes: 1)
            cluster.run(for: .seconds(1))
            let lost = Tally()
            cluster.fate = { message in
                message.type == "cas_ok" && lost.next() == 1 ? .isLost : nil
            }
            let reply = cluster.ask(
                "n1", ["type": "add", "delta": 5], within: .seconds(10))
            #expect(reply?.type == "add_ok")
            #expect(lost.count > 0)
            #expect(cluster.ask("n1", ["type": "read"])?["value"] == .int(total))
        }
    }

    @Test func aCounterThatGrowsRefusesToShrink() throws {
        var cluster = try ClusterSimulation("g-counter", "crdt", nodes: 1)
        let refused = cluster.ask("n1", ["type": "add", "delta": -1])
        #expect(refused?["code"] == 12)
        #expect(refused?["text"] == "this counter only grows, found delta '-1'")
        var other = try ClusterSimulation("pn-counter", "crdt", nodes: 1)
        #expect(other.ask("n1", ["type": "add", "delta": -1])?.type == "add_ok")
        #expect(other.ask("n1", ["type": "read"])?["value"] == -1)
    }
}
