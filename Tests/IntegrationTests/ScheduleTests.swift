import ChaosCore
import Foundation
import Testing

/// Schedules in real runs.
@Suite(.serialized) struct ScheduleTests {
    private func run(_ scenario: String, _ arguments: String...) async throws -> (
        run: ChaosProcess, directory: TestDirectory
    ) {
        let directory = try TestDirectory()
        try directory.write(scenario, to: "s.yaml")
        let process = try ChaosProcess(
            ["run", "s.yaml"] + arguments, directory, environment: [:], folder: nil)
        _ = try await process.exit()
        return (process, directory)
    }

    @Test func aLineOfANodeTriggersAFaultOnThatNode() async throws {
        // Nodes may print it before all are ready; it counts from the start of the schedule.
        let (early, _) = try await self.run(
            """
            name: triggered
            nodes:
              n1: { command: chaos-node echo }
              n2: { command: ["sh", "-c", "echo became leader; exec chaos-node echo"] }
            schedule: [{ when: { log: became leader }, for: 100ms, pause: that }]
            for: 300ms
            """)
        #expect(early.code == 0, "\(early.out)\(early.err)")
        #expect(early.err.contains("pause n2 [schedule[0]]"))
        let (later, _) = try await self.run(
            """
            name: triggered
            nodes:
              n1: { command: chaos-node echo }
              n2:
                command: ["sh", "-c", "echo up; sleep 0.3; echo became leader; exec sleep 100"]
                ready: { log: up }
            schedule: [{ when: { log: became leader }, for: 100ms, pause: that }]
            for: 800ms
            """)
        #expect(later.code == 0, "\(later.err)")
        #expect(later.err.contains("pause n2 [schedule[0]]"))
        #expect(later.err.contains("resume n2 [schedule[0]]"))
    }

    @Test func aTriggerThatNothingPulledGives2ByName() async throws {
        let (run, _) = try await self.run(
            echoScenario(
                "schedule: [{ when: { log: 'became leader' }, for: 1s, pause: that }]\nfor: 100ms"))
        #expect(run.code == 2)
        #expect(
            run.out.contains("\n  schedule[0] never happened: no line matched 'became leader'\n"))
    }

    @Test func aMessageTriggersAFault() async throws {
        let (run, _) = try await self.run(
            broadcastScenario(
                """
                schedule: [{ when: { message: { type: broadcast }, node: client }, for: 50ms, pause: n2 }]
                workload: { kind: broadcast, rate: 50/s, for: 400ms }
                checks: [{ availability: { at_least: 10% } }]
                """), "--quiet")
        #expect(run.code == 0, "\(run.out)\(run.err)")
        #expect(run.out.contains("pause n2"))
    }

    @Test func somethingHappensAgainAndAgainAndANemesisKeepsItsBudget() async throws {
        let (run, directory) = try await self.run(
            """
            name: nemesis
            nodes: { n1..n3: { command: chaos-node echo } }
            schedule:
              - { every: 150ms, from: 50ms, for: 100ms, nemesis: [kill, pause], budget: minority }
              - { every: 150ms, from: 120ms, for: 100ms, nemesis: [kill], budget: minority }
            for: 800ms
            """, "--seed", "5")
        #expect(run.code == 2, "\(run.out)\(run.err)")
        #expect(run.err.contains("[schedule[0]#2]"))
        // Of three nodes one may be down, and one was whenever the second entry came.
        #expect(run.err.contains("schedule[1]#1 did not happen: its budget had no room"))
        #expect(
            run.out.contains(
                "schedule[1] never happened: the run ended before, or its budget never had room"))
        let journal = try directory.text("runs/latest/journal.jsonl")
        var down: Set<String> = []
        var most = 0
        for line in journal.split(separator: "\n") {
            let json = try JSONValue(text: line)
            guard json["event"] == "node", let node = json["node"]?.stringValue else { continue }
            if json["state"] == "paused" || json["state"] == "killed" {
                down.insert(node)
            } else {
                down.remove(node)
            }
            // At the end all of them go.
            if json["state"]?.stringValue?.hasPrefix("exited") == true { break }
            most = max(most, down.count)
        }
        #expect(most == 1)
    }

    @Test func aScheduledFaultThatTouchedNothingGives2ByName() async throws {
        let (run, _) = try await self.run(
            """
            name: vacuous
            nodes: { n1: { command: chaos-node echo } }
            schedule: [{ at: 50ms, for: 100ms, partition: client / n1 }]
            for: 300ms
            """)
        #expect(run.code == 2)
        #expect(run.out.hasPrefix("UNKNOWN  vacuous  "))
        #expect(run.out.contains("\n  schedule[0] touched nothing: client / n1\n"))
    }

    @Test func anEntryThatTheRunNeverReachedGives2ByName() async throws {
        let (run, _) = try await self.run(
            """
            name: short
            nodes: { n1: { command: chaos-node echo } }
            schedule: [{ at: 60s, for: 1s, pause: n1 }]
            """, "--", "true")
        #expect(run.code == 2)
        #expect(run.err.contains("  schedule[0] never happened: the run ended before"))
    }

    @Test func checksWithoutAWorkloadAreToldAtTheStartAndStayUnknown() async throws {
        let (run, _) = try await self.run(echoScenario("checks: [echo]\nfor: 100ms"))
        #expect(run.code == 2)
        #expect(
            run.err.contains(
                "warning: there are checks but neither a workload nor a command behind '--': nothing is "
                    + "recorded that they could judge"
            ))
    }

    @Test func recoveryIsCheckedFromTheLastHeal() async throws {
        let (run, _) = try await self.run(
            broadcastScenario(
                """
                schedule:
                  - { when: { message: { type: read_ok }, node: n1 }, for: 200ms, partition: client / n1, mode: reject }
                workload: { kind: broadcast, rate: 100/s, for: 1s }
                checks: [{ recovers: { within: 2s } }]
                """))
        #expect(run.code == 0, "\(run.out)\(run.err)")
        #expect(run.out.contains("recovers  valid  3 nodes served clients again within "))
    }
}
