import ChaosCheckers
import ChaosCore
import Testing

@Suite("Processes on other nodes")
struct ProcessesCheckerTests {
    private static let spawn = """
        0 0 call spawn {"node":"n2"} @n1
        5 0 ok spawn "<n2.7.3>" @n1

        """
    private static let monitor = """
        10 1 call monitor "<n2.7.3>" @n1
        15 1 ok monitor "n1.4.1" @n1

        """
    private static let exit = """
        20 2 call exit {"pid":"<n2.7.3>","reason":"killed"} @n3
        25 2 ok exit {"pid":"<n2.7.3>","reason":"killed"} @n3

        """

    /// What nodes say in the end: `n1`'s monitors, and the epochs of the service.
    private func end(
        _ downs: String, life: Int = 4, lifeOfN2: Int = 7, service: [String] = ["1", "null"]
    ) -> String {
        """
        9000 5 run downs {"life":\(life),"downs":[\(downs)]} @n1 final
        9001 6 run downs {"life":\(lifeOfN2),"downs":[\(Self.other)]} @n2 final
        9002 7 run service \(service[0]) @n1 final
        9003 8 run service \(service[1]) @n2 final
        """
    }

    private static let other = #"{"ref":"n2.7.9","pid":"<n3.1.1>","reason":"normal"}"#

    private func down(_ reason: String) -> String {
        #"{"ref":"n1.4.1","pid":"<n2.7.3>","reason":"\#(reason)"}"#
    }

    private func judge(_ script: String, isDisturbed: Bool = false) throws -> Finding {
        let disturbance = Disturbance(
            begin: .start, end: Instant(nanoseconds: 1_000_000), isCut: true)
        return try makeChecker(name: "processes")
            .told(of: isDisturbed ? [disturbance] : [], absent: []).check(try events(script))
    }

    @Test func aMonitorThatIsToldWhyIsRight() throws {
        let good = try self.judge(Self.spawn + Self.monitor + Self.exit + self.end(down("killed")))
        #expect(good.verdict == .valid)
        #expect(good.summary == "1 monitor, of which 2 were told, each once and rightly")
        // One of a process that lives need not be told.
        #expect(try self.judge(Self.spawn + Self.monitor + self.end("")).verdict == .valid)
    }

    @Test func aMonitorThatIsNotToldIsNot() throws {
        let bad = try self.judge(Self.spawn + Self.monitor + Self.exit + self.end(""))
        #expect(bad.anomalies == ["lost-down"])
        #expect(
            bad.evidence == [
                "lost-down: monitor n1.4.1 of <n2.7.3> was not told: it ended with 'killed' at 0.025s"
            ])
        // The node of the process lives another life.
        let restarted = Self.spawn + Self.monitor + self.end("", lifeOfN2: 8)
        #expect(try self.judge(restarted).anomalies == ["lost-down"])
        // The monitor's own node does: nobody is there to be told.
        let own = Self.spawn + Self.monitor + Self.exit + self.end("", life: 5)
        #expect(try self.judge(own).verdict == .valid)
        // By itself, after 30 ms.
        let mortal = #"""
            0 0 call spawn {"node":"n2","lives":30,"ends":"normal"} @n1
            5 0 ok spawn "<n2.7.3>" @n1

            """#
        #expect(try self.judge(mortal + Self.monitor + self.end("")).anomalies == ["lost-down"])
        let told = mortal + Self.monitor + self.end(down("normal"))
        #expect(try self.judge(told).verdict == .valid)
    }

    @Test func nobodyIsToldTwice() throws {
        let twice = self.down("killed") + "," + self.down("killed")
        let bad = try self.judge(Self.spawn + Self.monitor + Self.exit + self.end(twice))
        #expect(bad.anomalies == ["twice-down"])
    }

    @Test func theReasonIsOneThatCanBe() throws {
        let script = Self.spawn + Self.monitor + Self.exit
        for reason in ["normal", "noproc", "crash:bug"] {
            let bad = try self.judge(script + self.end(down(reason)))
            #expect(bad.anomalies == ["wrong-reason"], "\(reason)")
        }
        #expect(try self.judge(script + self.end(down("noconnection"))).verdict == .valid)
        // A life of the node may have ended.
        let cut = try self.judge(script + self.end(down("noproc")), isDisturbed: true)
        #expect(cut.verdict == .valid)
        // Set when the process had ended.
        let late =
            Self.spawn + Self.exit + """
                30 3 call monitor "<n2.7.3>" @n1
                35 3 ok monitor "n1.4.1" @n1

                """
        #expect(try self.judge(late + self.end(down("noproc"))).verdict == .valid)
    }

    @Test func theServiceRunsOnce() throws {
        let script = Self.spawn + Self.monitor + Self.exit
        func judge(_ service: [String]) throws -> [String] {
            try self.judge(script + self.end(self.down("killed"), service: service)).anomalies
        }
        #expect(try judge(["1", "2"]) == ["two-instances"])
        #expect(try judge(["null", "null"]) == ["no-instance"])
        #expect(try judge(["null", "2"]).isEmpty)
    }

    @Test func nothingToldIsNothingKnown() throws {
        #expect(try self.judge(Self.spawn + Self.monitor).verdict == .unknown)
    }
}
