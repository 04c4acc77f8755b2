import ChaosCheckers
import ChaosCore
import Testing

@Suite("Members of a cluster")
struct MembershipCheckerTests {
    private func judge(
        _ answers: [(String, String)], absent: [String] = [], _ parameters: JSONObject = [:]
    ) throws -> Finding {
        let script = answers.enumerated().map { index, answer in
            "\(index) \(index) run members [\(answer.1)] @\(answer.0) final"
        }
        return try makeChecker(name: "membership", parameters: parameters)
            .told(of: [], absent: absent).check(try events(script.joined(separator: "\n")))
    }

    private static let one = #"{"node":"n1","life":4}"#
    private static let two = #"{"node":"n2","life":7}"#
    private static let three = #"{"node":"n3","life":1}"#

    @Test func whoKnowsEachOtherIsRight() throws {
        let both = "\(Self.one),\(Self.two)"
        let good = try self.judge([("n1", both), ("n2", both)])
        #expect(good.verdict == .valid && good.summary == "2 nodes know each other")
        #expect(try self.judge([("n1", both)]).verdict == .unknown)
        // Nobody can tell whether one lives that nobody asked.
        let more = both + "," + Self.three
        #expect(try self.judge([("n1", more), ("n2", both)]).verdict == .valid)
    }

    @Test func whoIsThereIsKnown() throws {
        let bad = try self.judge([("n1", Self.one), ("n2", "\(Self.one),\(Self.two)")])
        #expect(bad.anomalies == ["missing"])
        #expect(bad.evidence == ["missing: n1 does not know n2"])
    }

    @Test func whoIsDeadIsNot() throws {
        let all = [Self.one, Self.two, Self.three].joined(separator: ",")
        let bad = try self.judge([("n1", all), ("n2", all)], absent: ["n3"])
        #expect(bad.anomalies == ["zombie"])
        #expect(
            bad.evidence == ["zombie: n1 takes n3 for alive", "zombie: n2 takes n3 for alive"])
    }

    @Test func aNewLifeTakesThePlaceOfTheOldOne() throws {
        let old = #"{"node":"n2","life":6}"#
        let bad = try self.judge([
            ("n1", "\(Self.one),\(old)"), ("n2", "\(Self.one),\(Self.two)"),
        ])
        #expect(bad.anomalies == ["stale-life"])
        #expect(bad.evidence == ["stale-life: n1 shows n2 in life 6, which lives its 7"])
    }

    @Test func strangersDoNotJoin() throws {
        let all = [Self.one, Self.two, Self.three].joined(separator: ",")
        let both = "\(Self.one),\(Self.two)"
        let script = [("n1", all), ("n2", both), ("n3", Self.three)]
        let bad = try self.judge(script, ["strangers": "n3"])
        #expect(bad.anomalies == ["intruder"])
        #expect(bad.evidence == ["intruder: n1 takes n3 for a member at 0s"])
    }
}
