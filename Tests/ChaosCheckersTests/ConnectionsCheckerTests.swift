import ChaosCheckers
import ChaosCore
import Testing

@Suite("Links between nodes")
struct ConnectionsCheckerTests {
    private static let finals = """
        9000 7 run list [{"node":"n2","connection":1}] @n1 final
        9001 8 run list [{"node":"n1","connection":1}] @n2 final

        """
    private static let pong = """
        0 0 call ping "n2" @n1
        5 0 ok ping {"answer":"pong","connection":1} @n1

        """

    private func judge(
        _ script: String, _ parameters: JSONObject = [:]
    ) throws -> Finding { try finding("connections", parameters, script) }

    @Test func linksThatAnswerAreFine() throws {
        let good = try self.judge(Self.pong + Self.finals)
        #expect(good.verdict == .valid)
        #expect(good.summary == "2 nodes show the same links, after 1 pong")
    }

    @Test func withoutAnEndOrAPongNothingIsKnown() throws {
        #expect(try self.judge(Self.pong).verdict == .unknown)
        #expect(try self.judge(Self.finals).verdict == .unknown)
    }

    private func pings(_ answers: [(Int, String, Int)]) -> String {
        answers.map { time, answer, connection in
            """
            \(time) 1 call ping "n2" @n1
            \(time + 500) 1 ok ping {"answer":"\(answer)","connection":\(connection)} @n1

            """
        }.joined()
    }

    @Test func aLinkThatDoesNotAnswerHasToEnd() throws {
        let silent = self.pings([(1000, "pang", 1), (2000, "pang", 1), (3600, "pang", 1)])
        let bad = try self.judge(Self.pong + silent + Self.finals)
        #expect(bad.anomalies == ["zombie"])
        #expect(
            bad.evidence == [
                "zombie: n1 still takes n2 for connected at 4.1s, who has not answered since 1.5s"
            ])
        // Not for long, answered in between, or another link each time.
        for answers in [
            [(1000, "pang", 1), (3400, "pang", 1)],
            [(1000, "pang", 1), (2000, "pong", 1), (3600, "pang", 1)],
            [(1000, "pang", 1), (3600, "pang", 2)],
        ] {
            let script = Self.pong + self.pings(answers) + Self.finals
            #expect(try self.judge(script).verdict == .valid)
        }
    }

    @Test func inTheEndAllShowAll() throws {
        let other = #"9002 9 run list [{"node":"n2","connection":1}] @n3 final"#
        let bad = try self.judge(Self.pong + Self.finals + other)
        #expect(bad.anomalies == ["asymmetric", "incomplete"])
        #expect(
            bad.evidence == [
                "asymmetric: n3 shows n2, which does not show it",
                "incomplete: n3 is linked with n2, and not with its n1",
            ])
        // What was shown last counts.
        let empty = "9003 10 run list [] @n3 final"
        #expect(try self.judge(Self.pong + Self.finals + other + "\n" + empty).verdict == .valid)
    }

    @Test func whoCannotBeConnectedToIsUnreachable() throws {
        let failed = """
            8000 3 call connect "n2" @n1 final
            8001 3 fail connect "n2" @n1 final

            """
        let bad = try self.judge(Self.pong + failed + Self.finals)
        #expect(bad.anomalies == ["unreachable"])
        let again = #"8500 4 run connect "n2" @n1 final"# + "\n"
        #expect(try self.judge(Self.pong + failed + again + Self.finals).verdict == .valid)
        let stranger = try self.judge(Self.pong + failed + Self.finals, ["strangers": "n2 n5"])
        #expect(!stranger.anomalies.contains("unreachable"))
    }

    @Test func aStrangerIsAnIntruder() throws {
        let bad = try self.judge(Self.pong + Self.finals, ["strangers": "n2"])
        #expect(bad.anomalies == ["intruder"])
        #expect(bad.evidence == ["intruder: n1 is linked with n2 at 9s"])
    }

    @Test func oneLinkComesUpAtATime() throws {
        func news(_ entries: String) -> String { "9500 5 run news [\(entries)] @n1 final\n" }
        let up = #"{"event":"up","node":"n2","connection":1}"#
        let down = #"{"event":"down","node":"n2","connection":1,"reason":"silent"}"#
        let base = Self.pong + Self.finals
        #expect(try self.judge(base + news("\(up),\(down),\(up)")).verdict == .valid)
        #expect(try self.judge(base + news("\(up),\(up)")).anomalies == ["twice-up"])
        let steady = try self.judge(base + news("\(up),\(down)"), ["steady": "true"])
        #expect(steady.anomalies == ["dropped"])
    }
}
