import ChaosCheckers
import ChaosCore
import NodeKit
import Testing

@Suite("Transactions in virtual time")
struct TransactionTests {
    private func lists(
        _ variant: String, nodes: Int = 3, seed: UInt64 = 1, stepsMax: Int = 4,
        disturbed: (inout ClusterSimulation) -> Void = { _ in }
    ) throws -> Finding {
        var cluster = try ClusterSimulation("txn-list-append", variant, nodes: nodes, seed: seed)
        cluster.run(for: .seconds(2))
        disturbed(&cluster)
        cluster.load(
            TransactionWorkload(write: "append", stepsMax: stepsMax), clients: 6,
            pause: .milliseconds(60), for: .seconds(8))
        return try cluster.finding("list-append")
    }

    private func registers(
        _ variant: String, model: String, nodes: Int = 3, seed: UInt64 = 1,
        disturbed: (inout ClusterSimulation) -> Void = { _ in }
    ) throws -> (finding: Finding, isAvailable: Bool) {
        var cluster = try ClusterSimulation("txn-rw-register", variant, nodes: nodes, seed: seed)
        disturbed(&cluster)
        cluster.load(
            TransactionWorkload(write: "w"), clients: 6, pause: .milliseconds(20),
            for: .seconds(6))
        let finding = try cluster.finding("rw-register", ["consistency_models": .string(model)])
        let availability = try cluster.finding("availability", ["at_least": "100%"])
        return (finding, availability.verdict == .valid)
    }

    // MARK: List append

    @Test(arguments: [
        ("raft", 3), ("lin-kv", 3), ("overwrite", 1), ("local", 1), ("stale-root", 1),
    ])
    func withoutFaultsListsAreStrictSerializable(variant: String, nodes: Int) throws {
        let finding = try self.lists(variant, nodes: nodes)
        #expect(finding.verdict == .valid, "\(finding.summary)")
    }

    @Test(arguments: ["raft", "lin-kv"], 1...UInt64(15))
    func robustListsSurviveEverything(variant: String, seed: UInt64) throws {
        let finding = try self.lists(variant, seed: seed) { cluster in
            cluster.loss = Ratio(percent: 5)
            cluster.duplication = Ratio(percent: 10)
            cluster.latency = .zero...Duration.milliseconds(15)
            cluster.faultsReachEverybody = true
            cluster.crashChance = Ratio(billionths: 500_000)
            cluster.disturb(Disturber(interval: .seconds(1)), for: .seconds(7))
        }
        #expect(finding.verdict == .valid, "\(finding.summary)")
    }

    @Test func oneKeyAtATimeIsRightForTransactionsOfOneStepOnly() throws {
        #expect(try self.lists("single-key", stepsMax: 1).verdict == .valid)
        let finding = try self.lists("single-key")
        #expect(finding.verdict == .invalid)
    }

    @Test func aCopyShowsThePast() throws {
        let finding = try self.lists("stale-root")
        #expect(finding.verdict == .invalid)
        #expect(finding.anomalies.contains { $0.hasSuffix("-realtime") })
    }

    @Test func writingTheRootBackLosesTransactions() throws {
        #expect(try self.lists("overwrite").anomalies.contains("incompatible-order"))
        #expect(try self.lists("local").anomalies.contains("incompatible-order"))
    }

    // MARK: Registers

    @Test(arguments: ["read-committed", "read-uncommitted", "aborting"])
    func withoutFaultsRegistersAreReadUncommitted(variant: String) throws {
        let (finding, isAvailable) = try self.registers(variant, model: "read-uncommitted")
        #expect(finding.verdict == .valid, "\(finding.summary)")
        #expect(isAvailable)
    }

    @Test(arguments: 1...UInt64(20))
    func readCommittedHoldsAndEverybodyIsAnswered(seed: UInt64) throws {
        let (finding, isAvailable) = try self.registers(
            "read-committed", model: "read-committed", seed: seed
        ) { cluster in
            cluster.loss = Ratio(percent: 20)
            cluster.duplication = Ratio(percent: 20)
            cluster.latency = .zero...Duration.milliseconds(50)
            cluster.disturb(Disturber(kinds: [.halves, .isolate]), for: .seconds(5))
        }
        #expect(finding.verdict == .valid, "\(finding.summary)")
        #expect(isAvailable)
    }

    @Test(arguments: 1...UInt64(4))
    func readUncommittedHoldsAndShowsWhatIsNotFinal(seed: UInt64) throws {
        func finding(_ model: String) throws -> Finding {
            try self.registers("read-uncommitted", model: model, seed: seed) { cluster in
                cluster.latency = .zero...Duration.milliseconds(50)
                cluster.disturb(Disturber(kinds: [.halves, .isolate]), for: .seconds(5))
            }.finding
        }
        #expect(try finding("read-uncommitted").verdict == .valid)
        let committed = try finding("read-committed")
        #expect(committed.verdict == .invalid)
        #expect(committed.anomalies.contains("G1b"))
    }

    /// All nodes agree in the end on what is there, kills included; by arrival they rarely do.
    @Test func readCommittedCopiesAgreeInTheEnd() throws {
        func copies(_ variant: String, seed: UInt64) throws -> Set<JSONValue> {
            var cluster = try ClusterSimulation("txn-rw-register", variant, seed: seed)
            cluster.latency = .zero...Duration.milliseconds(50)
            cluster.crashChance = Ratio(billionths: 500_000)
            cluster.disturb(Disturber(), for: .seconds(5))
            cluster.load(
                TransactionWorkload(write: "w"), clients: 6, pause: .milliseconds(50),
                for: .seconds(6))
            cluster.run(for: .seconds(4))
            let reads: JSONValue = [["r", 0, nil], ["r", 1, nil], ["r", 2, nil], ["r", 3, nil]]
            return Set(
                cluster.names.map { name in
                    cluster.ask(name, ["type": "txn", "txn": reads])?["txn"] ?? .null
                })
        }
        for seed in 1...UInt64(10) {
            let agreed = try copies("read-committed", seed: seed)
            #expect(agreed.count == 1 && agreed != [.null])
        }
        #expect(try (1...UInt64(10)).count { try copies("arrival", seed: $0).count > 1 } > 5)
    }

    @Test func whatAnAbortedTransactionWroteIsRead() throws {
        for (variant, isRight) in [("aborting", false), ("read-committed", true)] {
            let (finding, isAvailable) = try self.registers(variant, model: "read-committed") {
                cluster in
                cluster.fate = { message in
                    message.type == "prepared" && message.source == "n3" ? .isLost : nil
                }
            }
            #expect(finding.anomalies.contains("G1a") == !isRight, "\(finding.summary)")
            #expect(isAvailable == isRight)
        }
    }

    @Test func stepsInBetweenStepsAreSeen() throws {
        // One client at a time cannot tell.
        var alone = try ClusterSimulation("txn-rw-register", "interleaved", nodes: 1)
        alone.load(
            TransactionWorkload(write: "w"), clients: 1, pause: .milliseconds(20),
            for: .seconds(4))
        #expect(try alone.finding("rw-register").verdict == .valid)
        let (finding, isAvailable) = try self.registers(
            "interleaved", model: "read-committed", nodes: 1)
        #expect(finding.verdict == .invalid)
        #expect(finding.anomalies.contains("G1c"), "\(finding.anomalies)")
        #expect(isAvailable)
    }

    @Test func whatIsNoTransactionIsExplained() throws {
        var cluster = try ClusterSimulation("txn-rw-register", "read-committed", nodes: 1)
        let rule = "'txn' has a list of [\"r\", key, null] and [\"w\", key, value] in 'txn'"
        #expect(cluster.ask("n1", ["type": "txn"])?["text"] == .string(rule))
        let reply = cluster.ask("n1", ["type": "txn", "txn": [["append", 1, 2]]])
        #expect(reply?["text"] == .string(rule + #", found '["append",1,2]'"#))
        #expect(cluster.ask("n1", ["type": "read"])?["code"] == 10)
    }
}
