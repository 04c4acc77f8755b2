import ChaosCheckers
import ChaosCore
import NodeKit
import Testing

@Suite("Logs in virtual time")
struct LogTests {
    private func finding(
        _ variant: String, nodes: Int = 3, seed: UInt64 = 1,
        disturbed: (inout ClusterSimulation) -> Void = { _ in }
    ) throws -> Finding {
        var cluster = try ClusterSimulation("kafka", variant, nodes: nodes, seed: seed)
        disturbed(&cluster)
        cluster.load(
            LogWorkload(keyCount: 3), clients: 6, pause: .milliseconds(40), for: .seconds(8))
        cluster.run(for: .seconds(3))
        cluster.finish(rounds: 12)
        return try cluster.finding("kafka")
    }

    @Test(arguments: [
        ("lin-kv", 3), ("owners", 3), ("single", 1), ("volatile", 1), ("resend", 3),
        ("overwrite", 1),
    ])
    func withoutFaultsMostAreRight(variant: String, nodes: Int) throws {
        let finding = try self.finding(variant, nodes: nodes)
        #expect(finding.verdict == .valid, "\(finding.summary)")
    }

    @Test(arguments: ["lin-kv", "owners"], 1...UInt64(20))
    func robustLogsSurviveEverything(variant: String, seed: UInt64) throws {
        let finding = try self.finding(variant, seed: seed) { cluster in
            cluster.loss = Ratio(percent: 10)
            cluster.duplication = Ratio(percent: 10)
            cluster.latency = .zero...Duration.milliseconds(20)
            cluster.faultsReachEverybody = true
            cluster.crashChance = Ratio(billionths: 1_000_000)
            cluster.disturb(Disturber(), for: .seconds(7))
        }
        #expect(finding.verdict == .valid, "\(finding.summary) \(finding.evidence)")
    }

    @Test func aLogOfItsOwnOnEachNodeGivesOneOffsetToTwoRecords() throws {
        let finding = try self.finding("single", nodes: 2)
        #expect(finding.anomalies.contains("inconsistent-offsets"))
    }

    @Test func memoryForgetsAcknowledgedRecords() throws {
        for (variant, isRight) in [("volatile", false), ("single", true)] {
            var cluster = try ClusterSimulation("kafka", variant, nodes: 1)
            for value in 0..<Int64(3) {
                _ = cluster.ask("n1", ["type": "send", "key": "k", "msg": .int(value)])
            }
            cluster.restart("n1")
            let polled = cluster.ask("n1", ["type": "poll", "offsets": ["k": 1]])
            let records: JSONValue = isRight ? [[1, 1], [2, 2]] : []
            #expect(polled?["msgs"] == ["k": records])
        }
    }

    @Test func writingABlockBackLosesWhatCameBetween() throws {
        let finding = try self.finding("overwrite")
        #expect(!Set(finding.anomalies).isDisjoint(with: ["lost-write", "inconsistent-offsets"]))
        #expect(finding.verdict == .invalid)
    }

    /// An offset is taken, and its record is late: polls go past it.
    @Test func aHoleIsPassedAndNeverLookedAtAgain() throws {
        for (variant, isRight) in [("holes", false), ("lin-kv", true)] {
            let finding = try self.finding(variant) { cluster in
                cluster.fate = { message in
                    let isRecord = message.destination == "lin-kv" && message.type == "write"
                    let isLate = isRecord && message["key"] == "log k0 3"
                    return isLate ? .arrivesAfter(.milliseconds(600)) : nil
                }
            }
            #expect(finding.verdict == (isRight ? .valid : .invalid), "\(finding.summary)")
        }
    }

    @Test func anOwnerThatDoesNotKnowARequestAgainAppendsItTwice() throws {
        for (variant, isRight) in [("resend", false), ("owners", true)] {
            let finding = try self.finding(variant) { cluster in
                cluster.fate = { message in
                    message.type == "own_ok" && (message.inReplyTo ?? 0) % 5 == 0
                        ? .isLost : nil
                }
            }
            #expect(finding.anomalies.contains("duplicate") == !isRight, "\(finding.summary)")
        }
    }

    @Test(arguments: ["lin-kv", "owners"])
    func commitsAreKeptAndOnlyRise(variant: String) throws {
        var cluster = try ClusterSimulation("kafka", variant, nodes: 3)
        func commit(_ node: String, _ offset: Int64) -> String? {
            cluster.ask(
                node, ["type": "commit_offsets", "offsets": ["k1": .int(offset), "k2": 1]])?.type
        }
        #expect(commit("n1", 7) == "commit_offsets_ok")
        #expect(commit("n2", 5) == "commit_offsets_ok")
        for name in cluster.names { cluster.restart(name) }
        let listed = cluster.ask(
            "n3", ["type": "list_committed_offsets", "keys": ["k1", "k2", "k3"]])
        #expect(listed?["offsets"] == ["k1": 7, "k2": 1])
    }

    @Test(arguments: ["lin-kv", "owners", "holes"])
    func pollsStartWhereTheyAreTold(variant: String) throws {
        var cluster = try ClusterSimulation("kafka", variant, nodes: 2)
        for value in 0..<Int64(70) {
            let reply = cluster.ask(
                "n\(value % 2 + 1)", ["type": "send", "key": "k", "msg": .int(value)])
            #expect(reply?["offset"] == .int(value))
        }
        func polled(from offset: Int64) -> [Int64] {
            let reply = cluster.ask("n1", ["type": "poll", "offsets": ["k": .int(offset)]])
            let records = reply?["msgs"]?["k"]?.arrayValue ?? []
            return records.compactMap { $0.arrayValue?.first?.intValue }
        }
        #expect(polled(from: 0).first == 0)
        #expect(polled(from: 63).first == 63)
        #expect(polled(from: 64) == Array(64..<70))
        #expect(polled(from: 70) == [])
        #expect(polled(from: 1000) == [])
    }

    @Test func whatIsNoRequestIsExplained() throws {
        var cluster = try ClusterSimulation("kafka", "lin-kv", nodes: 1)
        #expect(
            cluster.ask("n1", ["type": "send", "key": 1])?["text"]
                == "'send' has a string 'key' and a 'msg'")
        #expect(
            cluster.ask("n1", ["type": "poll"])?["text"] == "'poll' has an object 'offsets'")
        #expect(cluster.ask("n1", ["type": "txn"])?["code"] == 10)
    }
}
