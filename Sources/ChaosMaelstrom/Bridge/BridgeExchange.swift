import ChaosCore
import NIOCore
import NIOPosix
import NodeKit

/// Everything that talks to everything: the mouths of the nodes, the services, and who is a client.
/// Lives on one event loop.
final class BridgeExchange {
    let plan: MaelstromBridge.Plan
    let eventLoop: any EventLoop
    let board: ReadinessBoard
    var isSilent = false
    var statistics = NetStatistics()
    private(set) var mouths: [String: NodeMouth] = [:]
    private var desks: [String: ServiceDesk] = [:]
    /// The nodes' names in order, for hints.
    let names: [String]
    private let tell: (MaelstromBridge.Report) -> Void
    private var lastNumber: UInt64 = 0
    /// How often each kind of trouble of each node was told.
    private var told: [String: Int] = [:]
    /// On which connection each client was last heard, by the node that heard it.
    private var unflushed: [ObjectIdentifier: LineConnection] = [:]
    private var unflushedLinks: [ObjectIdentifier: PeerLink] = [:]

    init(
        _ plan: MaelstromBridge.Plan, eventLoop: any EventLoop, board: ReadinessBoard,
        report: @escaping @Sendable (MaelstromBridge.Report) -> Void
    ) {
        self.plan = plan
        self.eventLoop = eventLoop
        self.board = board
        self.tell = report
        self.names = plan.nodes.map(\.text)
        for node in plan.nodes { self.mouths[node.text] = NodeMouth(node, self) }
        for name in plan.services {
            guard let service = makeService(name) else { continue }
            self.desks[name.text] = ServiceDesk(
                name.text, service, seed: plan.seed.derived("service", name.text), self)
        }
    }

    /// A number for a message that was never given before.
    func nextNumber() -> UInt64 {
        self.lastNumber += 1
        return self.lastNumber
    }

    /// Whether somebody of this name plays a service here.
    func isService(_ name: String) -> Bool { self.desks[name] != nil }

    func begin(_ node: NodeName, input: Int32, output: Int32) {
        self.mouths[node.text]?.begin(input: input, output: output)
    }

    func end(_ node: NodeName, _ promise: EventLoopPromise<[String]>) {
        guard let mouth = self.mouths[node.text] else { return promise.succeed([]) }
        mouth.end(promise)
    }

    func stop() {
        self.isSilent = true
        for name in self.names { self.mouths[name]?.stop() }
    }

    /// Takes a connection that somebody made to a node or service.
    func accept(_ channel: any Channel, as name: NodeName) throws {
        let connection: LineConnection
        if let mouth = self.mouths[name.text] {
            connection = LineConnection(pausesWhenUnread: true) { [unowned mouth] in
                mouth.received($1, on: $0)
            }
        } else {
            let desk = self.desks[name.text]
            connection = LineConnection(pausesWhenUnread: true) { [unowned self] in
                desk?.received($1, on: $0)
                if case .readBatchEnded = $1 { self.settle() }
            }
        }
        try channel.pipeline.syncOperations.addHandler(connection)
    }

    // MARK: - Writing

    func write(_ line: [UInt8], to connection: LineConnection) {
        connection.write(Self.buffer(line))
        self.unflushed[ObjectIdentifier(connection)] = connection
    }

    func write(_ line: [UInt8], to link: PeerLink) {
        link.send(Self.buffer(line))
        self.unflushedLinks[ObjectIdentifier(link)] = link
    }

    private static func buffer(_ line: [UInt8]) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: line.count + 1)
        buffer.writeBytes(line)
        buffer.writeInteger(UInt8(ascii: "\n"))
        return buffer
    }

    /// Puts on the wire what was written since the last call.
    func settle() {
        for connection in self.unflushed.values { connection.flush() }
        for link in self.unflushedLinks.values { link.flush() }
        self.unflushed.removeAll(keepingCapacity: true)
        self.unflushedLinks.removeAll(keepingCapacity: true)
    }

    // MARK: - Telling

    /// How often one kind of trouble of one node is told.
    private static let reportsMax = 5

    /// Tells people about something that a node does wrong; the same kind a few times at most.
    func report(_ node: String, _ kind: String, _ sentence: String, hint: String? = nil) {
        if self.isSilent { return }
        let key = "\(node) \(kind)"
        let count = (self.told[key] ?? 0) + 1
        self.told[key] = count
        if count > Self.reportsMax { return }
        let last = count == Self.reportsMax ? " (more of these are not told)" : ""
        self.tell(.warning("\(node): \(sentence)\(last)" + (hint.map { "\nhint: \($0)" } ?? "")))
    }

    /// Tells that the run cannot prove what it was to prove.
    func doubt(_ sentence: String) {
        if !self.isSilent { self.tell(.doubt(sentence)) }
    }

    /// Tells something about a node once.
    func reportOnce(_ node: String, _ kind: String, _ sentence: String, hint: String? = nil) {
        if self.told["\(node) \(kind)"] == nil { self.report(node, kind, sentence, hint: hint) }
    }
}
