import ChaosCore
import Foundation
import NodeKit
import ReferenceNodes
import Testing

/// A run of the `chaos-node` program.
private final class ChaosNodeProcess {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private let errors = Pipe()

    init(_ arguments: [String], environment: [String: String] = [:]) throws {
        // The program lies beside the test bundle.
        let folder = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") } ?? .main
        var url = folder.bundleURL
        if url.pathExtension == "xctest" { url.deleteLastPathComponent() }
        self.process.executableURL = url.appendingPathComponent("chaos-node")
        self.process.arguments = arguments
        self.process.environment = environment
        self.process.standardInput = self.input
        self.process.standardOutput = self.output
        self.process.standardError = self.errors
        try self.process.run()
    }

    deinit { if self.process.isRunning { self.process.terminate() } }

    func write(_ text: String) throws {
        try self.input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
    }

    /// The first line on standard error.
    func firstReport() -> String { Self.line(of: self.errors) }

    private static func line(of pipe: Pipe) -> String {
        var line: [UInt8] = []
        while let byte = pipe.fileHandleForReading.readData(ofLength: 1).first,
            byte != UInt8(ascii: "\n")
        {
            line.append(byte)
        }
        return String(decoding: line, as: UTF8.self)
    }

    /// The next line on standard output.
    func nextLine() -> String { Self.line(of: self.output) }

    func terminate() { self.process.terminate() }

    /// Kills it as `kill -9` does.
    func kill() {
        Foundation.kill(self.process.processIdentifier, SIGKILL)
        self.process.waitUntilExit()
    }

    /// Ends the input and waits for the program's own end.
    func finish() throws -> (status: Int32, output: String, errors: String) {
        try self.input.fileHandleForWriting.close()
        let output = self.output.fileHandleForReading.readDataToEndOfFile()
        let errors = self.errors.fileHandleForReading.readDataToEndOfFile()
        self.process.waitUntilExit()
        return (
            self.process.terminationReason == .exit ? self.process.terminationStatus : -1,
            String(decoding: output, as: UTF8.self), String(decoding: errors, as: UTF8.self)
        )
    }
}

@Suite("chaos-node", .serialized, .timeLimit(.minutes(1)))
struct ChaosNodeProcessTests {
    @Test func listsSystemsAndVariantsWithoutArguments() throws {
        let (status, output, errors) = try ChaosNodeProcess([]).finish()
        #expect(status == 0)
        let lines = output.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(
            lines.prefix(11).joined(separator: "\n") == """
                echo: answers every request with its own payload
                  plain       one answer to each request
                  relay       asks the next node, and knows answers by their number
                  relay-fifo  asks the next node, and takes answers in the order of asking
                  one-read    takes whatever it reads at once for one message
                unique-ids: ids that nobody hands out twice, without asking anybody
                  lives     name, life and number: unique for ever, and always available
                  central   the first node counts for all: unique, and not always available
                  counter   a number: every node begins with 1
                  volatile  name and number: begins with 1 again after a restart
                  clock     name and time: a clock set back comes by the same time again
                """)
        // Each fits a terminal of 100 columns.
        #expect(lines.allSatisfy { $0.count <= 100 })
        #expect(lines.count { !$0.isEmpty && !$0.hasPrefix(" ") } == ReferenceSystem.all.count)
        #expect(errors.isEmpty)
    }

    @Test func speaksMaelstromsProtocolOnStandardInput() throws {
        let node = try ChaosNodeProcess(["broadcast", "--variant", "naive"])
        try node.write(
            """
            {"id":0,"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,\
            "node_id":"n1","node_ids":["n1","n2"]}}
            {"id":1,"src":"c1","dest":"n1","body":{"type":"topology","msg_id":1,\
            "topology":{"n1":["n2"]}}}
            {"id":2,"src":"c1","dest":"n1","body":{"type":"broadcast","msg_id":2,"message":7}}
            {"id":3,"src":"c1","dest":"n1","body":{"type":"read","msg_id":3}}

            """)
        let (status, output, errors) = try node.finish()
        #expect(status == 0)
        #expect(
            output == """
                {"src":"n1","dest":"c0","body":{"type":"init_ok","in_reply_to":1}}
                {"src":"n1","dest":"c1","body":{"type":"topology_ok","in_reply_to":1}}
                {"src":"n1","dest":"n2","body":{"type":"broadcast","message":7}}
                {"src":"n1","dest":"c1","body":{"type":"broadcast_ok","in_reply_to":2}}
                {"src":"n1","dest":"c1","body":{"type":"read_ok","messages":[7],"in_reply_to":3}}

                """)
        #expect(errors.isEmpty)
    }

    @Test(arguments: [
        (
            ["broadcst"],
            "a system is one of \(ReferenceSystem.all.map(\.name).joined(separator: ", ")),"
                + " found 'broadcst'\nhint: did you mean 'broadcast'?\n"
        ),
        (
            ["echo", "--variant", "raft"],
            "a variant of 'echo' is one of plain, relay, relay-fifo, one-read, found 'raft'\n"
        ),
        (
            ["echo", "--listen", "127.0.0.1:0"],
            "a node that listens needs a name\nhint: add '--id n1'\n"
        ),
        (
            ["echo", "--id", "n1", "--listen", "7000"],
            "--listen: an address is HOST:PORT, [IPv6]:PORT or unix:PATH, found '7000'"
                + "\nhint: for example '127.0.0.1:5432'\n"
        ),
        (
            ["echo", "--id", "n1", "--listen", "127.0.0.1:0", "--peers", "n1=h:1"],
            "a node is not its own peer, found 'n1=h:1'\n"
        ),
    ])
    func explainsWhatItCannotDo(arguments: [String], message: String) throws {
        let (status, output, errors) = try ChaosNodeProcess(arguments).finish()
        #expect(status == 64)
        #expect(output.isEmpty)
        #expect(errors == message)
    }

    @Test func endsWith69WhereItCannotListen() async throws {
        let holder = try await TCPNode.listen(host: "127.0.0.1", port: 0)
        let arguments = ["echo", "--id", "n1", "--listen", holder.address]
        let (status, _, errors) = try ChaosNodeProcess(arguments).finish()
        #expect(status == 69)
        #expect(
            errors == "cannot listen on \(holder.address): address already in use"
                + "\nhint: another process has this address\n")
        await holder.stop()
    }

    @Test func listensAsTheEnvironmentSaysAndEndsOnSIGTERM() throws {
        let node = try ChaosNodeProcess(
            ["broadcast"],
            environment: [
                "CHAOS_NODE": "n2", "CHAOS_LISTEN": "127.0.0.1:0",
                "CHAOS_PEERS": "n1=127.0.0.1:1,n3=127.0.0.1:1", "CHAOS_SEED": "7",
            ])
        #expect(node.firstReport().hasPrefix("listening on 127.0.0.1:"))
        node.terminate()
        #expect(try node.finish().status == 0)
    }

    /// Killed without warning after its acknowledgement, a node knows what it acknowledged.
    @Test func remembersThroughAKill() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/nodes-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let initialize =
            #"{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","#
            + #""node_ids":["n1"]}}"# + "\n"
        let first = try ChaosNodeProcess(["g-counter", "--data", folder])
        try first.write(initialize)
        #expect(first.nextLine().contains("init_ok"))
        try first.write(
            #"{"src":"c1","dest":"n1","body":{"type":"add","msg_id":2,"delta":5}}"# + "\n")
        #expect(first.nextLine().contains("add_ok"))
        first.kill()
        let second = try ChaosNodeProcess(["g-counter"], environment: ["CHAOS_DIR": folder])
        try second.write(initialize)
        try second.write(#"{"src":"c1","dest":"n1","body":{"type":"read","msg_id":3}}"# + "\n")
        let (status, output, errors) = try second.finish()
        #expect(status == 0)
        #expect(output.contains(#"{"type":"read_ok","value":5,"in_reply_to":3}"#))
        #expect(errors.isEmpty)
    }

    @Test func endsWith74WhereItCannotKeepItsLog() throws {
        let node = try ChaosNodeProcess(["g-counter", "--data", "/dev/null/x"])
        try node.write(
            #"{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","#
                + #""node_ids":["n1"]}}"# + "\n")
        let (status, output, errors) = try node.finish()
        #expect(status == 74)
        #expect(output.isEmpty)
        #expect(errors == "cannot make the folder '/dev/null/x': not a directory\n")
    }
}
