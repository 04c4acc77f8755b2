import ChaosCheckers
import ChaosCore
import Testing

@Suite("Telemetry")
struct TelemetryTests {
    /// Three measurements of n2, one of which nobody knows, and one of n3.
    private static let measures = """
        0 0 run measure {"id":"m1","temperature":20} @n2
        1 0 run measure {"id":"m2","temperature":34} @n2
        2 1 call measure {"id":"m3","temperature":35} @n2
        3 1 info measure null @n2
        4 2 run measure {"id":"m4","temperature":33} @n3

        """

    private static func report(
        _ n2: String, _ n3: String = "1,0,0,0", alerts: String = "\"m2\"", at time: Int = 10,
        state: String = "alive", final: String = " final"
    ) -> String {
        func station(_ counts: String) -> String {
            let words = counts.split(separator: ",")
            return "{\"state\":\"\(state)\",\"received\":\(words[0]),\"dropped\":\(words[1]),"
                + "\"missing\":\(words[2]),\"deaths\":\(words[3])}"
        }
        return "\(time) 9 run report {\"stations\":{\"n2\":\(station(n2)),\"n3\":\(station(n3))},"
            + "\"alerts\":[\(alerts)]} @n1\(final)\n"
    }

    private func judge(_ script: String, _ parameters: JSONObject = [:]) throws -> Finding {
        try finding("telemetry", parameters, Self.measures + script)
    }

    @Test func whatIsToldAddsUp() throws {
        for n2 in ["2,0,0,0", "3,0,0,0", "1,1,0,0", "1,0,1,0", "0,2,1,5"] {
            let finding = try self.judge(Self.report(n2))
            #expect(finding.verdict == .valid, "\(n2): \(finding.evidence)")
        }
    }

    @Test(arguments: [
        ("unaccounted", "1,0,0,0", "\"m2\""), ("unaccounted", "0,0,1,0", "\"m2\""),
        ("counted-twice", "4,0,0,0", "\"m2\""), ("counted-twice", "2,1,1,0", "\"m2\""),
        ("missed-alert", "2,0,0,0", ""), ("alerted-twice", "2,0,0,0", "\"m2\",\"m2\""),
    ])
    func whatIsWrongHasAName(_ name: String, n2: String, alerts: String) throws {
        let finding = try self.judge(Self.report(n2, alerts: alerts))
        #expect(finding.anomalies == [name], "\(finding.evidence)")
    }

    /// An alert may be among what a station says it dropped; one whose outcome nobody knows need not be there.
    @Test func aDroppedAlertIsNotMissed() throws {
        #expect(try self.judge(Self.report("1,1,0,0", alerts: "")).verdict == .valid)
        #expect(try self.judge(Self.report("3,0,0,0", alerts: "\"m2\",\"m3\"")).verdict == .valid)
        let finding = try self.judge(Self.report("2,0,0,0"), ["alert_above": 32])
        #expect(finding.anomalies == ["missed-alert"])
    }

    @Test func totalsOnlyGrow() throws {
        let early = Self.report("3,0,0,0", at: 5, final: "")
        let finding = try self.judge(early + Self.report("2,0,0,0"))
        #expect(finding.anomalies == ["went-back"])
        #expect(
            try self.judge(Self.report("1,0,0,0", at: 5, final: "") + Self.report("2,0,0,0"))
                .verdict == .valid)
    }

    @Test func deathsAreCounted() throws {
        let script = Self.report("2,0,0,3")
        #expect(try self.judge(script).verdict == .valid)
        #expect(try self.judge(script, ["deaths": 3]).verdict == .valid)
        #expect(try self.judge(script, ["deaths": 2]).anomalies == ["flapping"])
    }

    @Test func whoIsDeadIsShown() throws {
        func judge(_ state: String, dead: String = "n2", until end: Int64 = 4000) throws -> Finding
        {
            let script =
                Self.report("2,0,0,0", at: 3000, state: state, final: "")
                + Self.report("2,0,0,0", at: 5000)
            let death = Disturbance(
                begin: Instant(nanoseconds: 100_000_000),
                end: Instant(nanoseconds: end * 1_000_000), isCut: false, silenced: [dead])
            return try makeChecker(name: "telemetry").told(of: [death], absent: [])
                .check(try events(Self.measures + script))
        }
        #expect(try judge("dead").verdict == .valid)
        #expect(try judge("alive").anomalies == ["shown-alive"])
        #expect(try judge("suspect").anomalies == ["shown-alive"])
        // Of whom no report tells, and who was away for a moment only.
        #expect(try judge("alive", dead: "n9").verdict == .valid)
        #expect(try judge("alive", until: 2500).verdict == .valid)
    }

    @Test func whoIsCutOffIsShown() throws {
        func judge(_ state: String) throws -> Finding {
            let script =
                Self.report("2,0,0,0", at: 3000, state: state, final: "")
                + Self.report("2,0,0,0", at: 5000)
            let cut = Disturbance(
                begin: Instant(nanoseconds: 100_000_000), end: Instant(nanoseconds: 4_000_000_000),
                isCut: true)
            return try makeChecker(name: "telemetry").told(of: [cut], absent: [])
                .check(try events(Self.measures + script))
        }
        #expect(try judge("dead").verdict == .valid)
        #expect(try judge("suspect").anomalies == ["shown-alive"])
    }

    @Test func tooLittleIsUnknown() throws {
        #expect(try self.judge("").verdict == .unknown)
        #expect(
            try finding("telemetry", [:], Self.report("0,0,0,0", "0,0,0,0", alerts: "")).verdict
                == .unknown)
    }
}
