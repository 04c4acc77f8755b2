import ChaosCheckers
import ChaosCore
import NodeKit
import ReferenceNodes
import Synchronization
import Testing

/// S38 in virtual time. `n1` holds no accounts, `n2` has a1 and a3, `n3` has a2 and a4, with 100 each.
@Suite("Two-phase commit and sagas in virtual time")
struct TwoPhaseCommitTests {
    private static let transfer: JSONObject = [
        "type": "transfer", "id": "t1", "from": "a1", "to": "a2", "amount": 30,
    ]

    private func cluster(_ variant: String, seed: UInt64 = 1) throws -> ClusterSimulation {
        try ClusterSimulation("two-phase-commit", variant, nodes: 3, seed: seed)
    }

    /// What `a1` and `a2` hold when all is quiet, as a pair; a read that is refused is asked again.
    private func pair(_ cluster: inout ClusterSimulation) throws -> [Int64] {
        for _ in 0..<10 {
            let reply = cluster.ask("n3", ["type": "read"])
            guard let balances = reply?["value"] else {
                cluster.run(for: .milliseconds(500))
                continue
            }
            let all = balances.objectValue?.members.compactMap(\.value.intValue) ?? []
            try #require(all.count == 4)
            return [try #require(balances["a1"]?.intValue), try #require(balances["a2"]?.intValue)]
        }
        Issue.record("the accounts are locked for ever")
        return []
    }

    /// Loses the first message that a test means.
    private static func loseFirst(
        _ matches: @escaping @Sendable (Message) -> Bool, or fate: ClusterSimulation.Fate = .isLost
    ) -> @Sendable (Message) -> ClusterSimulation.Fate? {
        let hits = Mutex(0)
        return { message in
            guard matches(message) else { return nil }
            let count = hits.withLock { count in
                count += 1
                return count
            }
            return count == 1 ? fate : nil
        }
    }

    // MARK: - Right variants

    @Test(arguments: ["presumed-abort", "saga"])
    func movesMoneyOnce(_ variant: String) throws {
        var cluster = try self.cluster(variant)
        #expect(cluster.ask("n1", Self.transfer)?.type == "transfer_ok")
        #expect(try self.pair(&cluster) == [70, 130])
        // The same transfer, asked for again.
        #expect(cluster.ask("n1", Self.transfer)?.type == "transfer_ok")
        #expect(try self.pair(&cluster) == [70, 130])
        var large = Self.transfer
        large["id"] = "t2"
        large["amount"] = 71
        #expect(cluster.ask("n2", large)?["code"] == 22)
        #expect(try self.pair(&cluster) == [70, 130])
    }

    @Test(arguments: ["presumed-abort", "saga"])
    func refusesWhatIsNoTransfer(_ variant: String) throws {
        var cluster = try self.cluster(variant)
        for (key, value) in [
            ("from", "a9"), ("to", "a1"), ("amount", 0), ("amount", -5), ("id", nil),
        ] as [(String, JSONValue?)] {
            var body = Self.transfer
            body[key] = value
            #expect(cluster.ask("n1", body)?["code"] == 12, "\(key) \(value?.text ?? "missing")")
        }
    }

    /// The whole protocol, with a crash between any two of its steps: all or nothing, as the client was told,
    /// and once, however often it is asked for.
    @Test(arguments: CrashPoint.allCases)
    func survivesACrashAtEveryPoint(_ point: CrashPoint) throws {
        let isOfParticipant = CrashPoint.allCases.firstIndex(of: point)! >= 9
        var cluster = try self.cluster("presumed-abort")
        let crashing = isOfParticipant ? "n2" : "n1"
        let armed = cluster.request(
            crashing, ["type": "crash-at", "point": .string(point.rawValue)], from: "admin")
        cluster.run(for: .milliseconds(1))
        #expect(cluster.replies[armed]?.type == "crash-at_ok")
        let id = cluster.request("n1", Self.transfer)
        cluster.run(for: .seconds(5))
        #expect(
            cluster.reports.filter { $0.contains("crashed") }
                == ["\(crashing) crashed: crashes at '\(point.rawValue)', as it was told"])
        let pair = try self.pair(&cluster)
        switch cluster.replies[id]?.type {
        case "transfer_ok": #expect(pair == [70, 130])
        case "error": #expect(pair == [100, 100])
        default: #expect(pair == [70, 130] || pair == [100, 100])
        }
        // The decision was made when it was written down, and by nobody else.
        let order = CrashPoint.allCases
        if !isOfParticipant {
            let isDecided = order.firstIndex(of: point)! >= order.firstIndex(of: .decisionLogged)!
            #expect(pair == (isDecided ? [70, 130] : [100, 100]))
        }
        let again = cluster.ask("n1", Self.transfer, within: .seconds(5))
        #expect(again?.type == "transfer_ok")
        #expect(try self.pair(&cluster) == [70, 130])
    }

    /// The price of two-phase commit: while a coordinator is away after the promises, nobody gets at the accounts.
    @Test func blocksWhileTheCoordinatorIsAway() throws {
        var cluster = try self.cluster("presumed-abort")
        cluster.fate = { $0.type == "vote" ? .isLost : nil }
        cluster.request("n1", Self.transfer)
        cluster.run(for: .milliseconds(20))
        cluster.kill("n1")
        cluster.fate = nil
        cluster.run(for: .seconds(20))
        var other = Self.transfer
        other["id"] = "t2"
        #expect(cluster.ask("n2", other)?["code"] == 30)
        // Others are not affected.
        other["id"] = "t3"
        other["from"] = "a3"
        other["to"] = "a4"
        #expect(cluster.ask("n2", other)?.type == "transfer_ok")
        cluster.restart("n1")
        #expect(try self.pair(&cluster) == [100, 100])
    }

    /// Who was refused has given up; money that has come since does not change that, nor does another life of the account's node.
    @Test func aLateCopyOfARefusedStepTakesNothing() throws {
        var cluster = try self.cluster("saga")
        var large = Self.transfer
        large["amount"] = 101
        large["id"] = "t2"
        let seen = Mutex<Message?>(nil)
        cluster.fate = { message in
            if message.type == "step" { seen.withLock { $0 = message } }
            return nil
        }
        #expect(cluster.ask("n1", large)?["code"] == 22)
        cluster.fate = nil
        let copy = try #require(seen.withLock { $0 })
        let back: JSONObject = [
            "type": "transfer", "id": "t3", "from": "a2", "to": "a1", "amount": 50,
        ]
        #expect(cluster.ask("n1", back)?.type == "transfer_ok")
        cluster.deliverAgain(copy)
        cluster.run(for: .seconds(1))
        #expect(try self.pair(&cluster) == [150, 50])
        cluster.kill("n2")
        cluster.restart("n2")
        cluster.deliverAgain(copy)
        cluster.run(for: .seconds(1))
        #expect(try self.pair(&cluster) == [150, 50])
    }

    @Test(arguments: [("presumed-abort", true), ("saga", false)], 1...UInt64(20))
    func survivesEverything(_ variant: (name: String, hasSnapshots: Bool), seed: UInt64) throws {
        var cluster = try self.cluster(variant.name, seed: seed)
        cluster.loss = Ratio(percent: 10)
        cluster.duplication = Ratio(percent: 10)
        cluster.latency = .zero...Duration.milliseconds(20)
        cluster.crashChance = Ratio(billionths: 2_000_000)
        cluster.disturb(Disturber(), for: .seconds(7))
        cluster.load(BankWorkload(), clients: 6, pause: .milliseconds(80), for: .seconds(8))
        cluster.crashChance = .zero
        cluster.run(for: .seconds(5))
        // A read over a link that loses is asked again, as real clients do.
        cluster.finish(rounds: 4)
        let finding = try cluster.finding(
            "bank",
            ["total": 400, "initial": 100, "snapshots": .bool(variant.hasSnapshots)])
        #expect(finding.verdict == .valid, "\(finding.summary) \(finding.evidence)")
    }

    // MARK: - Wrong variants

    @Test(arguments: [
        "presumed-abort", "saga", "forgets", "aborts-alone", "commits-again", "no-locks",
        "withdraw-deposit", "withdraw-retry",
    ])
    func allAreRightInPeace(_ variant: String) throws {
        var cluster = try self.cluster(variant)
        cluster.load(BankWorkload(), clients: 1, pause: .milliseconds(20), for: .seconds(5))
        cluster.run(for: .seconds(1))
        cluster.finish()
        let finding = try cluster.finding("bank", ["total": 400, "initial": 100])
        #expect(finding.verdict == .valid, "\(finding.summary) \(finding.evidence)")
    }

    /// 170 where there were 200: one side has lost 30, and the other one has got nothing.
    @Test func aCoordinatorThatForgetsLeavesHalves() throws {
        var cluster = try self.cluster("forgets")
        cluster.request("n1", ["type": "crash-at", "point": "first-commit-sent"], from: "admin")
        cluster.request("n1", Self.transfer)
        cluster.run(for: .seconds(5))
        #expect(try self.pair(&cluster) == [70, 100])
    }

    @Test(arguments: [("aborts-alone", [Int64(70), 100]), ("presumed-abort", [70, 130])])
    func whoAbortsAloneLeavesHalves(_ variant: String, result: [Int64]) throws {
        var cluster = try self.cluster(variant)
        cluster.fate = {
            $0.type == "decide" && $0.destination == "n3" && $0["outcome"] == "commit"
                ? .isLost : nil
        }
        #expect(cluster.ask("n1", Self.transfer)?.type == "transfer_ok")
        cluster.run(for: .seconds(2))
        cluster.fate = nil
        cluster.run(for: .seconds(2))
        #expect(try self.pair(&cluster) == result)
    }

    @Test(arguments: [("commits-again", [Int64(70), 160]), ("presumed-abort", [70, 130])])
    func aDoubledDecisionMovesMoneyTwice(_ variant: String, result: [Int64]) throws {
        var cluster = try self.cluster(variant)
        cluster.fate = Self.loseFirst(
            { $0.type == "decide" && $0.destination == "n3" }, or: .arrivesTwice)
        #expect(cluster.ask("n1", Self.transfer)?.type == "transfer_ok")
        cluster.run(for: .seconds(2))
        #expect(try self.pair(&cluster) == result)
    }

    /// Two transfers of 80 from an account that has 100, both promised before either is decided.
    @Test(arguments: [("no-locks", Int64(-60)), ("presumed-abort", 20)])
    func withoutLocksAnAccountIsSpentTwice(_ variant: String, balance: Int64) throws {
        var cluster = try self.cluster(variant)
        cluster.fate = { $0.type == "decide" ? .arrivesAfter(.milliseconds(100)) : nil }
        for (id, node) in [("t1", "n1"), ("t2", "n3")] {
            var body = Self.transfer
            body["id"] = .string(id)
            body["amount"] = 80
            cluster.request(node, body)
            cluster.run(for: .milliseconds(20))
        }
        cluster.run(for: .seconds(3))
        #expect(try self.pair(&cluster).first == balance)
    }

    @Test(arguments: [("withdraw-deposit", [Int64(70), 100]), ("saga", [70, 130])])
    func aLostDepositIsLostMoney(_ variant: String, result: [Int64]) throws {
        var cluster = try self.cluster(variant)
        cluster.fate = Self.loseFirst { $0["step"] == "deposit" }
        cluster.request("n1", Self.transfer)
        cluster.run(for: .seconds(3))
        #expect(try self.pair(&cluster) == result)
    }

    @Test(arguments: [("withdraw-retry", [Int64(70), 160]), ("saga", [70, 130])])
    func aRepeatedDepositIsNewMoney(_ variant: String, result: [Int64]) throws {
        var cluster = try self.cluster(variant)
        cluster.fate = Self.loseFirst { $0.type == "done" && $0["step"] == "deposit" }
        #expect(cluster.ask("n1", Self.transfer)?.type == "transfer_ok")
        #expect(try self.pair(&cluster) == result)
    }

    /// The answer to the withdrawal never comes: it is cancelled, and the client is told that nothing happened.
    @Test func aSagaTakesBackWhatItDoesNotKnow() throws {
        var cluster = try self.cluster("saga")
        cluster.fate = { $0.type == "done" ? .isLost : nil }
        let reply = cluster.ask("n1", Self.transfer, within: .seconds(3))
        #expect(reply?["code"] == 14)
        cluster.fate = nil
        #expect(try self.pair(&cluster) == [100, 100])
    }
}

/// Transfers between four accounts, and reads of all balances.
private struct BankWorkload: SimulatedWorkload {
    private var last: Int64 = 0

    mutating func next(process: Int, _ randomness: inout Randomness) -> SimulatedOperation? {
        if randomness.next(below: 3) == 0 { return .read }
        self.last += 1
        let from = randomness.next(below: 4)
        let to = (from + 1 + randomness.next(below: 3)) % 4
        let value: JSONObject = [
            "from": .string("a\(from + 1)"), "to": .string("a\(to + 1)"),
            "amount": .int(Int64(1 + randomness.next(below: 50))),
        ]
        var body = value
        body["type"] = "transfer"
        body["id"] = .string("t\(self.last)")
        return SimulatedOperation("transfer", .object(value), body)
    }

    func result(of operation: SimulatedOperation, process: Int, _ reply: Message) -> JSONValue {
        operation.function == "read" ? reply["value"] ?? .null : operation.value
    }
}
