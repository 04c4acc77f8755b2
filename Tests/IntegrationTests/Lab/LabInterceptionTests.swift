import ChaosCore
import Foundation
import Testing

/// Connections between nodes of the lab that go through the proxy.
@Suite(
    .serialized,
    .enabled(if: LabMachine.isCapable, "no lab here: \(LabMachine.obstacle ?? "")"))
struct LabInterceptionTests {
    /// Two agents whose port `main` is intercepted, and a second one on which nobody listens.
    private static func agents(_ framing: String = "none", _ more: String = "") -> String {
        LabAgent.scenario(2, "network: { framing: { main: \(framing), idle: none } }\n" + more)
            .replacing("main: 8000 }", with: "main: 8000, idle: 8001 }")
    }

    /// An agent and an unmodified server.
    private static let redis = """
        name: agents
        backend: lab
        nodes:
          n1:
            command: python3 -u {here}/agent.py {port.tell} {port.main}
            ports: { tell: 7000, main: 8000 }
            ready: { log: listening, within: 30s }
          n2:
            command: 'redis-server --port {port.redis} --bind 0.0.0.0 :: --protected-mode no --save ""'
            ports: { redis: 6379 }
            ready: { log: Ready to accept, within: 30s }
        network: { framing: { redis: resp } }
        """

    /// What a server answers to a command that n1 sends it, or what came instead of an answer.
    private func ask(_ run: LabRun, _ name: String, _ words: String...) async throws -> String {
        let answer = try await run.tell(
            "n1", "resp", to: "n2", within: 2,
            [
                "name": .string(name), "port": 6379,
                "words": .array(words.map { JSONValue.string($0) }),
            ])
        return answer["value"]?.stringValue ?? answer["result"]?.stringValue ?? "?"
    }

    /// Neither end sees anybody but the other: addresses and ports are what they are without chaos.
    @Test(arguments: [
        ("n2", "10.77.0", "auto"), ("n2.ip6", "fd00:77:", "auto"), ("n2", "fd00:77:", "ipv6"),
    ])
    func bothEndsSeeEachOther(
        _ name: String, _ network: String, _ addressing: String
    ) async throws {
        let run = try await LabRun(Self.agents("none", "addressing: \(addressing)"))
        let end = network.contains(":") ? "\(network):" : "\(network)."
        let me = try await run.tell("n1", "keep", to: name, within: 5, ["name": "open"])["value"]
        #expect(me?["peer"]?.stringValue == "\(end)2 8000")
        let own = try #require(me?["own"]?.stringValue)
        #expect(own.hasPrefix("\(end)1 "))
        #expect(try await run.tell("n2", "heard", ["from": "end"])["value"]?.stringValue == own)
        let bulk: JSONObject = ["bytes": 20_000_000]
        #expect(try await run.result("n1", "bulk", to: name, within: 60, bulk) == "ok")
        let links = try JSONValue(text: try await run.chaos("status", "--json"))["links"]
        let link = links?.arrayValue?.first { $0["link"] == "n1->n2:main" }
        #expect(link?["connections"] == 1, "\(links?.text ?? "")")
        _ = try await run.end()
    }

    /// Nobody is accepted for a port on which nobody listens, whichever reason that has.
    @Test func closedPortsRefuse() async throws {
        let run = try await LabRun(Self.agents())
        for name in ["n2", "n2.ip6"] {
            #expect(try await run.result("n1", "dial", to: name, ["port": 8001]) == "refused")
            #expect(try await run.result("n1", "dial", to: name, ["port": 9]) == "refused")
            #expect(try await run.result("n1", "tcp", to: name) == "ok")
        }
        #expect(try await run.result("n1", "keep", to: "n2", ["name": "open"]) == "ok")
        try await run.chaos("kill", "n2")
        for name in ["n2", "n2.ip6"] {
            #expect(try await run.result("n1", "dial", to: name) == "refused")
        }
        // The killed node's kernel has ended it, and may have reset it since.
        let ends = try await run.result("n1", "use", within: 5, ["name": "open"])
        #expect(["ended", "reset"].contains(ends), "\(ends)")
        _ = try await run.end()
    }

    /// The same as for packets; what differs is where the proxy can do more.
    @Test(arguments: [
        ("drop", ["timeout", "timeout", "timeout"], "timeout"),
        ("reject", ["refused", "refused", "timeout"], "reset"),
        ("unreachable", ["network is unreachable", "timeout", "timeout"], "timeout"),
        ("hold", ["timeout", "timeout", "timeout"], "timeout"),
        ("new-only", ["timeout", "timeout", "timeout"], "ok"),
        ("established-only", ["ok", "ok", "ok"], "reset"),
    ])
    func modesOfPartitions(_ mode: String, _ expected: [String], _ open: String) async throws {
        let run = try await LabRun(Self.agents())
        #expect(try await run.result("n1", "keep", to: "n2", ["name": "open"]) == "ok")
        try await run.chaos("partition", "n1", "/", "n2", "--mode", mode)
        #expect(try await run.results("n1", to: "n2", within: LabRun.aMoment) == expected)
        #expect(try await run.result("n1", "use", within: LabRun.aMoment, ["name": "open"]) == open)
        try await run.chaos("heal")
        #expect(try await run.results("n1", to: "n2") == ["ok", "ok", "ok"])
        if open == "timeout" {
            #expect(try await run.result("n1", "use", within: 30, ["name": "open"]) == "ok")
        }
        let result = try await run.end()
        #expect((result["faults"]?[0]?["hits"]?.intValue ?? 0) > 0, "\(result.text)")
        for cut in result["cuts"]?.arrayValue ?? [] {
            #expect(cut["crossed_bytes"] == 0, "\(cut.text)")
        }
    }

    /// Only the port is cut, both legs of its connections, and nothing else.
    @Test func onePortIsCutAlone() async throws {
        let run = try await LabRun(Self.agents())
        try await run.chaos("partition", "n1", "/", "n2", "--port", "main", "--mode", "drop")
        #expect(try await run.result("n1", "tcp", to: "n2", within: LabRun.aMoment) == "timeout")
        #expect(try await run.result("n1", "icmp", to: "n2") == "ok")
        #expect(try await run.result("n1", "dial", to: "n2", ["port": 7000]) == "ok")
        #expect(try await run.result("n1", "dial", to: "n2", ["port": 8001]) == "refused")
        try await run.chaos("heal")
        #expect(try await run.result("n1", "tcp", to: "n2", within: 5) == "ok")
        _ = try await run.end()
    }

    /// Cut and healed again and again under load: no packet of either leg is seen behind a cut.
    @Test func cutsHoldUnderLoad() async throws {
        let run = try await LabRun(Self.agents())
        for target in ["n2", "n2.ip6"] { try await run.tell("n1", "flood", to: target) }
        for target in ["n1", "n1.ip6"] { try await run.tell("n2", "flood", to: target) }
        for number in 0..<12 {
            let mode = ["drop", "reject", "unreachable"][number % 3]
            try await run.chaos("partition", "n1", "/", "n2", "--mode", mode)
            try await run.chaos("heal")
        }
        let result = try await run.end()
        let cuts = result["cuts"]?.arrayValue ?? []
        #expect(cuts.count == 96)
        for cut in cuts { #expect(cut["crossed_bytes"] == 0, "\(cut.text)") }
        for fault in result["faults"]?.arrayValue ?? [] {
            #expect((fault["hits"]?.intValue ?? 0) > 0, "\(fault.text)")
        }
    }

    /// Faults that come while a connection is open act on it, and end with it open.
    @Test func faultsReachEstablishedConnections() async throws {
        let run = try await LabRun(Self.agents())
        #expect(try await run.result("n1", "keep", to: "n2", ["name": "open"]) == "ok")
        try await run.chaos("set", "n1->n2:main", "delay=50ms")
        let late = try await run.tell("n1", "use", within: 5, ["name": "open"])
        #expect(late["result"] == "ok" && (late["ms"]?.doubleValue ?? 0) >= 50, "\(late.text)")
        try await run.chaos("clear")
        try await run.chaos("set", "n1->n2:main", "slicer=10B")
        #expect(try await run.result("n1", "bulk", to: "n2", within: 9, ["bytes": 1000]) == "ok")
        try await run.chaos("clear")
        try await run.chaos("set", "n1->n2:main", "reset_peer=0s")
        #expect(try await run.result("n1", "use", within: 5, ["name": "open"]) == "reset")
        try await run.chaos("clear")
        #expect(try await run.result("n1", "tcp", to: "n2") == "ok")
        let result = try await run.end()
        for fault in result["faults"]?.arrayValue ?? [] {
            #expect((fault["hits"]?.intValue ?? 0) > 0, "\(fault.text)")
        }
    }

    /// Messages vanish across the cut, and the connection goes on; nothing comes late.
    @Test func messagesAreLostAcrossACut() async throws {
        let run = try await LabRun(Self.agents("lines"))
        func say(_ text: String, _ within: Double = 5) async throws -> String {
            let answer = try await run.tell(
                "n1", "line", within: within, ["name": "open", "text": .string(text)])
            return answer["value"]?.stringValue ?? answer["result"]?.stringValue ?? "?"
        }
        let opened = try await run.tell("n1", "open_", to: "n2", within: 5, ["name": "open"])
        #expect(opened["result"] == "ok")
        #expect(try await say("one") == "one")
        try await run.chaos("partition", "n1", "/", "n2", "--mode", "lose")
        #expect(try await say("two", 0.3) == "timeout")
        // A byte of a message that its connection ends before its end.
        #expect(try await run.result("n1", "tcp", to: "n2", within: LabRun.aMoment) == "timeout")
        // What has no messages loses packets.
        #expect(try await run.result("n1", "icmp", to: "n2", within: LabRun.aMoment) == "timeout")
        #expect(
            try await run.result("n1", "dial", to: "n2", within: LabRun.aMoment, ["port": 7000])
                == "timeout")
        try await run.chaos("heal")
        #expect(try await say("three") == "three")
        let result = try await run.end()
        let journal = try run.directory.text("\(run.directory.run())/journal.jsonl")
        let lost = journal.split(separator: "\n").filter { $0.contains(#""kind":"lose""#) }
        #expect(lost.count { $0.contains(#""bytes":4"#) } == 1 && lost.count <= 2, "\(lost)")
        #expect((result["faults"]?[0]?["hits"]?.intValue ?? 0) > 2)
        for cut in result["cuts"]?.arrayValue ?? [] { #expect(cut["crossed_bytes"] == 0) }
    }

    /// A port without messages is cut as `drop` cuts it: what was read before the cut is not written behind it.
    @Test func whatHasNoMessagesIsDroppedWhereOthersLoseThem() async throws {
        let run = try await LabRun(
            LabAgent.scenario(2, "network: { framing: { main: lines, tell: none } }"))
        func ask(_ within: Double) async throws -> String {
            let answer = try await run.tell(
                "n1", "line", within: within,
                ["name": "open", "text": #"{"do":"heard","from":"nobody"}"#])
            return answer["value"]?.stringValue ?? answer["result"]?.stringValue ?? "?"
        }
        let port: JSONObject = ["name": "open", "port": 7000]
        #expect(try await run.result("n1", "open_", to: "n2", within: 5, port) == "ok")
        #expect(try await ask(5).contains(#""result": "ok""#))
        try await run.chaos("set", "n1->n2:tell", "delay=1s")
        // It is asked, and waits in the proxy.
        #expect(try await ask(0.05) == "timeout")
        try await run.chaos("partition", "n1", "/", "n2", "--mode", "lose")
        #expect(try await run.result("n1", "icmp", to: "n2", within: 1.5) == "timeout")
        #expect(
            try await run.result("n1", "dial", to: "n2", within: LabRun.aMoment, ["port": 7000])
                == "timeout")
        try await run.chaos("heal")
        try await run.chaos("clear")
        #expect(try await ask(30).contains(#""result": "ok""#))
        let result = try await run.end()
        for cut in result["cuts"]?.arrayValue ?? [] {
            #expect(cut["crossed_bytes"] == 0, "\(cut.text)")
        }
    }

    /// Who dials waits before the target is dialled, and then reaches it.
    @Test func acceptsAreDelayed() async throws {
        let run = try await LabRun(Self.agents())
        #expect(try await run.result("n1", "keep", to: "n2", ["name": "open"]) == "ok")
        try await run.chaos("set", "n1->n2:main", "accept_delay=300ms")
        for name in ["n2", "n2.ip6"] {
            let late = try await run.tell("n1", "dial", to: name, within: 5)
            #expect(late["result"] == "ok" && (late["ms"]?.doubleValue ?? 0) >= 300, "\(late.text)")
        }
        // What is open already is not asked again, and the way back has no such fault.
        #expect(try await run.result("n1", "use", ["name": "open"]) == "ok")
        #expect(try await run.result("n2", "tcp", to: "n1", within: 0.25) == "ok")
        // Who waits is not accepted for a target that goes meanwhile.
        try await run.chaos("kill", "n2")
        #expect(try await run.result("n1", "dial", to: "n2", within: 5) == "refused")
        let result = try await run.end()
        #expect((result["faults"]?[0]?["hits"]?.intValue ?? 0) >= 2, "\(result.text)")
    }

    /// The other driver cannot take over connections, and says so before anything starts.
    @Test func theDriverOfOtherPlatformsRefuses() async throws {
        let directory = try TestDirectory()
        try directory.write(LabAgent.program, to: "agent.py")
        try directory.write(Self.agents(), to: "agents.yaml")
        let run = try await directory.finished(
            "run", "agents.yaml", environment: ["CHAOS_DRIVER": "nio"])
        #expect(run.code == 69, "\(run.err)")
        #expect(
            run.err.contains(
                "connections between nodes to port 'idle' go through the proxy, which in the lab needs the "
                    + "driver epoll\nhint: unset CHAOS_DRIVER"), "\(run.err)")
        #expect(await directory.hasNothingLeft())
    }

    /// Lost requests, lost answers: of a server that knows nothing of it, and the journal names the message.
    @Test func messagesOfRedis() async throws {
        let run = try await LabRun(Self.redis)
        #expect(try await self.ask(run, "a", "SET", "x", "1") == "+OK\r\n")
        // The request arrives; its answer does not, and the connection ends.
        try await run.chaos("set", "n1->n2:redis", "ack_loss=nth:1,type:SET")
        #expect(try await self.ask(run, "a", "GET", "x") == "$1\r\n1\r\n")
        #expect(try await self.ask(run, "a", "SET", "x", "2") == "reset")
        try await run.chaos("clear")
        #expect(try await self.ask(run, "b", "GET", "x") == "$1\r\n2\r\n")
        // The request vanishes, and with it its answer.
        try await run.chaos("set", "n1->n2:redis", "loss=nth:1,type:SET")
        #expect(try await self.ask(run, "b", "SET", "x", "3") == "timeout")
        try await run.chaos("clear")
        #expect(try await self.ask(run, "b", "GET", "x") == "$1\r\n2\r\n")
        let result = try await run.end()
        #expect(result["faults"]?.arrayValue?.map { $0["hits"] } == [1, 1])
        let journal = try run.directory.text("\(run.directory.run())/journal.jsonl")
        let decisions = try journal.split(separator: "\n").map { try JSONValue(text: String($0)) }
            .filter { $0["event"] == "decision" }
        let named = decisions.map { decision in
            ["kind", "link", "connection", "message"].map { decision[$0]?.text ?? "?" }
                .joined(separator: " ")
        }
        #expect(
            named == [
                #""ack_loss" "n1->n2:redis" 0 2"#, #""loss" "n1->n2:redis" 1 1"#,
            ])
    }

    /// What one node says to another makes something happen.
    @Test func messagesTrigger() async throws {
        let run = try await LabRun(
            Self.agents(
                "lines",
                """
                schedule:
                  - { when: { message: { type: go }, node: n1 }, for: 30s, partition: n1 / n2, mode: reject }
                """))
        #expect(try await run.result("n1", "open_", to: "n2", within: 5, ["name": "open"]) == "ok")
        let order: JSONObject = ["name": "open", "text": #"{"type":"go"}"#]
        _ = try await run.tell("n1", "line", within: 5, order)
        try await run.process.waitFor("partition n1 / n2 (reject)")
        #expect(try await run.result("n1", "dial", to: "n2") == "refused")
        _ = try await run.end()
    }

    /// The fault that the scenario has for later is why the port is intercepted from the start.
    @Test func scheduledFaultsInterceptTheirPorts() async throws {
        let run = try await LabRun(
            LabAgent.scenario(
                2,
                "schedule: [{ at: 1h, for: 1s, links: 'n1->n2:main', reset_peer: 0s }]\nfor: 2h"))
        #expect(try await run.result("n1", "keep", to: "n2", ["name": "open"]) == "ok")
        try await run.chaos("set", "n1->n2:main", "reset_peer=0s")
        #expect(try await run.result("n1", "use", within: 5, ["name": "open"]) == "reset")
        _ = try await run.end()
    }

    @Test func nothingSurvivesAKill() async throws {
        let run = try await LabRun(Self.agents())
        #expect(try await run.result("n1", "keep", to: "n2", ["name": "open"]) == "ok")
        try await run.tell("n1", "flood", to: "n2")
        run.process.signal(SIGKILL)
        _ = try await run.process.exit()
        #expect(await eventually { run.directory.processes().isEmpty })
    }
}
