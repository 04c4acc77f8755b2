import ChaosCheckers
import ChaosCore
import Testing

@Suite("Ids, counters and banks")
struct CountingTests {
    // MARK: - Unique ids

    @Test func idsAreUnique() throws {
        let good = "0 0 run generate 1 @n1\n0 1 run generate \"n2-1\" @n2\n0 0 call generate"
        let finding = try self.judge("unique-ids", good)
        #expect(finding.verdict == .valid)
        #expect(finding.summary == "2 ids, all different")
        #expect(finding.statistics["attempted_count"] == 3)
        let bad = try self.judge("unique-ids", good + "\n5 2 run generate 1 @n3")
        #expect(bad.verdict == .invalid)
        #expect(bad.anomalies == ["duplicated"])
        #expect(bad.evidence == ["duplicated 1: 2 times, by n1 at 0s, n3 at 0.005s"])
        #expect(try self.judge("unique-ids", "0 0 call generate").verdict == .unknown)
    }

    private func judge(
        _ name: String, _ script: String, _ parameters: JSONObject = [:]
    ) throws -> Finding {
        try makeChecker(name: name, parameters: parameters).check(try events(script))
    }

    // MARK: - Counters

    @Test func finalReadsShowAPossibleSum() throws {
        let adds = """
            0 0 run add 3
            1 1 call add 4
            2 1 info add 4
            3 2 call add 10
            4 2 fail add 10
            """
        for sum in [3, 7] {
            let script = adds + "\n9 3 run read \(sum) @n1 final\n9 3 run read \(sum) @n2 final"
            #expect(try self.judge("g-counter", script).verdict == .valid)
        }
        for sum in [0, 4, 10, 13, 17] {
            let finding = try self.judge("pn-counter", adds + "\n9 3 run read \(sum) @n1 final")
            #expect(finding.verdict == .invalid)
            #expect(finding.anomalies.contains("wrong-final"))
            #expect(
                finding.evidence.contains(
                    "wrong-final: the final read on n1 at 0.009s is \(sum), possible is 3, 7"))
        }
        let apart = adds + "\n9 3 run read 3 @n1 final\n9 3 run read 7 @n2 final"
        #expect(try self.judge("g-counter", apart).anomalies == ["diverged"])
        #expect(try self.judge("g-counter", adds).verdict == .unknown)
    }

    @Test func noReadShowsMoreThanWasTried() throws {
        let script = "0 0 run add 1\n1 1 run read 5 @n1\n2 0 run add 9\n3 1 run read 10 @n1 final"
        #expect(try self.judge("g-counter", script).anomalies == ["too-high"])
        let back = "0 0 run add 5\n1 1 run read 5 @n1\n2 1 run read 0 @n1\n3 1 run read 5 @n1 final"
        #expect(try self.judge("g-counter", back).anomalies == ["went-back"])
        #expect(try self.judge("pn-counter", back).verdict == .valid)
    }

    @Test func readsLieBetweenWhatIsAcknowledgedAndWhatIsTried() throws {
        let script = """
            0 0 run add 5
            1 1 call add 3
            2 2 run read 5
            3 2 run read 8
            4 1 ok add 3
            5 3 call add -2
            6 2 run read 6
            """
        #expect(try self.judge("counter", script).verdict == .valid)
        #expect(try self.judge("counter", script + "\n7 2 run read 5").anomalies == ["too-low"])
        #expect(try self.judge("counter", script + "\n7 2 run read 9").anomalies == ["too-high"])
    }

    @Test func acceptsSimulatedCountersAndRejectsWhatIsImpossible() {
        for seed in 0..<UInt64(40) {
            var history = SimulatedObject.counter.history(
                80, clients: 4, crashes: Ratio(percent: 4), seed: seed)
            #expect(CounterChecker().check(history).verdict == .valid, "seed \(seed)")
            for kind in [Operation.Kind.invoke, .ok] {
                history.append(
                    Operation(
                        index: history.operations.count, process: 9_999, kind: kind,
                        function: "read", value: 1_000_000,
                        time: Instant(nanoseconds: 1_000_000), isFinal: true))
            }
            #expect(CounterChecker().check(history).anomalies.contains("too-high"))
            let eventual = CounterChecker(name: "g-counter", promise: .eventual)
            #expect(eventual.check(history).anomalies.contains("wrong-final"))
        }
    }

    // MARK: - Bank

    @Test func aBankKeepsItsTotal() throws {
        let good = """
            0 0 run read {"a":10,"b":10}
            1 0 run transfer {"from":"a","to":"b","amount":4}
            2 1 call transfer {"from":"b","to":"a","amount":1}
            3 1 info transfer {"from":"b","to":"a","amount":1}
            4 2 run read {"a":6,"b":14}
            """
        #expect(try self.judge("bank", good).verdict == .valid)
        #expect(
            try self.judge("bank", good + "\n5 2 run read {\"a\":7,\"b\":13}").verdict == .valid)
        let cases: [(read: String, name: String)] = [
            (#"{"a":6,"b":13}"#, "wrong-total"), (#"{"a":-1,"b":21}"#, "negative-balance"),
            (#"{"a":20}"#, "missing-account"), (#"{"a":6,"b":14,"z":0}"#, "unknown-account"),
            (#"{"a":2,"b":18}"#, "wrong-balance"), (#"{"a":8,"b":12}"#, "wrong-balance"),
        ]
        for (read, name) in cases {
            let finding = try self.judge("bank", good + "\n5 2 run read \(read)")
            #expect(finding.verdict == .invalid)
            #expect(finding.anomalies.contains(name), "\(finding.anomalies) for \(name)")
        }
        #expect(try self.judge("bank", good, ["total": 21]).anomalies == ["wrong-total"])
        #expect(
            try self.judge("bank", "0 0 run transfer {\"from\":1,\"to\":2,\"amount\":1}").verdict
                == .unknown)
    }

    /// A saga's reads may miss money on its way; in the end it must be there.
    @Test func aBankWithoutSnapshotsIsJudgedInTheEnd() throws {
        let script = """
            0 0 call transfer {"from":"a","to":"b","amount":4}
            1 2 run read {"a":6,"b":10}
            2 0 ok transfer {"from":"a","to":"b","amount":4}
            3 2 run read {"a":6,"b":14} final
            """
        let parameters: JSONObject = ["total": 20, "initial": 10]
        #expect(try self.judge("bank", script, parameters).anomalies == ["wrong-total"])
        let eventual: JSONObject = ["total": 20, "initial": 10, "snapshots": false]
        #expect(try self.judge("bank", script, eventual).verdict == .valid)
        let lost = script.replacing("14", with: "10")
        #expect(
            try self.judge("bank", lost, eventual).anomalies == ["wrong-total", "wrong-balance"])
        // Nobody could look at the accounts in the end.
        let blocked = """
            0 0 run transfer {"from":"a","to":"b","amount":4}
            1 2 run read {"a":6,"b":14}
            2 2 call read null final
            3 2 fail read null final
            """
        #expect(try self.judge("bank", blocked, eventual).verdict == .unknown)
    }

    @Test func hugeNumbersDoNotTrap() throws {
        let script = """
            0 0 run transfer {"from":"a","to":"b","amount":9223372036854775807}
            1 0 run read {"a":-9223372036854775808,"b":9223372036854775807}
            """
        _ = try self.judge("bank", script)
        _ = try self.judge("g-counter", "0 0 run add -9223372036854775808\n1 0 run read 5")
        _ = try self.judge(
            "linearizable", "0 0 run add -9223372036854775808\n1 0 run read 5", ["model": "counter"]
        )
    }
}
