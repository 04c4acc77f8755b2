import ArgumentParser
import ChaosCore
import NodeKit
import ReferenceNodes

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// `chaos-node`: runs one node of a reference system.
@main
struct ChaosNodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chaos-node",
        abstract: "Run one node of a small distributed system that ships with chaos.",
        discussion: """
            Without --listen the node speaks Maelstrom's protocol on standard input and output. \
            Without arguments the systems and their variants are listed.

            What is not given is taken from the environment: CHAOS_NODE, CHAOS_LISTEN, CHAOS_PEERS, \
            CHAOS_SEED, CHAOS_DIR (for --data) and CHAOS_LISTEN_ADMIN, as 'chaos run' sets them. All timers take \
            CHAOS_TIME_SCALE times as long, where that is set.

            What each system and variant does, and which fault brings it down, is in docs/NODES.md.
            """)

    @Argument(help: "The system, such as 'broadcast'.")
    var system: String?

    @Option(help: "The variant; the first one listed by default.")
    var variant: String?

    @Option(help: "The node's name.")
    var id: String?

    @Option(help: "The one address to listen on, HOST:PORT.")
    var listen: String?

    @Option(help: "The other nodes: n2=HOST:PORT,n3=HOST:PORT.")
    var peers: String?

    @Option(help: "Fixes all randomness of the node.")
    var seed: UInt64?

    @Option(
        help: """
            Where the node keeps what it must know after a crash, in a folder of its name. Without \
            it a node that dies forgets everything.
            """)
    var data: String?

    @Option(
        help: """
            Where the node's administrator connects: HOST:PORT, or the path of a Unix socket. Nobody \
            listens there without it.
            """)
    var admin: String?

    @Option(help: "Where the node takes requests over HTTP, HOST:PORT, if its system has any.")
    var http: String?

    @Option(help: "The Redis server that the node uses, HOST:PORT, if its system uses one.")
    var redis: String?

    @Option(
        help: """
            Where the node receives datagrams, HOST:PORT, if its system speaks over UDP; --peers are then the \
            addresses at which the others do.
            """)
    var datagrams: String?

    @Option(help: "What all nodes of one cluster know, if their system asks for it.")
    var cookie: String?

    func run() async throws {
        guard let system = self.system else {
            print(ReferenceSystem.listing)
            return
        }
        do {
            let variant = try ReferenceSystem.named(system).variant(named: self.variant)
            try await self.run(variant)
        } catch let error as InputError {
            report(error.description)
            throw ExitCode(64)
        } catch let error as NodeError {
            report(error.description)
            throw ExitCode(error.code.exitCode)
        }
    }

    private func run(_ variant: ReferenceSystem.Variant) async throws {
        // Nothing needs saving, so the end may come at once. Set again because whoever started us
        // may have had the signal ignored.
        signal(SIGTERM) { _ in _exit(0) }
        signal(SIGPIPE, SIG_IGN)
        let seed = try self.seed ?? Self.seedOfEnvironment() ?? 0
        let timeScale = try Self.timeScaleOfEnvironment()
        let data = self.data ?? environment("CHAOS_DIR")
        guard let listen = self.listen ?? environment("CHAOS_LISTEN") else {
            try self.refuseServices("where a node listens: add '--listen 127.0.0.1:7000'")
            guard case .node(let makeNode) = variant.make else {
                throw InputError(
                    "this node has a protocol of its own, and an address to listen on",
                    hint: "add '--listen 127.0.0.1:7000'")
            }
            var node = StandardIONode(
                makeNode(), seed: seed, timeScale: timeScale, folder: data, log: report)
            try node.run()
            return
        }
        guard let id = self.id ?? environment("CHAOS_NODE") else {
            throw InputError("a node that listens needs a name", hint: "add '--id n1'")
        }
        let (host, port) = try PeerList.endpoint(parsing: listen, of: "--listen")
        let peerText = self.peers ?? environment("CHAOS_PEERS") ?? ""
        let peers = try PeerList(parsing: peerText, id: id)
        let node = try await TCPNode.listen(host: host, port: port)
        switch variant.make {
        case .node(let makeNode):
            try self.refuse(
                [("--cookie", self.cookie), ("--datagrams", self.datagrams)],
                for: "nodes that make their connections themselves")
            let admin = try (self.admin ?? environment("CHAOS_LISTEN_ADMIN")).map {
                try Self.administratorPort($0)
            }
            try await node.run(
                makeNode(), id: id, peers: peers, seed: seed, timeScale: timeScale, folder: data,
                admin: admin,
                http: self.http.map { try PeerList.endpoint(parsing: $0, of: "--http") },
                redis: self.redis.map { try PeerList.endpoint(parsing: $0, of: "--redis") },
                log: report)
        case .streamNode(let makeNode):
            try self.refuseServices("nodes that speak messages; this one has a protocol of its own")
            try await node.run(
                makeNode(), id: id, peers: peers, seed: seed, timeScale: timeScale,
                cookie: self.cookie ?? "",
                datagrams: self.datagrams.map {
                    try PeerList.endpoint(parsing: $0, of: "--datagrams")
                },
                folder: data, log: report)
        }
        report("listening on \(node.address)")
        await node.waitUntilStopped()
        if let failure = node.failure { throw failure }
    }

    /// Says no to options that would do nothing.
    private func refuseServices(_ whom: String) throws(InputError) {
        try self.refuse([("--http", self.http), ("--redis", self.redis)], for: whom)
    }

    private func refuse(
        _ options: [(name: String, value: String?)], for whom: String
    ) throws(InputError) {
        for (name, value) in options {
            if let value { throw InputError("'\(name)' is for \(whom)", found: value) }
        }
    }

    private static func administratorPort(
        _ text: String
    ) throws(NodeError) -> Administration.Port {
        if text.contains("/") { return .unix(text) }
        let (host, port) = try PeerList.endpoint(parsing: text, of: "--admin")
        return .tcp(host: host, port: port)
    }

    private static func timeScaleOfEnvironment() throws(InputError) -> Double {
        guard let text = environment("CHAOS_TIME_SCALE") else { return 1 }
        guard let scale = Double(text), (0.01...1000).contains(scale) else {
            throw InputError("CHAOS_TIME_SCALE is a number from 0.01 to 1000", found: text)
        }
        return scale
    }

    private static func seedOfEnvironment() throws(InputError) -> UInt64? {
        guard let text = environment("CHAOS_SEED") else { return nil }
        guard let seed = UInt64(text) else {
            throw InputError("CHAOS_SEED is a whole number from 0 up", found: text)
        }
        return seed
    }
}

/// The value of an environment variable, if it is set and not empty.
private func environment(_ name: String) -> String? {
    // `getenv` is safe here: nothing in this program changes the environment.
    guard let value = getenv(name), value[0] != 0 else { return nil }
    return String(cString: value)
}

/// Prints a sentence on standard error.
@Sendable private func report(_ sentence: String) {
    let line = Array((sentence + "\n").utf8)
    // One write, so that lines of several threads do not mix; a failure has nobody to be told to.
    _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
