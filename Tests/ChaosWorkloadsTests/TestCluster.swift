import ChaosCore
import NIOCore
import NIOPosix
import NodeKit
import ReferenceNodes
import Synchronization

@testable import ChaosWorkloads

/// A cluster of reference nodes in this process: real sockets, and between each ordered pair of
/// nodes a relay that can lose messages.
actor TestCluster {
    private let variant: ReferenceSystem.Variant
    private let names: [String]
    private var nodes: [String: TCPNode] = [:]
    private var relays: [Relay] = []

    init(_ system: String, _ variant: String, nodes count: Int) async throws {
        self.variant = try ReferenceSystem.named(system).variant(named: variant)
        self.names = (1...count).map { "n\($0)" }
        for name in self.names {
            self.nodes[name] = try await TCPNode.listen(host: "127.0.0.1", port: 0)
        }
        for source in self.names {
            for target in self.names where target != source {
                guard let port = self.nodes[target]?.port else { continue }
                self.relays.append(try await Relay(from: source, to: target, port: port))
            }
        }
        for name in self.names { try await self.run(name) }
    }

    /// Where clients reach the nodes, past all relays.
    var addresses: [ClientAddress] {
        self.names.compactMap { name in
            self.nodes[name].map { ClientAddress(node: name, host: $0.host, port: $0.port) }
        }
    }

    /// How many messages the relays lost so far.
    var lostCount: Int { self.relays.reduce(0) { $0 + $1.lostCount } }

    /// How many messages of a type the relays passed on so far.
    func passedCount(ofType type: String) -> Int {
        self.relays.reduce(0) { $0 + $1.passedCount(ofType: type) }
    }

    /// Loses all messages between two groups.
    func partition(_ left: [String], _ right: [String]) {
        for relay in self.relays {
            relay.isCut =
                left.contains(relay.source) && right.contains(relay.target)
                || right.contains(relay.source) && left.contains(relay.target)
        }
    }

    func heal() {
        for relay in self.relays { relay.isCut = false }
    }

    /// Ends a node and starts it again at the same address, without what it knew.
    func restart(_ name: String) async throws {
        guard let node = self.nodes[name] else { return }
        await node.stop()
        self.nodes[name] = try await TCPNode.listen(host: node.host, port: node.port)
        try await self.run(name)
    }

    /// Ends a node for good.
    func stop(_ name: String) async { await self.nodes[name]?.stop() }

    func stop() async {
        for name in self.names { await self.nodes[name]?.stop() }
        for relay in self.relays { await relay.stop() }
    }

    private func run(_ name: String) async throws {
        let peers = self.relays.filter { $0.source == name }.map {
            (name: $0.target, host: "127.0.0.1", port: $0.port)
        }
        try await self.nodes[name]?.run(
            self.variant.makeNode(), id: name, peers: PeerList(peers), seed: 1)
    }
}

/// Passes lines on, or loses them while it is cut.
final class Relay: Sendable {
    let source: String
    let target: String
    let port: Int
    private let listener: any Channel
    private let state: State

    /// What event loops and the test share.
    private final class State: Sendable {
        let isCut = Atomic(false)
        let lostCount = Atomic(0)
        let passed = Mutex<[String: Int]>([:])

        func notePassed(_ line: [UInt8]) {
            guard let type = try? Message(parsing: line).type else { return }
            self.passed.withLock { $0[type, default: 0] += 1 }
        }
    }

    init(from source: String, to target: String, port: Int) async throws {
        self.source = source
        self.target = target
        let state = State()
        self.state = state
        self.listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let forward = try Self.connect(channel.eventLoop, to: port, closing: channel)
                    let inbound = LineConnection(pausesWhenUnread: false) { connection, event in
                        switch event {
                        case .read(.line(let line)):
                            if state.isCut.load(ordering: .sequentiallyConsistent) {
                                state.lostCount.add(1, ordering: .sequentiallyConsistent)
                            } else {
                                state.notePassed(line)
                                forward.send(String(decoding: line, as: UTF8.self))
                            }
                        case .closed: forward.close()
                        default: break
                        }
                    }
                    try channel.pipeline.syncOperations.addHandler(inbound)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.port = self.listener.localAddress?.port ?? 0
    }

    var isCut: Bool {
        get { self.state.isCut.load(ordering: .sequentiallyConsistent) }
        set { self.state.isCut.store(newValue, ordering: .sequentiallyConsistent) }
    }

    var lostCount: Int { self.state.lostCount.load(ordering: .sequentiallyConsistent) }

    func passedCount(ofType type: String) -> Int {
        self.state.passed.withLock { $0[type] ?? 0 }
    }

    func stop() async { try? await self.listener.close() }

    /// The side that faces the target; lines wait until it is connected.
    private final class Forward {
        private var connection: LineConnection?
        private var waiting: [String] = []
        private var isClosed = false

        func opened(_ connection: LineConnection) {
            self.connection = connection
            if self.isClosed { connection.close() }
            for line in self.waiting { connection.write(line) }
            self.waiting = []
            connection.flush()
        }

        func send(_ line: String) {
            guard let connection = self.connection else {
                self.waiting.append(line)
                return
            }
            connection.write(line)
            connection.flush()
        }

        func close() {
            self.isClosed = true
            self.connection?.close()
        }
    }

    private static func connect(
        _ eventLoop: any EventLoop, to port: Int, closing channel: any Channel
    ) throws -> Forward {
        let forward = Forward()
        let bound = NIOLoopBound(forward, eventLoop: eventLoop)
        ClientBootstrap(group: eventLoop)
            .channelInitializer { outbound in
                outbound.eventLoop.makeCompletedFuture {
                    let handler = LineConnection(pausesWhenUnread: false) { connection, event in
                        switch event {
                        case .opened: bound.value.opened(connection)
                        case .closed: channel.close(promise: nil)
                        default: break
                        }
                    }
                    try outbound.pipeline.syncOperations.addHandler(handler)
                }
            }
            .connect(host: "127.0.0.1", port: port)
            .whenFailure { _ in channel.close(promise: nil) }
        return forward
    }
}
