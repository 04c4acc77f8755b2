import ChaosCore
import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Nodes in network namespaces of their own: programs that know nothing of it, real packets.
@Suite(
    .serialized,
    .enabled(if: LabMachine.isCapable, "no lab here: \(LabMachine.obstacle ?? "")"))
struct LabTests {
    @Test func aNodeHasItsOwnNameAddressAndUserButNoPowers() async throws {
        let run = try await LabRun()
        for node in ["n1", "n2"] {
            let me = try await run.tell(node, "identity", ["names": ["n1", "n2"]])["value"]
            #expect(me?["host"]?.stringValue == node)
            #expect(me?["uid"]?.intValue == Int64(getuid()))
            #expect(me?["caps"]?.stringValue == "0000000000000000")
            #expect(me?["names"]?["n1"] == "10.77.0.1")
            #expect(me?["names"]?["n2"] == "10.77.0.2")
        }
        for name in ["n2", "n2.ip6"] {
            #expect(try await run.results("n1", to: name) == ["ok", "ok", "ok"], "\(name)")
        }
        #expect(try await run.tell("n2", "heard", ["from": "peer"])["value"] == "fd00:77::1")
        // A port on which nobody listens is refused, not accepted by somebody else.
        #expect(try await run.result("n1", "tcp", to: "n2", ["port": 9]) == "refused")
        #expect(try await run.result("n1", "udp", to: "n2", ["port": 9]) == "refused")
        // There is nothing outside.
        #expect(try await run.result("n1", "tcp", to: "192.0.2.1") == "network is unreachable")
        let hosts = try await run.chaos("exec", "n2", "--", "hostname")
        #expect(hosts == "n2\n")
        let link = try await run.chaos(
            "exec", "n2", "--", "python3", "-c",
            "import socket; print(socket.create_connection(('n1', 8000), 1).getsockname()[0])")
        #expect(link == "10.77.0.2\n")
        _ = try await run.end()
    }

    /// A shell where a node is, on the terminal of whoever opened it: Ctrl-C ends what runs there, and not
    /// the shell.
    @Test func aShellHasATerminal() async throws {
        let run = try await LabRun()
        try run.directory.write(
            """
            import os, pty, sys, time
            pid, terminal = pty.fork()
            if pid == 0:
                os.environ['SHELL'] = '/bin/sh'; os.environ['PS1'] = '$ '
                os.execv(sys.argv[1], ['chaos', 'shell', 'n2'])
            seen = b''
            def until(text):
                global seen
                while text not in seen: seen += os.read(terminal, 4096)
                seen = seen.split(text, 1)[1]
            def say(text): os.write(terminal, text)
            say(b'echo host=$(hostname) tty=$(test -t 0 && echo yes)\\n')
            until(b'host=n2 tty=yes')
            shell = os.tcgetpgrp(terminal)
            say(b'sleep 1000\\n')
            while os.tcgetpgrp(terminal) == shell: time.sleep(0.01)
            say(b'\\x03')
            say(b'echo still=$((2 + 2)); exit 7\\n'); until(b'still=4')
            try:
                while os.read(terminal, 4096): pass
            except OSError: pass
            print('ended with', os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            """, to: "terminal.py")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        process.arguments = [
            "terminal.py", Programs.folder.appendingPathComponent("chaos").path,
        ]
        process.currentDirectoryURL = URL(fileURLWithPath: run.directory.path)
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        #expect(text == "ended with 7\n")
        _ = try await run.end()
    }

    /// What each mode does to new connections, datagrams, pings, and a connection that is open.
    @Test(arguments: [
        ("drop", ["timeout", "timeout", "timeout"], "timeout"),
        ("reject", ["refused", "refused", "timeout"], "reset"),
        ("unreachable", ["network is unreachable", "timeout", "timeout"], "timeout"),
        ("hold", ["timeout", "timeout", "timeout"], "timeout"),
        ("new-only", ["timeout", "timeout", "timeout"], "ok"),
        ("established-only", ["ok", "ok", "ok"], "reset"),
    ])
    func modesOfPartitions(_ mode: String, _ expected: [String], _ open: String) async throws {
        let run = try await LabRun()
        #expect(try await run.result("n1", "keep", to: "n2", ["name": "open"]) == "ok")
        try await run.chaos("partition", "n1", "/", "n2", "--mode", mode)
        #expect(try await run.results("n1", to: "n2", within: LabRun.aMoment) == expected)
        #expect(try await run.result("n1", "use", within: LabRun.aMoment, ["name": "open"]) == open)
        if mode == "unreachable" {
            // At the latest with the second SYN, one second after the first.
            let connect = try await run.result("n1", "tcp", to: "n2.ip6", within: 20)
            #expect(connect == "network is unreachable")
        }
        try await run.chaos("heal")
        #expect(try await run.results("n1", to: "n2") == ["ok", "ok", "ok"])
        if open == "timeout" {
            // What was sent meanwhile comes with TCP's next attempt, and its answer with it.
            #expect(
                try await run.result("n1", "use", within: 30, ["name": "open"]) == "ok")
        }
        let result = try await run.end()
        let fault = result["faults"]?[0]
        #expect((fault?["hits"]?.intValue ?? 0) > 0, "\(result.text)")
        for cut in result["cuts"]?.arrayValue ?? [] {
            #expect(cut["crossed_bytes"] == 0, "\(cut.text)")
        }
        #expect(result["cuts"]?.arrayValue?.count == 6)
    }

    /// One direction: what is sent arrives, and no answer does.
    @Test func oneWayCutsLoseOnlyOneWay() async throws {
        let run = try await LabRun()
        try await run.chaos("partition", "n1", "->", "n2", "--mode", "drop")
        #expect(try await run.result("n1", "udp", to: "n2", within: LabRun.aMoment) == "timeout")
        #expect(try await run.tell("n2", "heard", ["from": "10.77.0.1"])["value"] == [])
        #expect(try await run.result("n2", "udp", to: "n1", within: LabRun.aMoment) == "timeout")
        #expect(try await run.tell("n1", "heard", ["from": "10.77.0.2"])["value"] == ["u"])
        // Neither can connect: the acknowledgement is lost as well.
        #expect(try await run.result("n2", "tcp", to: "n1", within: LabRun.aMoment) == "timeout")
        try await run.chaos("heal")
        #expect(try await run.results("n2", to: "n1") == ["ok", "ok", "ok"])
        _ = try await run.end()
    }

    /// Only one port is cut; the others of the pair, and pings, go on.
    @Test func portsAreCutAlone() async throws {
        let run = try await LabRun()
        try await run.chaos("partition", "n1", "/", "n2", "--port", "main", "--mode", "drop")
        #expect(try await run.result("n1", "tcp", to: "n2", within: LabRun.aMoment) == "timeout")
        #expect(try await run.result("n1", "icmp", to: "n2") == "ok")
        #expect(try await run.result("n1", "dial", to: "n2", ["port": 7000]) == "ok")
        #expect(try await run.result("n1", "tcp", to: "n2", ["port": 9]) == "refused")
        _ = try await run.end()
    }

    @Test func aScheduledCutTouchesAndProves() async throws {
        let directory = try TestDirectory()
        try directory.write(LabAgent.program, to: "agent.py")
        try directory.write(
            LabAgent.scenario(
                2,
                """
                schedule:
                  - { at: 200ms, partition: n1 / n2, mode: unreachable }
                """
            ).replacing("backend: lab\n", with: ""), to: "agents.yaml")
        let run = try directory.chaos("run", "agents.yaml")
        // Only the lab has this mode, so 'auto' takes it.
        try await run.waitFor("partition n1 / n2 (unreachable)")
        let exec = try await directory.finished(
            "exec", "n1", "--", "python3", "-c",
            "import socket; socket.create_connection(('n2', 8000), 1)")
        #expect(exec.err.contains("Network is unreachable"))
        #expect(exec.code == 1)
        try await directory.finished("end")
        #expect(try await run.exit() == 0)
        let result = try JSONValue(text: directory.text("\(directory.run())/results.json"))
        #expect(result["backend"] == "lab")
        #expect((result["faults"]?[0]?["hits"]?.intValue ?? 0) > 0)
        #expect(await directory.hasNothingLeft())
    }
}
