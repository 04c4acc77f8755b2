import ChaosCore
import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Faults of packets between nodes of the lab.
@Suite(
    .serialized,
    .enabled(if: LabMachine.isCapable, "no lab here: \(LabMachine.obstacle ?? "")"))
struct LabFaultTests {
    /// Each protocol and family is late by what was asked, never early, one way only.
    @Test func delay() async throws {
        let run = try await LabRun()
        try await run.chaos("set", "n1->n2", "delay=40ms")
        for name in ["n2", "n2.ip6"] {
            for what in ["udp", "icmp"] {
                let answer = try await run.tell("n1", what, to: name, within: 5)
                #expect(answer["result"] == "ok")
                #expect((answer["ms"]?.doubleValue ?? 0) >= 40, "\(what) \(name) \(answer.text)")
            }
            // The handshake, then the data: two trips of n1 to n2.
            let answer = try await run.tell("n1", "tcp", to: name, within: 5)
            #expect((answer["ms"]?.doubleValue ?? 0) >= 80, "tcp \(name) \(answer.text)")
        }
        let result = try await run.end()
        #expect((result["faults"]?[0]?["hits"]?.intValue ?? 0) >= 10)
    }

    /// How many datagrams arrive, exactly, where chance has no say.
    @Test(arguments: [
        ("loss=100%", 0), ("loss=nth:2", 199), ("duplicate=100%", 400),
    ])
    func numbers(_ fault: String, _ arrived: Int) async throws {
        let run = try await LabRun()
        try await run.chaos("set", "n1->n2", fault)
        try await run.tell("n1", "send", to: "n2", ["count": 200])
        try await run.chaos("clear")
        // Behind everything that was sent before: packets of a link that has no faults keep their order.
        #expect(try await run.result("n1", "udp", to: "n2", within: 5) == "ok")
        let heard = try await run.tell("n2", "heard", ["from": "10.77.0.1"])["value"]?.arrayValue
        #expect(heard?.filter { $0 != "u" }.count == arrived)
        _ = try await run.end()
    }

    /// Bulk data comes through whole although packets are late, lost, doubled, overtaken and broken.
    @Test func bulkDataIsWhole() async throws {
        let run = try await LabRun()
        try await run.chaos(
            "set", "n1<->n2", "delay=1ms,1ms", "loss=0.5%", "duplicate=1%", "reorder=1%",
            "corrupt=0.5%")
        let order: JSONObject = ["bytes": 2_000_000]
        #expect(try await run.result("n1", "bulk", to: "n2", within: 60, order) == "ok")
        #expect(try await run.result("n1", "bulk", to: "n2.ip6", within: 60, order) == "ok")
        let result = try await run.end()
        #expect((result["faults"]?[0]?["hits"]?.intValue ?? 0) > 100)
    }

    /// What looks into connections has no place where the kernel forwards them, and says what to declare.
    @Test func streamFaultsNeedAnInterceptedPort() async throws {
        let run = try await LabRun()
        let refused = try await run.directory.finished("set", "n1->n2:main", "slicer=10B")
        #expect(refused.code == 64)
        #expect(refused.err.contains("'slicer' looks into connections"), "\(refused.err)")
        #expect(refused.err.contains("'framing: { main: none }'"), "\(refused.err)")
        let matching = try await run.directory.finished("set", "n1->n2", "ack_loss=nth:1")
        #expect(matching.code == 64)
        #expect(matching.err.contains("'framing: { tell: lines }'"), "\(matching.err)")
        #expect(try await run.directory.finished("set", "client->n1", "slicer=10B").code == 0)
        let lose = try await run.directory.finished("partition", "n1", "/", "n2", "--mode", "lose")
        #expect(lose.code == 64)
        #expect(lose.err.contains("needs messages"), "\(lose.err)")
        _ = try await run.end()
    }

    @Test func scenariosThatTheLabCannotRunAreRefusedWithAllReasons() async throws {
        let directory = try TestDirectory()
        try directory.write(
            """
            name: wrong
            backend: lab
            addressing: loopback
            nodes:
              n1..n2: { command: sleep 9, ports: { main: auto, local: unix } }
            links: { db: 127.0.0.1:5432 }
            network:
              mode: lose
              links: { n1->n2: { ack_loss: { nth: 1 } } }
            for: 1s
            """, to: "wrong.yaml")
        let run = try await directory.finished("run", "wrong.yaml")
        #expect(run.code == 65)
        for sentence in [
            "every node has an address of its own", "cannot reach servers outside",
            "a Unix socket is on no link", "mode 'lose' needs messages",
            "'ack_loss' needs messages",
        ] { #expect(run.err.contains(sentence), "\(sentence) in:\n\(run.err)") }
    }

    /// A service of the machine is there under its name, and nothing else of the machine.
    @Test func exposedServicesAreReached() async throws {
        let server = try OutsideServer()
        let run = try await LabRun(
            LabAgent.scenario(1, "expose: { files: 127.0.0.1:\(server.port) }"), nodes: 1)
        let order: JSONObject = ["port": .int(Int64(server.port))]
        #expect(try await run.result("n1", "tcp", to: "files", within: 5, order) == "ok")
        #expect(try await run.result("n1", "tcp", to: "127.0.0.1", order) == "refused")
        _ = try await run.end()
    }

    /// Whoever is killed takes everybody along: nodes, and what they put into the background.
    @Test func nothingSurvivesAKill() async throws {
        let run = try await LabRun()
        #expect(try await run.result("n1", "daemon") == "ok")
        #expect(await eventually { run.directory.processes().count >= 6 })
        run.process.signal(SIGKILL)
        _ = try await run.process.exit()
        #expect(await eventually { run.directory.processes().isEmpty })
    }

    /// Cut and healed again and again under load, in each mode that the kernel makes: every cut keeps
    /// something back, and nothing is seen behind one.
    @Test func cutsHoldUnderLoad() async throws {
        let run = try await LabRun()
        try await run.tell("n1", "flood", to: "n2")
        try await run.tell("n2", "flood", to: "n1")
        for number in 0..<12 {
            let mode = ["drop", "reject", "unreachable"][number % 3]
            try await run.chaos("partition", "n1", "/", "n2", "--mode", mode)
            try await run.chaos("heal")
        }
        let result = try await run.end()
        let faults = result["faults"]?.arrayValue ?? []
        #expect(faults.count == 12)
        for fault in faults { #expect((fault["hits"]?.intValue ?? 0) > 0, "\(fault.text)") }
        let cuts = result["cuts"]?.arrayValue ?? []
        #expect(cuts.count == 72)
        for cut in cuts { #expect(cut["crossed_bytes"] == 0, "\(cut.text)") }
    }

    /// Whoever asks the process that he started to end gets a run that ends in order.
    @Test func aSignalEndsTheRunInOrder() async throws {
        let run = try await LabRun()
        run.process.signal(SIGTERM)
        #expect(try await run.process.exit() == 130)
        let result = try JSONValue(
            text: run.directory.text("\(run.directory.run())/results.json"))
        #expect(result["backend"] == "lab")
        #expect(await run.directory.hasNothingLeft())
    }

    /// Two labs have the same addresses and nothing to do with each other.
    @Test func twoLabsLiveSideBySide() async throws {
        let first = try await LabRun()
        let second = try await LabRun()
        try await first.chaos("partition", "n1", "/", "n2", "--mode", "drop")
        #expect(try await first.result("n1", "tcp", to: "n2", within: LabRun.aMoment) == "timeout")
        #expect(try await second.results("n1", to: "n2") == ["ok", "ok", "ok"])
        _ = try await second.end()
        _ = try await first.end()
    }
}

/// Answers each byte with itself, outside of every lab.
private final class OutsideServer: Sendable {
    let port: UInt16
    private let socket: Int32

    init() throws {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && listen(socket, 8) == 0
                    ? getsockname(socket, $0, &length) : -1
            }
        }
        try #require(code == 0)
        self.socket = socket
        self.port = UInt16(bigEndian: address.sin_port)
        Thread {
            while true {
                let client = accept(socket, nil, nil)
                if client < 0 { return }
                var byte: UInt8 = 0
                while recv(client, &byte, 1, 0) == 1 {
                    _ = send(client, &byte, 1, Int32(MSG_NOSIGNAL))
                }
                close(client)
            }
        }.start()
    }

    deinit {
        shutdown(self.socket, Int32(SHUT_RDWR))
        close(self.socket)
    }
}
