import ChaosCore
import ChaosEngine
import ChaosProxy
import ChaosRun
import ChaosScenario
import Synchronization
import Testing

private final class Protocolled: Sendable {
    private let state = Mutex<[String]>([])
    func add(_ line: String) { self.state.withLock { $0.append(line) } }
    var lines: [String] { self.state.withLock { $0 } }
}

private func runner(_ lines: String...) throws -> ScheduleRunner {
    let text = lines.map { "  - \($0)" }.joined(separator: "\n")
    let scenario = try ScenarioParser().scenario(
        "for: 100s\nnodes: { n1..n3: { command: x } }\nschedule:\n\(text)", file: "test.yaml")
    return ScheduleRunner(
        entries: scenario.schedule, nodes: ["n1", "n2", "n3"], seed: Seed(1),
        length: .seconds(100))
}

/// Waits until a condition holds, for at most a minute.
private func eventually(_ condition: () async -> Bool) async -> Bool {
    let deadline = ContinuousClock.now + .seconds(60)
    while !(await condition()) {
        if ContinuousClock.now > deadline { return false }
        try? await Task.sleep(for: .milliseconds(2))
    }
    return true
}

/// How a schedule is carried out in time.
@Suite struct TimelineTests {
    @Test func anEndNeverOvertakesItsBeginHoweverSlowThatIs() async throws {
        let seen = Protocolled()
        let clock = RunClock()
        // Its end is due while the begin is still at work.
        let timeline = Timeline(
            try runner("{ at: 0s, for: 1ms, partition: n1 / n2 }"), clock: clock, origin: clock.now
        ) { event in
            seen.add("\(event.phase) …")
            if event.phase == .begin { try? await Task.sleep(for: .milliseconds(60)) }
            seen.add("… \(event.phase)")
        }
        await timeline.start()
        #expect(await eventually { seen.lines.count == 4 })
        #expect(seen.lines == ["begin …", "… begin", "end …", "… end"])
        await timeline.finish()
    }

    @Test func aNodeThatIsSlowToStopDelaysNoHeal() async throws {
        let seen = Protocolled()
        let clock = RunClock()
        let (healed, heal) = AsyncStream<Void>.makeStream()
        let timeline = Timeline(
            try runner(
                "{ at: 0s, stop: n1 }", "{ at: 0s, for: 5ms, partition: n2 / n3 }"),
            clock: clock, origin: clock.now
        ) { event in
            if case .process = event.action {
                // Until the partition has healed, which therefore must not wait for this.
                for await _ in healed { break }
                seen.add("stopped")
            } else {
                seen.add("\(event.phase)")
                if event.phase == .end { heal.finish() }
            }
        }
        await timeline.start()
        #expect(await eventually { seen.lines.count == 3 })
        #expect(seen.lines == ["begin", "end", "stopped"])
        await timeline.finish()
    }

    @Test func finishingEndsWhatIsOnAndWaitsForIt() async throws {
        let seen = Protocolled()
        let clock = RunClock()
        let timeline = Timeline(
            try runner("{ at: 0s, for: 50s, partition: n1 / n2 }", "{ at: 60s, kill: n1 }"),
            clock: clock, origin: clock.now
        ) { event in
            try? await Task.sleep(for: .milliseconds(20))
            seen.add("\(event.phase) \(event.id)")
        }
        await timeline.start()
        #expect(await eventually { seen.lines.count == 1 })
        await timeline.finish()
        #expect(seen.lines == ["begin schedule[0]", "end schedule[0]"])
        // Nothing happens afterwards.
        await timeline.observe(log: "anything", from: "n1")
        await timeline.finish()
        #expect(seen.lines.count == 2)
    }

    @Test func aLineTriggersAtOnceAndNoMoreOftenThanItMay() async throws {
        let seen = Protocolled()
        let clock = RunClock()
        let timeline = Timeline(
            try runner("{ when: { log: 'became leader' }, for: 5ms, isolate: that }"),
            clock: clock, origin: clock.now
        ) { event in
            guard case .partition(_, let text, _, _) = event.action else { return }
            seen.add("\(event.phase) \(text)")
        }
        await timeline.start()
        await timeline.observe(log: "n3 became follower", from: "n3")
        await timeline.observe(log: "n2 became leader", from: "n2")
        await timeline.observe(log: "n1 became leader", from: "n1")
        #expect(await eventually { seen.lines.count == 2 })
        await timeline.finish()
        #expect(seen.lines == ["begin isolate n2", "end isolate n2"])
    }

    @Test func timesCountFromTheOrigin() async throws {
        let seen = Protocolled()
        let clock = RunClock()
        let origin = clock.now + .milliseconds(50)
        let timeline = Timeline(try runner("{ at: 0s, kill: n1 }"), clock: clock, origin: origin) {
            _ in seen.add("\(clock.now >= origin)")
        }
        await timeline.start()
        #expect(await eventually { seen.lines.count == 1 })
        #expect(seen.lines == ["true"])
        await timeline.finish()
    }
}
