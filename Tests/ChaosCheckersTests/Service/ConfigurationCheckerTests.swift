import ChaosCheckers
import ChaosCore
import Testing

@Suite("A setting that is changed")
struct ConfigurationCheckerTests {
    private static let end = """
        9000 0 run read {"version":[2,"n1"],"value":7} @n1 final
        9001 1 run read {"version":[2,"n1"],"value":7} @n2 final
        """

    private func judge(_ script: String, end: String = Self.end) throws -> Finding {
        try finding("configuration", [:], script + "\n" + end)
    }

    @Test func allComeToTheLastVersion() throws {
        let good = try self.judge(
            """
            0 1 run read {"version":[0,""],"value":0} @n2
            10 0 run configure {"version":[1,"n2"]} @n2
            20 0 run configure {"version":[2,"n1"]} @n1
            25 1 run read {"version":[1,"n2"],"value":5} @n2
            30 1 run read {"version":[2,"n1"],"value":7} @n2
            """)
        #expect(good.verdict == .valid)
        #expect(good.summary == "2 nodes go by the last of 3 versions")
    }

    /// The greater number counts, then the greater name; whoever saw it, by acknowledgement or read.
    @Test(arguments: [
        #"10 0 run configure {"version":[3,"n1"]} @n1"#,
        #"10 0 run configure {"version":[2,"n3"]} @n3"#,
        #"10 0 run read {"version":[3,"n1"],"value":9} @n3"#,
    ])
    func aVersionThatIsOlderInTheEnd(_ line: String) throws {
        let bad = try self.judge(line)
        #expect(bad.verdict == .invalid && bad.anomalies == ["stale-configuration"])
        #expect(bad.summary == "2 stale-configuration")
    }

    /// A change that nobody acknowledged may count or not.
    @Test func anUnknownChangeMayBeMissing() throws {
        let good = try self.judge(
            """
            0 1 run read {"version":[0,""],"value":0} @n2
            10 0 call configure 9 @n1
            20 0 info configure 9 @n1
            """)
        #expect(good.verdict == .valid)
    }

    @Test func aNodeThatGoesBack() throws {
        let bad = try self.judge(
            """
            0 1 run read {"version":[1,"n1"],"value":5} @n2
            10 1 run read {"version":[0,""],"value":0} @n2
            """)
        #expect(bad.anomalies == ["reverted"])
        #expect(bad.evidence.first?.contains("which had shown version 1 of n1 at 0s") == true)
        // Another node may be behind, and so may a read that began before.
        let good = try self.judge(
            """
            0 0 call read null @n2
            1 1 run read {"version":[1,"n1"],"value":5} @n2
            2 0 ok read {"version":[0,""],"value":0} @n2
            3 2 run read {"version":[0,""],"value":0} @n3
            """)
        #expect(good.verdict == .valid)
    }

    @Test func aVersionMeansOneThing() throws {
        let bad = try self.judge(#"0 1 run read {"version":[2,"n1"],"value":8} @n2"#)
        #expect(bad.anomalies == ["two-values"])
    }

    @Test func withoutChangesOrReadsNothingIsKnown() throws {
        let change = #"10 0 run configure {"version":[1,"n2"]} @n2"#
        #expect(try self.judge(change, end: "").summary == "no final read was answered")
        let unchanged = #"9 0 run read {"version":[0,""],"value":0} @n1 final"#
        #expect(try self.judge("", end: unchanged).summary == "nothing was configured")
        #expect(try self.judge("0 0 run read 1").verdict == .unknown)
    }
}
