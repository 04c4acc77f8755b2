import Foundation
import Testing

/// Nodes that die, never get ready, or come back.
@Suite(.serialized) struct NodeFateTests {
    /// Runs a scenario to its end, or until something is told. Nodes that wait for a file `go` find
    /// it once all are ready.
    private func run(_ scenario: String, until text: String? = nil) async throws -> (
        run: ChaosProcess, directory: TestDirectory
    ) {
        let directory = try TestDirectory()
        try directory.write(
            scenario.replacing("WAIT", with: "until [ -e go ]; do sleep 0.02; done"), to: "s.yaml")
        let process = try directory.chaos("run", "s.yaml")
        if scenario.contains("WAIT") {
            try await process.waitFor(" ready\n")
            try directory.write("", to: "go")
        }
        if let text {
            try await process.waitFor(text)
            try await directory.finished("end")
        }
        _ = try await process.exit()
        #expect(await directory.hasNothingLeft())
        return (process, directory)
    }

    @Test func aNodeThatDiesIsToldWithItsLastLinesAndGives75() async throws {
        let (run, directory) = try await self.run(
            """
            name: dying
            nodes:
              n1: { command: ["sh", "-c", "echo up; WAIT; echo 'no memory' >&2; exit 9"], ready: { log: up } }
              n2: { command: chaos-node echo }
            """, until: "died unexpectedly")
        #expect(run.code == 75)
        #expect(
            run.err.contains(
                """
                warning: n1: it died unexpectedly, found that it exited with 9
                its last lines:
                  | up
                  | no memory

                """))
        #expect(run.out.contains("n1 died at "))
        #expect(run.out.contains("exit 75: a node died"))
        #expect(try directory.text("runs/latest/nodes/n1.log").contains("err no memory"))
    }

    /// `user:` is a user whom root becomes for the node, with his groups and none of root's rights.
    @Test func rootStartsANodeAsAnotherUser() async throws {
        let (run, directory) = try await self.run(
            """
            name: other
            nodes:
              n1:
                user: nobody
                directory: /
                command: ["sh", "-c", "id -un; id -Gn; touch $CHAOS_DIR/mine; echo up; sleep 60"]
                ready: { log: up }
            """, until: " ready\n")
        #expect(run.code == 0, "\(run.err)")
        let log = try directory.text("runs/latest/nodes/n1.log")
        let user = geteuid() == 0 ? "nobody" : NSUserName()
        #expect(log.contains("out \(user)\n"), "\(log)")
        #expect(geteuid() != 0 || log.contains("out nogroup\n"), "\(log)")
        let mine = "\(directory.path)/runs/latest/nodes/n1/mine"
        let owner = try FileManager.default.attributesOfItem(atPath: mine)[.ownerAccountName]
        #expect(owner as? String == user)
    }

    @Test(.enabled(if: geteuid() == 0, "only root starts nodes as others"))
    func aUserThatIsNotThereIsNamed() async throws {
        let directory = try TestDirectory()
        try directory.write(
            "name: other\nnodes: { n1: { user: nosuchuser, command: sleep 60 } }\n", to: "s.yaml")
        let run = try await directory.finished("run", "s.yaml")
        #expect(run.code != 0)
        #expect(
            run.err.contains("n1: 'user' is a user of this machine, found 'nosuchuser'"),
            "\(run.err)")
    }

    @Test func whenAllNodesHaveEndedTheRunEndsAndTellsTheirState() async throws {
        let (run, _) = try await self.run(
            """
            name: jobs
            nodes:
              n1: { command: ["sh", "-c", "echo up; WAIT"], ready: { log: up } }
              n2: { command: ["sh", "-c", "echo up; WAIT; exit 3"], ready: { log: up } }
            """)
        #expect(run.code == 75)
        #expect(run.err.contains("all nodes have ended: n1 exited with 0, n2 exited with 3"))
        let (jobs, _) = try await self.run(
            """
            name: jobs
            nodes: { n1: { command: ["sh", "-c", "echo up; WAIT"], ready: { log: up } } }
            """)
        #expect(jobs.err.contains("all nodes have ended: n1 exited with 0"))
        #expect(jobs.code == 0)
    }

    @Test func nodesThatTheScheduleStopsDoNotEndTheRun() async throws {
        let (run, _) = try await self.run(
            """
            name: stopped
            nodes: { n1: { command: chaos-node echo } }
            schedule: [{ at: 50ms, for: 100ms, stop: n1 }]
            for: 400ms
            """)
        #expect(run.code == 0, "\(run.err)")
        #expect(run.err.contains("stop n1 [schedule[0]]"))
        #expect(run.err.contains("restart n1 [schedule[0]]"))
    }

    @Test func aNodeThatNeverGetsReadyIsToldInOneSentence() async throws {
        let (run, directory) = try await self.run(
            """
            name: never
            nodes: { n1: { command: ["sh", "-c", "echo hello; sleep 100"], ready: { log: ready, within: 200ms } } }
            """)
        #expect(run.code == 75)
        #expect(
            run.err.contains(
                """
                chaos: n1: a line of its output must match 'ready' within 200ms, found 'no such line'
                its last lines:
                  | hello

                """))
        #expect(try directory.text("runs/latest/results.json").contains(#""code":75"#))
    }

    @Test func aProgramThatDoesNotExistIsToldInOneSentence() async throws {
        let (run, _) = try await self.run("name: x\nnodes: { n1: { command: no-such-program } }")
        #expect(run.code == 75)
        #expect(
            run.errLines.contains { $0.hasPrefix("chaos: n1: ") && $0.contains("no-such-program") })
    }

    @Test func aNodeThatIsRestartedByItsPolicyDoesNotSpoilTheRun() async throws {
        let (run, directory) = try await self.run(
            """
            name: restarting
            nodes:
              n1:
                command: ["sh", "-c", "echo up; [ -e {dir}/again ] && { echo again; exec sleep 100; }; touch {dir}/again; exit 1"]
                ready: { log: up }
                restart: on-failure
            """, until: "n1 | again")
        #expect(run.code == 0, "\(run.err)")
        #expect(
            run.err.contains("n1: it died unexpectedly, found that it exited with 1; it restarts"))
        let journal = try directory.text("runs/latest/journal.jsonl")
        let states = journal.split(separator: "\n").filter { $0.contains(#""event":"node""#) }
            .compactMap { $0.firstMatch(of: /"state":"([^"]*)"/)?.1 }
        #expect(
            states.prefix(4) == ["starting", "ready", "restarting", "starting"]
                || states.prefix(3) == ["starting", "restarting", "starting"])
    }

    @Test func aNodeThatSomebodyBringsBackDoesNotSpoilTheRun() async throws {
        let directory = try TestDirectory()
        try directory.write(
            """
            name: brought-back
            nodes:
              n1:
                command: ["sh", "-c", "echo up; [ -e again ] || { until [ -e go ]; do sleep 0.02; done; touch again; exit 1; }; exec sleep 100"]
                ready: { log: up }
              n2: { command: chaos-node echo }
            """, to: "s.yaml")
        let run = try directory.chaos("run", "s.yaml")
        try await run.waitFor("2 nodes ready")
        try directory.write("", to: "go")
        try await run.waitFor("n1: it died unexpectedly, found that it exited with 1")
        #expect(try await directory.finished("restart", "n1").code == 0)
        #expect(try await directory.finished("end").code == 0)
        #expect(try await run.exit() == 0)
        #expect(run.out.contains("n1 died at "))
    }
}
