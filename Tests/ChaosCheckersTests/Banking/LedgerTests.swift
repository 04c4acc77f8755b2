import ChaosCheckers
import ChaosCore
import Testing

@Suite("Accounts with histories")
struct LedgerTests {
    /// Two accounts; one deposit, one withdrawal that is refused, one transfer, and one deposit of which nobody knows.
    private static let orders = """
        0 0 run open {"account":"a","initial":100}
        1 0 run open {"account":"b","initial":0}
        2 0 run deposit {"account":"a","amount":50,"note":"o1"}
        3 1 call withdraw {"account":"a","amount":500,"note":"o2"}
        4 1 fail withdraw null
        5 2 run transfer {"from":"a","to":"b","amount":30,"note":"o3"}
        6 3 call deposit {"account":"b","amount":7,"note":"o4"}
        7 3 info deposit null

        """
    private static let statementA = "[[1,50,150,\"o1\"],[2,-30,120,\"o3\"]]"
    private static let statementB = "[[1,30,30,\"o3\"]]"

    private static func looks(a: String = statementA, b: String = statementB) -> String {
        """
        20 5 run statement {"account":"a","entries":\(a)} final
        21 6 run statement {"account":"b","entries":\(b)} final

        """
    }

    @Test func whatWasAskedForIsThereOnce() throws {
        let valid = try finding("ledger", [:], Self.orders + Self.looks())
        #expect(valid.verdict == .valid, "\(valid.evidence)")
        #expect(valid.statistics["acknowledged_count"] == 2)
        // Of what nobody knows, both are possible.
        let done = "[[1,30,30,\"o3\"],[2,7,37,\"o4\"]]"
        #expect(try finding("ledger", [:], Self.orders + Self.looks(b: done)).verdict == .valid)
    }

    @Test(arguments: [
        ("lost", "[[1,-30,70,\"o3\"]]", statementB),
        ("doubled", "[[1,50,150,\"o1\"],[2,-30,120,\"o3\"],[3,50,170,\"o1\"]]", statementB),
        ("wrong-amount", "[[1,51,151,\"o1\"],[2,-30,121,\"o3\"]]", statementB),
        (
            "refused-but-done", "[[1,50,150,\"o1\"],[2,-30,120,\"o3\"],[3,-500,-380,\"o2\"]]",
            statementB
        ),
        ("half-done", statementA, "[]"), ("half-done", "[[1,50,150,\"o1\"]]", statementB),
        ("doubled", statementA, "[[1,30,30,\"o3\"],[2,7,37,\"o4\"],[3,7,44,\"o4\"]]"),
        ("invented", "[[1,50,150,\"o1\"],[2,-30,120,\"o3\"],[3,1,121,\"o9\"]]", statementB),
        ("broken-history", "[[1,50,150,\"o1\"],[3,-30,120,\"o3\"]]", statementB),
        ("broken-history", "[[1,50,150,\"o1\"],[2,-30,130,\"o3\"]]", statementB),
    ])
    func whatIsWrongHasAName(_ name: String, a: String, b: String) throws {
        let finding = try finding("ledger", [:], Self.orders + Self.looks(a: a, b: b))
        #expect(finding.verdict == .invalid)
        #expect(finding.anomalies.contains(name), "\(finding.anomalies)")
        #expect(finding.evidence.contains { $0.hasPrefix("\(name): ") })
    }

    @Test func historyIsNotRewritten() throws {
        let early =
            "10 9 run statement {\"account\":\"a\",\"entries\":[[1,50,150,\"o1\"],[2,-1,149,\"o8\"]]}\n"
        let found = try finding("ledger", [:], Self.orders + early + Self.looks())
        #expect(
            found.anomalies == ["stale", "rewritten"] || found.anomalies == ["rewritten", "stale"])
        // The same entries, and more behind them: nothing is wrong.
        let prefix = "4 9 run statement {\"account\":\"a\",\"entries\":[[1,50,150,\"o1\"]]}\n"
        let orders = Self.orders.replacingOccurrence(
            of: "5 2 run transfer", with: prefix + "5 2 run transfer")
        #expect(try finding("ledger", [:], orders + Self.looks()).verdict == .valid)
    }

    @Test func whatWasAcknowledgedIsSeen() throws {
        let late = "10 9 run statement {\"account\":\"a\",\"entries\":[[1,50,150,\"o1\"]]}\n"
        #expect(
            try finding("ledger", [:], Self.orders + late + Self.looks()).anomalies == ["stale"])
        // The transfer was acknowledged five milliseconds before.
        let parameters: JSONObject = ["within": "6ms"]
        #expect(
            try finding("ledger", parameters, Self.orders + late + Self.looks()).verdict == .valid)
        #expect(
            try finding("ledger", ["within": "5ms"], Self.orders + late + Self.looks()).anomalies
                == ["stale"])
    }

    @Test func balancesAreWhatEntriesComeTo() throws {
        let right = "22 7 run read {\"account\":\"a\",\"balance\":120} final\n"
        #expect(try finding("ledger", [:], Self.orders + Self.looks() + right).verdict == .valid)
        let wrong = "22 7 run read {\"account\":\"a\",\"balance\":150} final\n"
        #expect(
            try finding("ledger", [:], Self.orders + Self.looks() + wrong).anomalies == [
                "wrong-balance"
            ]
        )
        let negative = "10 7 run read {\"account\":\"a\",\"balance\":-1}\n"
        #expect(
            try finding("ledger", [:], Self.orders + negative + Self.looks()).anomalies
                == ["negative-balance"])
    }

    @Test func tooLittleIsUnknown() throws {
        #expect(try finding("ledger", [:], Self.orders).verdict == .unknown)
        #expect(try finding("ledger", [:], Self.looks(a: "[]", b: "[]")).verdict == .unknown)
        #expect(
            try finding("ledger", [:], "0 0 run deposit {\"account\":\"a\"}").verdict == .unknown)
    }
}

extension String {
    fileprivate func replacingOccurrence(of text: String, with other: String) -> String {
        guard let range = self.firstRange(of: text) else { return self }
        return self[..<range.lowerBound] + other + self[range.upperBound...]
    }
}
