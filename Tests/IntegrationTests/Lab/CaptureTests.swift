import ChaosCore
import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Captures as tshark reads them.
@Suite(
    .serialized,
    .enabled(if: LabMachine.isCapable, "no lab here: \(LabMachine.obstacle ?? "")"),
    .enabled(if: Tshark.path != nil, "no tshark here"))
struct CaptureTests {
    /// Everything that can happen to a packet stands in its comment, and a healthy one has none.
    @Test func faultsStandInComments() async throws {
        let run = try await LabRun()
        let capture = try run.directory.chaos("capture", "n1->n2", "--out", "n12.pcapng")
        // The declared ports, and the rest.
        try await capture.waitFor("c1 captures 3 links")
        #expect(try await run.results("n1", to: "n2") == ["ok", "ok", "ok"])
        for (fault, what) in [
            ("delay=20ms", "ok"), ("loss=100%", "timeout"), ("duplicate=100%", "ok"),
            ("corrupt=100%", "timeout"), ("refuse", "refused"),
        ] {
            try await run.chaos("set", "n1->n2", fault)
            let within = what == "timeout" ? LabRun.aMoment : 10
            let result = try await run.result("n1", "udp", to: "n2.ip6", within: within)
            #expect(result == what, "\(fault)")
            try await run.chaos("clear")
        }
        for mode in ["drop", "reject", "hold"] {
            try await run.chaos("partition", "n1", "/", "n2", "--mode", mode)
            _ = try await run.result("n1", "udp", to: "n2", within: LabRun.aMoment)
            try await run.chaos("heal")
        }
        capture.signal(SIGINT)
        #expect(try await capture.exit() == 0, "\(capture.err)")
        let packets = try run.directory.packets("n12.pcapng", "ip.proto == 17 || ipv6.nxt == 17")
        let comments = packets.map(\.comments).filter { $0 != [] }
        let text = "\(packets)"
        #expect(packets.first?.comments == [], "\(text)")
        #expect(
            comments.prefix(2) == [["delayed 20ms by f1: delay 20ms"], ["lost by f2: loss 100%"]],
            "\(text)")
        #expect(comments.contains(["duplicated by f3: duplicate 100%"]), "\(text)")
        #expect(comments.contains(["copied by f3: duplicate 100%"]), "\(text)")
        #expect(comments.contains(["corrupted by f4: corrupt 100%"]), "\(text)")
        #expect(comments.contains(["refused by f5: refuse"]), "\(text)")
        #expect(comments.contains(["cut by p1: n1 / n2, drop"]), "\(text)")
        #expect(comments.contains(["cut by p2: n1 / n2, reject"]), "\(text)")
        #expect(comments.contains(["delayed by p3: n1 / n2, hold"]), "\(text)")
        // The agents' port is declared for TCP.
        #expect(packets.allSatisfy { $0.link == "n1->n2:other" }, "\(text)")
        #expect(packets.map(\.time) == packets.map(\.time).sorted(), "\(text)")
        // The other direction was not asked for.
        #expect(try run.directory.packets("n12.pcapng", "icmp.type == 8").count == 1)
        let segments = try run.directory.packets("n12.pcapng", "tcp.flags.syn == 1")
        #expect(segments.map(\.link) == ["n1->n2:main"], "\(segments)")
        #expect(capture.out.hasSuffix(" packets in n12.pcapng\n"))
        _ = try await run.end()
    }

    /// A capture shows what was sent: whole and healthy data crosses a link while it is captured.
    @Test func everyByteIsThere() async throws {
        let run = try await LabRun()
        let capture = try run.directory.chaos("capture", "n1<->n2:main", "--out", "-")
        try await capture.waitFor("c1 captures 2 links")
        try await run.tell("n1", "bulk", to: "n2", within: 30, ["bytes": 300_000])
        try await run.chaos("set", "n1<->n2", "delay=1ms")
        try await run.tell("n1", "bulk", to: "n2", within: 30, ["bytes": 300_000])
        // The run's end ends it as well.
        _ = try await run.end()
        #expect(try await capture.exit() == 0, "\(capture.err)")
        let packets = try run.directory.packets(capture.outFile, "tcp.len > 0")
        for link in ["n1->n2:main", "n2->n1:main"] {
            let bytes = packets.filter { $0.link == link }.reduce(0) { $0 + $1.dataSize }
            #expect(bytes == 600_000, "\(link)")
        }
        #expect(packets.contains { $0.comments == ["delayed 1ms by f1: delay 1ms"] })
    }

    /// Whoever goes without a word takes only the capture with him; time ends it too.
    @Test func ends() async throws {
        let run = try await LabRun()
        let killed = try run.directory.chaos("capture", "*->*", "--out", "a.pcapng")
        try await killed.waitFor("c1 captures")
        killed.signal(SIGKILL)
        _ = try await killed.exit()
        try await run.process.waitFor("c1 is over")
        let timed = try await run.directory.finished(
            "capture", "n2->n1", "--out", "b.pcapng", "--for", "300ms")
        #expect(timed.code == 0 && timed.out == "0 packets in b.pcapng\n", "\(timed.err)")
        #expect(try run.directory.packets("b.pcapng", "frame").isEmpty)
        let wrong = try await run.directory.finished("capture", "n1->n9", "--out", "c.pcapng")
        #expect(wrong.code == 64 && wrong.err.contains("a node is one of the run's, found 'n9'"))
        let client = try await run.directory.finished("capture", "client->n1", "--out", "c.pcapng")
        #expect(client.code == 69 && client.err.contains("no link between nodes"), "\(client.err)")
        _ = try await run.end()
        let names = try FileManager.default.contentsOfDirectory(
            atPath: "\(run.directory.path)/\(run.directory.run())")
        #expect(!names.contains { $0.hasSuffix(".pipe") }, "\(names)")
    }

    /// A scenario's capture lies in its run, from the first packet on.
    @Test func aScenarioCaptures() async throws {
        let run = try await LabRun(
            LabAgent.scenario(
                2,
                """
                capture: [n1->n2, "n2->n1:main"]
                network: { links: { "n1->n2": { loss: 100% } } }
                """))
        // The scenario's own faults come when all nodes are ready.
        while !(try await run.chaos("status").contains("loss 100%")) {}
        #expect(try await run.result("n1", "udp", to: "n2", within: LabRun.aMoment) == "timeout")
        _ = try await run.end()
        let packets = try run.directory.packets(
            "\(run.directory.run())/capture.pcapng", "udp.port == 8000")
        #expect(packets.map(\.comments) == [["lost by network[0]: loss 100%"]])
    }

    /// Behind the proxy there are no packets, and it says so.
    @Test func notBehindTheProxy() async throws {
        let directory = try TestDirectory()
        try directory.write(
            """
            backend: proxy
            nodes: { n1: { command: sleep 9 }, n2: { command: sleep 9 } }
            capture: n1->n2
            """, to: "proxy.yaml")
        let check = try await directory.finished("check", "proxy.yaml")
        #expect(check.code == 65)
        #expect(
            (check.out + check.err).contains(
                "'capture' writes packets down, and the proxy has none"))
        try directory.write(
            """
            nodes:
              n1..n2:
                command: sh -c 'echo up; exec sleep 30'
                ready: { log: up, within: 30s }
                ports: { main: 9000 }
            """, to: "live.yaml")
        let run = try directory.chaos("run", "live.yaml")
        try await run.waitFor("2 nodes ready")
        let live = try await directory.finished("capture", "n1->n2", "--out", "x.pcapng")
        #expect(live.code == 69)
        #expect(live.err.contains("only the lab has packets to capture"), "\(live.err)")
        _ = try await directory.finished("end")
        _ = try await run.exit()
    }
}

/// Wireshark on the command line.
enum Tshark {
    static let path: String? = ["/usr/bin/tshark", "/usr/local/bin/tshark"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    struct Packet {
        let link: String
        let time: Double
        let comments: [String]
        let dataSize: Int
    }
}

extension TestDirectory {
    /// The packets of a capture that a display filter lets through, as tshark reads them.
    func packets(_ file: String, _ filter: String) throws -> [Tshark.Packet] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(Tshark.path))
        process.currentDirectoryURL = URL(fileURLWithPath: self.path)
        process.arguments =
            ["-r", file, "-n", "-Y", filter, "-T", "fields", "-E", "aggregator=|"]
            + ["frame.interface_name", "frame.time_epoch", "frame.comment", "tcp.len"].flatMap {
                ["-e", $0]
            }
        let (out, err) = (Pipe(), Pipe())
        process.standardOutput = out
        process.standardError = err
        try process.run()
        let text = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaint = err.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        // Root is warned, and nothing else may be wrong.
        let lines = String(decoding: complaint, as: UTF8.self).split(separator: "\n")
        #expect(lines.allSatisfy { $0.contains("Running as user") }, "\(lines)")
        #expect(process.terminationStatus == 0)
        return text.split(separator: "\n").map { line in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            return Tshark.Packet(
                link: String(fields[0]), time: Double(fields[1]) ?? 0,
                comments: fields[2].split(separator: "|").map(String.init),
                dataSize: Int(fields[3]) ?? 0)
        }
    }
}
