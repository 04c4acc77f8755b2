import ChaosCluster
import ChaosCore
import ChaosScenario
import Foundation
import Testing

@Suite("Node supervisor")
struct NodeSupervisorTests {
    private static func failure(_ body: () async throws -> Void) async -> String {
        let error = await #expect(throws: NodeFailure.self) { try await body() }
        return error?.description ?? ""
    }

    @Test func aKilledNodeIsGoneWithItsDaemonsAndComesBackWhenAsked() async throws {
        var spec = shell("n1", "(setsid sleep 1000 &); sleep 1000 & echo up; wait")
        spec.ready = [.log("up")]
        try await Bench.with([spec]) { [spec] bench in
            try await bench.supervisor.start([spec])
            #expect(await eventually { ProcessScan.carrying(bench.marker).count == 3 })
            try await bench.supervisor.kill("n1")
            #expect(ProcessScan.carrying(bench.marker).isEmpty)
            #expect(await bench.supervisor.state(of: "n1") == .killed)
            #expect(await bench.supervisor.processID(of: "n1") == nil)
            try await bench.supervisor.restart("n1")
            #expect(await bench.supervisor.state(of: "n1") == .ready)
            #expect(
                bench.events.all == [
                    "n1 starting", "n1 ready", "n1 killed", "n1 starting", "n1 ready",
                ])
        }
    }

    @Test func aPausedNodeStandsStillDownToTheLastProcess() async throws {
        let spec = shell("n1", "(setsid sleep 1000 &); sleep 1000 & wait")
        try await Bench.with([spec]) { bench in
            try await bench.supervisor.start([spec])
            #expect(await eventually { ProcessScan.carrying(bench.marker).count == 3 })
            let processes = ProcessScan.carrying(bench.marker)
            try await bench.supervisor.pause("n1")
            #expect(processes.map { ProcessScan.state(of: $0) } == ["T", "T", "T"])
            #expect(await bench.supervisor.state(of: "n1") == .paused)
            #expect(
                await Self.failure { try await bench.supervisor.pause("n1") }
                    == "n1: it must run to be paused, found that it is paused")
            try await bench.supervisor.resume("n1")
            #expect(processes.map { ProcessScan.state(of: $0) }.contains("T") == false)
            #expect(await bench.supervisor.state(of: "n1") == .ready)
            try await bench.supervisor.pause("n1")
            try await bench.supervisor.kill("n1")
            #expect(ProcessScan.carrying(bench.marker).isEmpty)
        }
    }

    @Test func aStoppedNodeMayEndInOrderAlsoWhenItIsPaused() async throws {
        var spec = shell(
            "n1", "trap 'echo bye; exit 4' TERM; echo up; while :; do sleep 0.01; done")
        spec.ready = [.log("up")]
        try await Bench.with([spec]) { [spec] bench in
            try await bench.supervisor.start([spec])
            #expect(try await bench.supervisor.stop("n1") == .exited(4))
            #expect(await bench.supervisor.state(of: "n1") == .exited(.exited(4)))
            // What the shell says of its killed `sleep` on the other stream may come before or after.
            #expect(bench.lines.all.last { $0.stream == .output }?.text == "bye")
            try await bench.supervisor.restart("n1")
            try await bench.supervisor.pause("n1")
            #expect(try await bench.supervisor.stop("n1") == .exited(4))
            // Nobody calls that a death.
            #expect(bench.events.all.contains { $0.contains("unexpectedly") } == false)
        }
    }

    @Test func aNodeThatIgnoresSIGTERMIsKilledAfterTheGrace() async throws {
        var spec = shell("n1", "trap '' TERM; echo up; while :; do sleep 0.01; done")
        spec.ready = [.log("up")]
        try await Bench.with([spec]) { [spec] bench in
            try await bench.supervisor.start([spec])
            let status = try await bench.supervisor.stop("n1", grace: .milliseconds(50))
            #expect(status == .signalled(9))
            #expect(ProcessScan.carrying(bench.marker).isEmpty)
        }
    }

    @Test func anUnexpectedDeathIsReportedWithTheLastTwentyLines() async throws {
        let spec = shell(
            "n1", "i=1; while [ $i -le 25 ]; do echo line $i; i=$((i+1)); done; printf end; exit 9")
        try await Bench.with([spec]) { bench in
            _ = try? await bench.supervisor.start([spec])
            #expect(await eventually { bench.events.all.last == "n1 exited with 9" })
            let lines = (7...25).map { "  | line \($0)" } + ["  | end"]
            #expect(
                bench.events.all.contains(
                    "n1: it died unexpectedly, found that it exited with 9\nits last lines:\n"
                        + lines.joined(separator: "\n")))
        }
    }

    @Test func aChildThatOutlivesItsDeadNodeIsEnded() async throws {
        let spec = shell("n1", "(setsid sleep 1000 &); exit 0")
        try await Bench.with([spec]) { bench in
            _ = try? await bench.supervisor.start([spec])
            #expect(await eventually { bench.events.all.last == "n1 exited with 0" })
            #expect(ProcessScan.carrying(bench.marker).isEmpty)
        }
    }

    @Test func thePolicyBringsAFailedNodeBack() async throws {
        var spec = shell(
            "n1",
            "if [ -e {dir}/once ]; then echo up; exec sleep 1000; fi; touch {dir}/once; exit 1")
        spec.restart = .onFailure
        spec.ready = [.log("up")]
        try await Bench.with([spec]) { [spec] bench in
            try await bench.supervisor.start([spec])
            #expect(
                bench.events.all == [
                    "n1 starting",
                    "n1: it died unexpectedly, found that it exited with 1; it restarts",
                    "n1 restarting", "n1 starting", "n1 ready",
                ])
        }
    }

    @Test func aNodeThatWaitsForItsRestartCanBeKilled() async throws {
        var spec = shell("n1", "exit 1")
        spec.restart = .always
        spec.ready = [.log("never")]
        try await Bench.with([spec]) { [spec] bench in
            async let start: Void? = try? await bench.supervisor.start([spec])
            #expect(await eventually { bench.events.all.contains("n1 restarting") })
            // It may be between two lives, or in one of its short ones.
            while (try? await bench.supervisor.kill("n1")) == nil { await Task.yield() }
            #expect(await bench.supervisor.state(of: "n1") == .killed)
            _ = await start
            #expect(await bench.supervisor.state(of: "n1") == .killed)
        }
    }

    @Test func aNodeIsKilledAtOnceWhileItStarts() async throws {
        var spec = shell("n1", "exec sleep 1000")
        spec.ready = [.log("never")]
        spec.readyWithin = .seconds(1000)
        try await Bench.with([spec]) { [spec] bench in
            async let start = Self.failures { try await bench.supervisor.start([spec]) }
            #expect(await eventually { bench.events.all == ["n1 starting"] })
            try await bench.supervisor.kill("n1")
            #expect(
                await start
                    == "n1: a line of its output must match 'never' within 1000s, "
                    + "found that it was killed")
        }
    }

    private static func failures(_ body: () async throws -> Void) async -> String {
        do {
            try await body()
            return "no failure"
        } catch {
            return "\(error)"
        }
    }

    @Test func whatDoesNotFitTheStateIsRefusedInASentence() async throws {
        let specs = [shell("n1", "exec sleep 1000"), shell("node2", "exec sleep 1000")]
        try await Bench.with(specs) { bench in
            let supervisor = bench.supervisor
            try await supervisor.start(specs)
            #expect(
                await Self.failure { try await supervisor.resume("n1") }
                    == "n1: it must be paused to be resumed, found that it is ready")
            try await supervisor.kill("n1")
            #expect(
                await Self.failure { try await supervisor.kill("n1") }
                    == "n1: it must run to be killed, found that it was killed")
            #expect(
                await Self.failure { try await supervisor.stop("n1") }
                    == "n1: it must run to be stopped, found that it was killed")
            #expect(
                await Self.failure { try await supervisor.kill("nod2") }
                    == "nod2: a node of the run must have this name\n"
                    + "hint: did you mean 'node2'?")
        }
    }

    @Test func operationsOnOneNodeGoOneAfterTheOther() async throws {
        let specs = [shell("n1", "exec sleep 1000"), shell("n2", "exec sleep 1000")]
        try await Bench.with(specs) { bench in
            let supervisor = bench.supervisor
            try await supervisor.start(specs)
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<60 {
                    let node: NodeName = number % 2 == 0 ? "n1" : "n2"
                    group.addTask {
                        switch number % 5 {
                        case 0: try? await supervisor.kill(node)
                        case 1: try? await supervisor.restart(node, grace: .zero)
                        case 2: try? await supervisor.pause(node)
                        case 3: try? await supervisor.resume(node)
                        default: _ = try? await supervisor.stop(node, grace: .zero)
                        }
                    }
                }
            }
            for node in ["n1", "n2"] as [NodeName] {
                try await supervisor.restart(node)
                #expect(await supervisor.state(of: node) == .ready)
            }
            #expect(await eventually { ProcessScan.carrying(bench.marker).count == 2 })
        }
    }

    @Test func outputIsKeptWholeInTheNodesLogWithItsTime() async throws {
        let spec = shell(
            "n1", "seq 1 50000; echo err >&2; printf '\\377x\\n'; printf partial; exit 0")
        try await Bench.with([spec]) { bench in
            _ = try? await bench.supervisor.start([spec])
            #expect(await eventually { bench.events.all.last == "n1 exited with 0" })
            await bench.supervisor.shutdown()
            let lines = try bench.log("n1")
            let output = lines.filter { $0.contains(" out ") }
            #expect(output.count == 50_002)
            let isTimed = { (line: String) in
                let words = line.split(separator: " ", maxSplits: 2)
                return words.count == 3 && Double(words[0]) != nil
                    && ["out", "err", "---"].contains(words[1])
            }
            #expect(lines.first { !isTimed($0) } == nil)
            #expect(output.dropLast(2).last?.hasSuffix(" out 50000") == true)
            #expect(
                output.suffix(2).map { String($0.dropFirst(13)) } == [
                    "out \u{FFFD}x", "out partial",
                ])
            #expect(lines.filter { $0.hasSuffix(" err err") }.count == 1)
            #expect(bench.lines.all.count == 50_003)
        }
    }

    @Test func aNodeGetsItsPlaceAndItsVariables() async throws {
        var spec = NodeSpec(
            name: "n1",
            command: .text(#"sh -c 'pwd; echo "$CHAOS_LISTEN $A {index}"; exec sleep 99'"#))
        spec.environment = [EnvironmentVariable(name: "A", value: "<{port}>")]
        spec.directory = "{dir}"
        spec.ready = [.log("<")]
        try await Bench.with([spec]) { [spec] bench in
            try await bench.supervisor.start([spec])
            #expect(
                bench.lines.all.map(\.text) == [
                    "\(bench.directory.path)/nodes/n1",
                    "\(bench.endpoint("n1")) <\(bench.port("n1"))> 1",
                ])
        }
    }

    @Test func consoleLinesStandUnderEachOtherInTheirNodesColours() {
        let line = { (node: NodeName, text: String) in
            NodeLine(node: node, stream: .output, at: .start, text: text)
        }
        let plain = NodeConsole(nodes: ["n1", "db-10"], isColoured: false)
        #expect(plain.text(line("n1", "up")) == "n1    | up")
        #expect(plain.text(line("db-10", "up")) == "db-10 | up")
        let coloured = NodeConsole(nodes: ["n1", "n2"], isColoured: true)
        #expect(coloured.text(line("n1", "up")) == "\u{1B}[36mn1 |\u{1B}[0m up")
        #expect(
            coloured.text(line("n2", "\u{1B}[31mred"))
                == "\u{1B}[33mn2 |\u{1B}[0m \u{1B}[31mred\u{1B}[0m")
    }
}
