import ChaosCore
import ChaosEngine
import ChaosScenario
import Testing

/// The instant that many seconds after the start.
func second(_ seconds: Double) -> Instant {
    Instant(nanoseconds: Int64(seconds * 1_000_000_000))
}

let fiveNodes: [NodeName] = ["n1", "n2", "n3", "n4", "n5"]

/// A runner for five nodes, which goes through the schedule by its own deadlines.
func runner(_ lines: String..., seed: UInt64 = 1, length: Duration? = .seconds(100)) throws
    -> ScheduleRunner
{
    let text = lines.map { "  - \($0)" }.joined(separator: "\n")
    var parser = ScenarioParser()
    parser.length = length ?? .seconds(1000)
    let scenario = try parser.scenario(
        "nodes: { n1..n5: { command: x } }\nnetwork: { framing: { main: lines } }\nschedule:\n\(text)",
        file: "test.yaml")
    return ScheduleRunner(
        entries: scenario.schedule, nodes: fiveNodes, seed: Seed(seed), length: length)
}

extension ScheduleRunner {
    /// All events until an instant, asked for exactly at the deadlines, as lines of text.
    mutating func lines(until end: Instant) -> [String] {
        var lines: [String] = []
        while let deadline = self.nextDeadline, deadline <= end {
            lines += self.due(at: deadline).map(\.line)
        }
        return lines
    }
}

extension ScheduledEvent {
    /// The event on one line: `5s begin schedule[0] n1 / n2 until 15s`.
    var line: String {
        let end = self.until.map { " until \($0.sinceStart.text)" } ?? ""
        let time = self.planned.sinceStart.text
        return "\(time) \(self.phase.rawValue) \(self.id) \(self.action.line)\(end)"
    }
}

extension ConcreteAction {
    var line: String {
        switch self {
        case .partition(_, let text, let mode, _): text + (mode.map { " \($0.rawValue)" } ?? "")
        case .faults(let rules):
            rules.map { "\($0.links): " + $0.faults.map(\.text).joined(separator: ", ") }
                .joined(separator: "; ")
        case .process(let verb, let nodes):
            ([verb.rawValue] + nodes.map(\.text)).joined(separator: " ")
        case .tell(let body, let nodes):
            (["tell"] + nodes.map(\.text) + [body["type"]?.stringValue ?? ""]).joined(
                separator: " ")
        case .heal: "heal"
        }
    }
}

@Suite("A schedule")
struct ScheduleRunnerTests {
    @Test func beginsAndEndsWhatHappensOnce() throws {
        var runner = try runner(
            "{ at: 5s, for: 10s, partition: n1 / rest, mode: drop }",
            "{ at: 15s, links: n1->n2, delay: 100ms }",
            "{ at: 20s, for: 3s, pause: n2 }", "{ at: 30s, kill: n3 }")
        #expect(runner.nextDeadline == second(5))
        #expect(
            runner.lines(until: second(100)) == [
                "5s begin schedule[0] n1 / rest drop until 15s",
                "15s end schedule[0] n1 / rest drop",
                "15s begin schedule[1] n1->n2: delay 100ms",
                "20s begin schedule[2] pause n2 until 23s",
                "23s end schedule[2] resume n2",
                "30s begin schedule[3] kill n3",
            ])
        #expect(
            runner.finish(at: second(99)).map(\.line) == [
                "99s end schedule[1] n1->n2: delay 100ms"
            ])
        #expect(runner.nextDeadline == nil)
    }

    @Test func namesTheLinksThatAPartitionCuts() throws {
        var runner = try runner("{ at: 1s, partition: 'n1 n2 -> n3' }")
        let events = runner.due(at: second(1))
        guard case .partition(let cuts, _, _, _) = events.first?.action else {
            Issue.record("no partition: \(events)")
            return
        }
        #expect(cuts == [DirectedPair("n1", "n3"), DirectedPair("n2", "n3")])
    }

    @Test func tellsWhatIsOverdueInItsOrder() throws {
        var runner = try runner(
            "{ at: 1s, for: 1s, pause: n1 }", "{ at: 4s, for: 1s, pause: n2 }",
            "{ every: 1500ms, for: 1s, pause: n3, until: 4s }")
        #expect(
            runner.due(at: second(10)).map(\.line) == [
                "1s begin schedule[0] pause n1 until 2s",
                "1.5s begin schedule[2]#1 pause n3 until 2.5s",
                "2s end schedule[0] resume n1",
                "2.5s end schedule[2]#1 resume n3",
                "3s begin schedule[2]#2 pause n3 until 4s",
                "4s end schedule[2]#2 resume n3",
                "4s begin schedule[1] pause n2 until 5s",
                "5s end schedule[1] resume n2",
            ])
    }

    @Test func understandsSharesOfTheRun() throws {
        var runner = try runner("{ at: 30%, for: 1/20, pause: n1 }", length: .seconds(200))
        #expect(
            runner.lines(until: .never) == [
                "1m begin schedule[0] pause n1 until 70s", "70s end schedule[0] resume n1",
            ])
    }

    @Test func endsWhatIsStillOnWhenTheRunFinishes() throws {
        var runner = try runner(
            "{ at: 2s, isolate: n1 }", "{ at: 3s, for: 50s, kill: n2 }",
            "{ at: 4s, for: 90s, set: { n3->n4: { loss: 5% } } }")
        _ = runner.due(at: second(5))
        #expect(
            runner.finish(at: second(6)).map(\.line) == [
                "6s end schedule[0] isolate n1", "6s end schedule[1] restart n2",
                "6s end schedule[2] n3->n4: loss 5%",
            ])
        #expect(runner.finish(at: second(7)).isEmpty)
        #expect(runner.due(at: second(99)).isEmpty)
    }

    @Test func beginsNothingAtTheEndOfTheRun() throws {
        var runner = try runner("{ every: 4s, for: 1s, pause: n1 }", length: .seconds(8))
        #expect(
            runner.lines(until: .never) == [
                "4s begin schedule[0]#1 pause n1 until 5s", "5s end schedule[0]#1 resume n1",
            ])
    }

    @Test func healsEveryPartitionOfItsOwn() throws {
        var runner = try runner(
            "{ at: 1s, isolate: n1 }", "{ at: 2s, for: 60s, isolate: n2 }",
            "{ at: 3s, links: n1->n2, loss: 1% }", "{ at: 4s, heal: all }")
        _ = runner.due(at: second(3))
        #expect(
            runner.due(at: second(4)).map(\.line) == [
                "4s end schedule[0] isolate n1", "4s end schedule[1] isolate n2",
                "4s begin schedule[3] heal",
            ])
        #expect(runner.finish(at: second(5)).map(\.id) == ["schedule[2]"])
    }

    @Test func resumesANodeOnlyWhenNothingElsePausesIt() throws {
        var runner = try runner(
            "{ at: 1s, for: 4s, pause: 'n1,n2' }", "{ at: 3s, for: 4s, pause: n2 }")
        #expect(
            runner.lines(until: .never) == [
                "1s begin schedule[0] pause n1 n2 until 5s",
                "3s begin schedule[1] pause n2 until 7s",
                "5s end schedule[0] resume n1", "7s end schedule[1] resume n2",
            ])
    }

    @Test func doesNotRestartTwiceWhatAnEntryRestarted() throws {
        var runner = try runner("{ at: 1s, for: 4s, kill: n1 }", "{ at: 2s, restart: n1 }")
        #expect(
            runner.lines(until: .never) == [
                "1s begin schedule[0] kill n1 until 5s", "2s begin schedule[1] restart n1",
                "5s end schedule[0] restart",
            ])
    }

    @Test func spreadsRepeatedTimesBySeedAndNotByWhenItIsAsked() throws {
        let line = "{ every: 10s ± 5s, for: 1s, isolate: any }"
        var exact = try runner(line)
        var late = try runner(line)
        let planned = exact.lines(until: second(99))
        #expect(late.due(at: second(99)).map(\.line) == planned)
        let begins = planned.filter { $0.contains("begin") }
        #expect(begins.count > 5)
        #expect(begins[0].hasPrefix("10s begin schedule[0]#1 isolate n"))
        var other = try runner(line, seed: 2)
        #expect(other.lines(until: second(99)) != planned)
    }
}

@Suite("A trigger")
struct ScheduleTriggerTests {
    @Test func happensOnceWhenALineMatches() throws {
        var runner = try runner(
            "{ when: { log: '/leader of term [0-9]+/' }, for: 5s, isolate: that }")
        #expect(runner.nextDeadline == nil)
        #expect(runner.observe(log: "leader of term x", from: "n2", at: second(1)).isEmpty)
        #expect(
            runner.observe(log: "now leader of term 3", from: "n2", at: second(2)).map(\.line) == [
                "2s begin schedule[0] isolate n2 until 7s"
            ])
        #expect(runner.nextDeadline == second(7))
        #expect(
            runner.observe(log: "leader of term 4", from: "n3", at: second(8)).map(\.line) == [
                "7s end schedule[0] isolate n2"
            ])
    }

    @Test func looksAtTheNodesThatItNames() throws {
        var runner = try runner("{ when: { log: x, node: 'n1..n2' }, pause: that }")
        #expect(runner.observe(log: "x", from: "n3", at: second(1)).isEmpty)
        #expect(
            runner.observe(log: "x", from: "n2", at: second(1)).map(\.line) == [
                "1s begin schedule[0] pause n2"
            ])
    }

    @Test func doesNotHappenAgainWhileItIsOn() throws {
        var runner = try runner("{ when: { log: x, times: always }, for: 2s, pause: that }")
        let ids = [1.0, 2, 3, 4].flatMap { time in
            runner.observe(log: "x", from: "n1", at: second(time)).map(\.line)
        }
        #expect(
            ids == [
                "1s begin schedule[0]#1 pause n1 until 3s", "3s end schedule[0]#1 resume n1",
                "3s begin schedule[0]#2 pause n1 until 5s",
            ])
    }

    @Test func exposesTheMessagesItWaitsFor() throws {
        var runner = try runner(
            "{ when: { message: { type: append }, node: n1, times: 2 }, kill: that }")
        let triggers = runner.messageTriggers
        #expect(triggers.map(\.entry) == ["schedule[0]"])
        #expect(triggers.map(\.match) == [MessageMatch(type: "append")])
        #expect(runner.observe(message: "schedule[0]", from: "n2", at: second(1)).isEmpty)
        for number in 1...2 {
            #expect(
                runner.observe(message: "schedule[0]", from: "n1", at: second(2)).map(\.line) == [
                    "2s begin schedule[0]#\(number) kill n1"
                ])
        }
        #expect(runner.messageTriggers.isEmpty)
        #expect(runner.observe(message: "schedule[0]", from: "n1", at: second(2)).isEmpty)
    }
}
