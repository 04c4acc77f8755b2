import ChaosCore
import Foundation
import Synchronization
import Testing

/// `chaos run` in one terminal, the commands that steer it in another.
@Suite(.serialized) struct LiveControlTests {
    /// Starts three broadcast nodes and waits until they are ready.
    private func startCluster(_ directory: TestDirectory) async throws -> ChaosProcess {
        let run = try directory.chaos(
            "run", "--nodes", "3", "--framing", "lines", "--seed", "7", "--", "chaos-node",
            "broadcast", "--variant", "gossip")
        try await run.waitFor("3 nodes ready")
        return run
    }

    @Test func aPartitionIsPutOnAndHealedFromAnotherProcess() async throws {
        let directory = try TestDirectory()
        let run = try await self.startCluster(directory)
        #expect(run.err.contains("runs until Ctrl-C or 'chaos end'"))
        let cut = try await directory.finished("partition", "n1", "/", "n2", "n3", "--mode", "lose")
        #expect(cut.out == "p1 cuts n1 / n2 n3 (lose) until healed; undo with 'chaos heal p1'\n")
        #expect(cut.err == "")
        #expect(cut.code == 0)
        let status = try await directory.finished("status", "--json")
        let json = try JSONValue(text: status.out)
        #expect(json["partitions"]?[0]?["id"] == "p1")
        #expect(json["partitions"]?[0]?["crossed_bytes"] == 0)
        let links = json["links"]?.arrayValue ?? []
        let cutLinks = links.filter { $0["cuts"]?[0] == "p1" }.compactMap {
            $0["link"]?.stringValue
        }
        #expect(cutLinks == ["n1->n2:main", "n1->n3:main", "n2->n1:main", "n3->n1:main"])
        let table = try await directory.finished("status")
        #expect(table.out.contains("cut p1"))
        #expect(table.out.contains("n1 / n2 n3"))
        let healed = try await directory.finished("heal")
        #expect(healed.out == "p1 is healed: n1 / n2 n3\n")
        #expect(try await directory.finished("heal").out == "nothing was active\n")
        try await self.end(run, directory)
    }

    private func end(_ run: ChaosProcess, _ directory: TestDirectory) async throws {
        let end = try await directory.finished("end")
        #expect(end.out == "the run ends\n")
        #expect(try await run.exit() == 0)
        #expect(await directory.hasNothingLeft())
    }

    /// Neither requests nor the ends of faults wait for somebody to read what is shown.
    @Test func aTerminalThatStandsStillHoldsNobodyUp() async throws {
        let directory = try TestDirectory()
        let terminal = try StuckTerminal(in: directory)
        let run = try ChaosProcess(
            ["run", "--nodes", "2", "--framing", "lines", "--", "chaos-node", "broadcast"],
            directory,
            standardError: terminal.writer())
        #expect(await eventually { !directory.sockets().isEmpty })
        let set = try await directory.finished("set", "n1->n2", "delay=5ms", "--for", "100ms")
        #expect(set.code == 0, "\(set.err)")
        var hasEnded = false
        for _ in 0..<100 where !hasEnded {
            let status = try await directory.finished("status", "--json")
            try #require(status.code == 0, "\(status.err)")
            let json = try JSONValue(text: status.out)
            hasEnded = try #require(json["injections"]?.arrayValue).isEmpty
        }
        #expect(hasEnded)
        #expect(try await directory.finished("end").out == "the run ends\n")
        let shown = Mutex("")
        #expect(
            await eventually {
                shown.withLock { $0 += terminal.drained() }
                return directory.processes().isEmpty
            })
        #expect(try await run.exit() == 0)
        shown.withLock { $0 += terminal.drained() }
        #expect(shown.withLock { $0 }.contains("delay 5ms"))
    }

    @Test func faultsAreSetAndClearedByIDAndByLinkAndEndWithTheirLease() async throws {
        let directory = try TestDirectory()
        let run = try await self.startCluster(directory)
        let set = try await directory.finished("set", "n1->n2", "delay=5ms,1ms", "loss=5%")
        #expect(
            set.out
                == "f1 sets n1->n2 delay 5ms ± 1ms loss 5% until cleared; undo with 'chaos clear f1'\n"
        )
        #expect(try await directory.finished("set", "n2<->n3", "rate=10mbit").code == 0)
        let none = try await directory.finished("clear", "n1->n3")
        #expect(none.code == 64)
        #expect(
            none.err
                == """
                chaos: nothing of the kind is on these links only, found 'n1->n3'
                hint: 'chaos status' shows what is where; an id works always

                """)
        #expect(
            try await directory.finished("clear", "n1->n2").out
                == "f1 is cleared: n1->n2 delay 5ms ± 1ms loss 5%\n")
        #expect(
            try await directory.finished("clear", "f2").out
                == "f2 is cleared: n2<->n3 rate 10mbit\n")
        let leased = try await directory.finished(
            "partition", "n1", "/", "n2", "--mode", "hold", "--for", "100ms")
        #expect(leased.out.hasPrefix("p1 cuts n1 / n2 (hold) until "))
        try await run.waitFor("heal n1 / n2 [p1]")
        #expect(try await directory.finished("heal", "p1").code == 64)
        try await self.end(run, directory)
    }

    @Test func nodesAreKilledPausedResumedAndRestarted() async throws {
        let directory = try TestDirectory()
        let run = try await self.startCluster(directory)
        func state(_ node: Int) async throws -> String? {
            let status = try await directory.finished("status", "--json")
            let json = try JSONValue(text: status.out)
            return json["nodes"]?[node]?["state"]?.stringValue
        }
        #expect(try await directory.finished("pause", "n2").out.hasPrefix("n2 is paused, pid "))
        #expect(try await state(1) == "paused")
        #expect(try await directory.finished("resume", "n2").out.hasPrefix("n2 is running, pid "))
        let again = try await directory.finished("resume", "n2")
        #expect(
            again.err == "chaos: n2: it must be paused to be resumed, found that it is ready\n")
        #expect(again.code == 64)
        #expect(
            try await directory.finished("kill", "n1..n2").out == "n1 is killed\nn2 is killed\n")
        let partly = try await directory.finished("kill", "n2..n3")
        #expect(
            partly.err
                == "chaos: n2: it must run to be killed, found that it was killed; done for n3\n")
        let back = try await directory.finished("restart", "n1..n3")
        #expect(back.out.split(separator: "\n").allSatisfy { $0.contains(" is running, pid ") })
        #expect(try await state(0) == "running")
        let journal = try directory.text("runs/latest/journal.jsonl")
        #expect(journal.contains(#""event":"process","id":"s1","state":"begin","action":"pause""#))
        try await self.end(run, directory)
    }

    @Test func watchingShowsWhatHappensUntilTheEnd() async throws {
        let directory = try TestDirectory()
        let run = try await self.startCluster(directory)
        let watch = try directory.chaos("watch")
        let json = try directory.chaos("watch", "--json")
        // A watcher is connected when it shows something that happens over and over.
        while !watch.out.contains("cuts") || !json.out.contains("injected") {
            try await directory.finished("isolate", "n3")
            try await directory.finished("heal")
        }
        try await self.end(run, directory)
        #expect(try await watch.exit() == 0)
        #expect(watch.out.contains("cuts isolate n3 (drop)"))
        #expect(watch.out.split(separator: "\n").last?.hasSuffix("the run is over") == true)
        #expect(try await json.exit() == 0)
        for line in json.out.split(separator: "\n") {
            #expect(throws: Never.self) { try JSONValue(text: line) }
        }
    }

    @Test func aCommandWithoutARunSaysSo() async throws {
        let directory = try TestDirectory()
        let status = try await directory.finished("status")
        #expect(status.code == 69)
        #expect(status.out == "")
        #expect(
            status.err
                == """
                chaos: no run is live in 'runs'
                hint: start one with 'chaos run', or name its directory with --run

                """)
    }

    @Test func whatARunDoesNotHaveIsRefusedWithAHint() async throws {
        let directory = try TestDirectory()
        let run = try await self.startCluster(directory)
        let node = try await directory.finished("kill", "n4")
        #expect(node.code == 64)
        #expect(
            node.err
                == "chaos: a node is one of the run's, found 'n4'\nhint: known are n1, n2, n3\n")
        let json = try await directory.finished("partition", "n1 / n9", "--json")
        #expect(json.code == 64)
        let answer = try JSONValue(text: json.out)
        #expect(answer["ok"] == false)
        #expect(answer["error"]?["code"] == "not-found")
        try await self.end(run, directory)
    }

    @Test func twoRunsGoOnSideBySideAndAreToldApart() async throws {
        let directory = try TestDirectory()
        try directory.write(broadcastScenario(), to: "one.yaml")
        try directory.write(echoScenario(), to: "two.yaml")
        let one = try directory.chaos("run", "one.yaml")
        let two = try directory.chaos("run", "two.yaml")
        try await one.waitFor("3 nodes ready")
        try await two.waitFor("1 node ready")
        let status = try await directory.finished("status")
        #expect(status.code == 64)
        #expect(status.err.hasPrefix("chaos: several runs are live; choose one with --run\n"))
        let chosen = try await directory.finished("status", "--json", "--run", "echo")
        let json = try JSONValue(text: chosen.out)
        #expect(json["run"]?["name"] == "echo")
        #expect(try await directory.finished("end", "--run", "echo").code == 0)
        #expect(try await two.exit() == 0)
        // With the other one gone there is nothing to choose.
        #expect(try await directory.finished("end").code == 0)
        #expect(try await one.exit() == 0)
        #expect(await directory.hasNothingLeft())
    }
}
