import ChaosCheckers
import ChaosCore
import Testing

@Suite("Publications to members of groups")
struct PublicationCheckerTests {
    private static let join = """
        100 0 call add "m1" @n2
        105 0 ok add "m1" @n2

        """

    /// A message of n1's, published at some time.
    private func publish(_ message: Int, at time: Int, _ outcome: String = "ok") -> String {
        """
        \(time) 1 call publish \(message) @n1
        \(time + 5) 1 \(outcome) publish \(message) @n1

        """
    }

    /// What a member says in the end that it got.
    private func inbox(
        _ messages: String, of member: String = #""m1""#, age: Int = 8900
    ) -> String {
        """
        9000 5 call inbox \(member) @n2 final
        9001 5 ok inbox {"value":[\(messages)],"age_us":\(age * 1000)} @n2 final

        """
    }

    /// What n1 says in the end that it published by itself.
    private func greeting(ago: Int) -> String {
        """
        9010 6 call greetings null @n1 final
        9011 6 ok greetings [{"message":"hello","to":"n2","ago_us":\(ago * 1000)}] @n1 final

        """
    }

    private func judge(_ script: String, cut: (Int64, Int64)? = nil, losesNothing: Bool = false)
        throws -> Finding
    {
        let disturbances = cut.map { cut in
            Disturbance(
                begin: Instant(nanoseconds: cut.0 * 1_000_000),
                end: Instant(nanoseconds: cut.1 * 1_000_000), isCut: true,
                losesNothing: losesNothing)
        }
        return try makeChecker(name: "pubsub", parameters: ["within": "1s"])
            .told(of: disturbances.map { [$0] } ?? [], absent: []).check(try events(script))
    }

    @Test func whatReachesWhomItWasPromisedToIsRight() throws {
        let good = try self.judge(
            Self.join + publish(7, at: 3000) + publish(8, at: 4000) + inbox("7,8"))
        #expect(good.verdict == .valid)
        #expect(good.summary == "2 messages reached whom they were promised to")
    }

    @Test func whatIsMissingIsLost() throws {
        let script = Self.join + publish(7, at: 3000) + publish(8, at: 4000) + inbox("8")
        let bad = try self.judge(script)
        #expect(bad.anomalies == ["lost"])
        #expect(
            bad.evidence == [
                #"lost: 7, published at n1, process 1 at 3.005s, is not in the inbox of "m1" on n2"#
            ])
        // What only makes messages late is no excuse, and what is over neither.
        #expect(try self.judge(script, cut: (2500, 3500), losesNothing: true).verdict == .invalid)
        #expect(try self.judge(script, cut: (500, 1500)).verdict == .invalid)
    }

    /// Published is at most once, and only to who belongs.
    @Test func whatWasNotPromisedMayBeMissing() throws {
        let rest = publish(8, at: 7000) + inbox("8")
        #expect(try self.judge(Self.join + publish(7, at: 3000, "info") + rest).verdict == .valid)
        #expect(try self.judge(Self.join + publish(7, at: 600) + rest).verdict == .valid)
        for cut: (Int64, Int64) in [(2500, 3500), (1000, 2500), (3800, 4000)] {
            let finding = try self.judge(Self.join + publish(7, at: 3000) + rest, cut: cut)
            #expect(finding.verdict == .valid, "\(cut)")
        }
        // The member is younger than its name: the one that had joined has ended.
        let young = try self.judge(
            Self.join + publish(7, at: 3000) + publish(8, at: 7000) + inbox("8", age: 3500))
        #expect(young.verdict == .valid)
    }

    @Test func aGreetingIsPromisedToTheNodesOwnMember() throws {
        let own = #"["lobby","n2"]"#
        let good = try self.judge(self.inbox(#""hello""#, of: own) + self.greeting(ago: 5000))
        #expect(good.verdict == .valid)
        let bad = try self.judge(self.inbox("", of: own) + self.greeting(ago: 5000))
        #expect(bad.anomalies == ["lost"])
        #expect(
            bad.evidence == [
                #"lost: "hello", published by n1 at 4.01s, is not in the inbox of ["lobby","n2"] on n2"#
            ])
        // It is promised from the end of a cut on, and not within one.
        let script = self.inbox("", of: own) + self.greeting(ago: 5000)
        #expect(try self.judge(script, cut: (2000, 4000)).verdict == .invalid)
        #expect(try self.judge(script, cut: (2000, 4500)).verdict == .unknown)
        // To somebody who had ended it was no promise.
        let later = self.inbox("", of: own, age: 3000) + self.greeting(ago: 5000)
        #expect(try self.judge(later).summary == "nothing was promised to anybody")
    }

    @Test func whatComesTwiceOrFromNobodyIsWrong() throws {
        let twice = try self.judge(Self.join + publish(7, at: 3000) + inbox("7,7"))
        #expect(twice.evidence == [#"doubled: 7 is twice in the inbox of "m1" on n2"#])
        let strange = try self.judge(Self.join + publish(7, at: 3000) + inbox("7,9"))
        #expect(
            strange.evidence == [
                #"invented: nobody published 9, which is in the inbox of "m1" on n2"#
            ])
        let failed = try self.judge(
            Self.join + publish(7, at: 3000) + publish(9, at: 3100, "fail") + inbox("7,9"))
        #expect(failed.anomalies == ["invented"])
    }

    @Test func withoutInboxesNobodyKnows() throws {
        #expect(
            try self.judge(Self.join + publish(7, at: 3000)).summary
                == "no inbox was read in the end")
        #expect(try self.judge(Self.join + inbox("")).summary == "nothing was promised to anybody")
    }
}
