import Foundation

/// A run of chaos with three nodes and a link to the soak's own server.
final class SoakCluster {
    static let nodes = ["n1", "n2", "n3"]

    let process: ChildProcess
    let runFolder: String
    let controlPath: String
    /// Where clients reach ports: `n1.raw`, `n1.lines`, …, `server`.
    let endpoints: [String: Endpoint]
    private let lifeline: UnixListener

    /// Starts it and waits until its nodes are ready.
    ///
    /// - Parameters:
    ///   - folder: Where everything of this run is kept; it must not exist.
    ///   - bench: This program.
    init(chaos: String, bench: String, server: SoakServer, folder: String, seed: UInt64) throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        let scenario = """
            name: soak
            nodes:
              n1..n3:
                command: >-
                  \(bench) soak-node --raw {listen.raw} --lines {listen.lines}
                  --raw-peers {peers.raw} --lines-peers {peers.lines} --seed {seed}
                ports: { raw: auto, lines: auto }
                ready: { log: ready, within: 20s }
                restart: on-failure
            network:
              framing: { lines: lines }
            """
        let file = "\(folder)/soak.yaml"
        try (scenario + "\n").write(toFile: file, atomically: true, encoding: .utf8)
        self.lifeline = try UnixListener(at: "\(folder)/hold.sock")
        self.process = try ChildProcess(
            [chaos, "run", file, "--seed", "\(seed)", "--runs", "\(folder)/runs", "--quiet"]
                + ["--link", "bench=\(server.raw)", "--", bench, "hold", "\(folder)/hold.sock"],
            logFile: "\(folder)/chaos.log")
        guard let address = try self.lifeline.firstLine(within: 30) else {
            throw BenchError("chaos did not start its nodes; it said '\(self.process.lastWords)'")
        }
        self.runFolder = "\(folder)/runs/latest"
        self.controlPath = "\(self.runFolder)/control.sock"
        let control = try ControlSocket(at: self.controlPath)
        var endpoints = ["server": try Endpoint(parsing: address)]
        for node in try SoakStatus(control.ask(#"{"op":"status"}"#)).nodes {
            for (port, endpoint) in node.ports { endpoints["\(node.name).\(port)"] = endpoint }
        }
        self.endpoints = endpoints
    }

    /// Where clients reach a port.
    func endpoint(_ name: String) throws -> Endpoint {
        guard let endpoint = self.endpoints[name] else {
            throw BenchError("status names no port '\(name)'")
        }
        return endpoint
    }

    /// Ends the command that the run wraps, and with it the run; returns when chaos is gone.
    func end() {
        self.lifeline.hangUp()
        let patience = MonotonicClock.after(20)
        while self.process.isRunning, MonotonicClock.now < patience { Pause.milliseconds(10) }
        self.process.end()
    }

    /// Starts every manner of client against it.
    func startClients(_ load: SoakLoad, many: Int, seed: UInt64) throws -> SoakManyConnections {
        var generator = SplitMix(seed: seed)
        let server = try self.endpoint("server")
        for node in Self.nodes {
            let raw = try self.endpoint("\(node).raw")
            for _ in 0..<2 {
                load.exchange(node, raw, lengthMax: 1 << 20, pause: 30, seed: generator.next())
            }
            load.lines(try self.endpoint("\(node).lines"), pause: 20, seed: generator.next())
            load.halfOpen(raw, seed: generator.next())
        }
        for _ in 0..<2 {
            load.exchange("server", server, lengthMax: 2 << 20, pause: 30, seed: generator.next())
            load.slow(server, seed: generator.next())
            load.halfOpen(server, seed: generator.next())
        }
        load.flood(server, connections: 200, every: 1000, seed: generator.next())
        load.flood(
            try self.endpoint("n1.raw"), connections: 50, every: 700, seed: generator.next())
        return load.many(server, connections: many, seed: generator.next())
    }
}

/// What the control socket tells about nodes.
struct SoakStatus {
    struct Node {
        let name: String
        let state: String
        let process: pid_t?
        let ports: [String: Endpoint]
    }
    let nodes: [Node]

    init(_ reply: String) throws {
        struct Reply: Decodable {
            struct Port: Decodable { let proxied: String? }
            struct Node: Decodable {
                let name: String
                let state: String
                let pid: pid_t?
                let ports: [String: Port]
            }
            struct Result: Decodable { let nodes: [Node] }
            let result: Result
        }
        let decoded = try JSONDecoder().decode(Reply.self, from: Data(reply.utf8))
        self.nodes = try decoded.result.nodes.map { node in
            Node(
                name: node.name, state: node.state, process: node.pid,
                ports: try node.ports.compactMapValues { port in
                    try port.proxied.map { try Endpoint(parsing: $0) }
                })
        }
    }
}
