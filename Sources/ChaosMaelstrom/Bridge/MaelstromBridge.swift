import ChaosCluster
import ChaosCore
import NIOCore
import NIOPosix
import Synchronization

/// Makes processes that speak Maelstrom's protocol on standard input and output nodes of a network.
///
/// ```text
///   n1 ══ stdout ══▶ bridge ──TCP──▶ proxy (link n1->n2) ──TCP──▶ bridge ══ stdin ══▶ n2
/// ```
///
/// To every peer and service that a node sends something, the bridge opens a connection of its own
/// in the node's name, and it listens in every node's place. Messages travel as lines, as the node
/// wrote them. One event loop carries all of it.
package final class MaelstromBridge: NodeDialogue {
    /// What the bridge has to tell people.
    package enum Report: Hashable, Sendable {
        /// A node does something wrong.
        case warning(String)
        /// The run cannot prove what it was to prove.
        case doubt(String)
    }

    /// What a bridge is made from.
    package struct Plan: Sendable {
        /// The nodes in order: what `node_ids` says.
        package var nodes: [NodeName]
        /// The services that are played.
        package var services: [NodeName]
        /// Where nodes and services listen, as host and port.
        package var listen: @Sendable (NodeName) -> (host: String, port: Int)?
        /// Where somebody sees somebody else: target, then viewer.
        package var view: @Sendable (NodeName, NodeName) -> (host: String, port: Int)?
        /// The seed of the services' choices.
        package var seed: Seed

        package init(
            nodes: [NodeName], services: [NodeName],
            listen: @escaping @Sendable (NodeName) -> (host: String, port: Int)?,
            view: @escaping @Sendable (NodeName, NodeName) -> (host: String, port: Int)?, seed: Seed
        ) {
            self.nodes = nodes
            self.services = services
            self.listen = listen
            self.view = view
            self.seed = seed
        }
    }

    private let group: MultiThreadedEventLoopGroup
    private let eventLoop: any EventLoop
    private let exchange: NIOLoopBound<BridgeExchange>
    private let board: ReadinessBoard
    private let hasClosed = Atomic(false)

    private init(
        _ group: MultiThreadedEventLoopGroup, _ exchange: NIOLoopBound<BridgeExchange>,
        _ board: ReadinessBoard
    ) {
        self.group = group
        self.eventLoop = exchange.eventLoop
        self.exchange = exchange
        self.board = board
    }

    /// Begins to listen in the place of all nodes and services.
    ///
    /// - Parameter report: Takes sentences for people, from the bridge's thread.
    /// - Throws: What binding a socket throws.
    package static func start(
        _ plan: Plan, report: @escaping @Sendable (Report) -> Void
    ) async throws -> MaelstromBridge {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let eventLoop = group.next()
        let board = ReadinessBoard()
        let exchange = try await eventLoop.submit {
            NIOLoopBound(
                BridgeExchange(plan, eventLoop: eventLoop, board: board, report: report),
                eventLoop: eventLoop)
        }.get()
        let bridge = MaelstromBridge(group, exchange, board)
        do {
            for name in plan.nodes + plan.services {
                guard let place = plan.listen(name) else {
                    preconditionFailure("every node that speaks messages has a port: \(name)")
                }
                try await bridge.listen(as: name, at: place)
            }
        } catch {
            await bridge.close()
            throw error
        }
        return bridge
    }

    private func listen(as name: NodeName, at place: (host: String, port: Int)) async throws {
        let exchange = self.exchange
        _ = try await ServerBootstrap(group: self.group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(
                .writeBufferWaterMark, value: .init(low: 262_144, high: 1_048_576)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try exchange.value.accept(channel, as: name)
                }
            }
            .bind(host: place.host, port: place.port).get()
    }

    // MARK: - What the supervisor asks

    package func begin(_ node: NodeName, input: Int32, output: Int32) {
        self.board.begin(node)
        self.eventLoop.execute { self.exchange.value.begin(node, input: input, output: output) }
    }

    package var readinessRule: String { "it must answer 'init' with 'init_ok'" }

    package func lackOfReadiness(_ node: NodeName) -> NodeLack? { self.board.lack(of: node) }

    package func end(_ node: NodeName) async -> [String] {
        if self.hasClosed.load(ordering: .sequentiallyConsistent) { return [] }
        let promise = self.eventLoop.makePromise(of: [String].self)
        self.eventLoop.execute { self.exchange.value.end(node, promise) }
        // The exchange only ever succeeds it.
        return (try? await promise.futureResult.get()) ?? []
    }

    // MARK: - The end

    /// What crossed until now.
    package func statistics() async -> NetStatistics {
        // The closure cannot fail.
        let seen = try? await self.eventLoop.submit { self.exchange.value.statistics }.get()
        return seen ?? NetStatistics()
    }

    /// The run ends: what nodes do wrong from now on is nobody's business.
    package func fallSilent() {
        if self.hasClosed.load(ordering: .sequentiallyConsistent) { return }
        self.eventLoop.execute { self.exchange.value.isSilent = true }
    }

    /// Closes everything. A second call does nothing.
    package func close() async {
        if self.hasClosed.exchange(true, ordering: .sequentiallyConsistent) { return }
        try? await self.eventLoop.submit { self.exchange.value.stop() }.get()
        // Closes all channels first.
        try? await self.group.shutdownGracefully()
    }
}

/// What each node still lacks to be ready; written by the bridge, read by the supervisor.
final class ReadinessBoard: Sendable {
    private let lacks = Mutex<[NodeName: NodeLack]>([:])

    func begin(_ node: NodeName) {
        self.note(
            NodeLack(
                "nothing on its standard output",
                hint: "flush standard output behind every message (Python: print(…, flush=True));"
                    + " a wrapper script must end with 'exec'"), of: node)
    }

    func note(_ lack: NodeLack?, of node: NodeName) {
        self.lacks.withLock { $0[node] = lack }
    }

    func lack(of node: NodeName) -> NodeLack? { self.lacks.withLock { $0[node] } }
}
