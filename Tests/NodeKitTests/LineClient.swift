import ChaosCore
import NIOCore
import NIOPosix
import NodeKit

/// A raw connection for tests: bytes out, lines in.
struct LineClient: Sendable {
    private let channel: any Channel
    private let lines: AsyncStream<String>

    static func connect(to node: TCPNode) async throws -> LineClient {
        try await Self.connect(host: node.host, port: node.port)
    }

    static func connect(host: String, port: Int) async throws -> LineClient {
        let (lines, continuation) = AsyncStream.makeStream(of: String.self)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = LineConnection(pausesWhenUnread: false) { _, event in
                        switch event {
                        case .read(.line(let line)):
                            continuation.yield(String(decoding: line, as: UTF8.self))
                        case .closed: continuation.finish()
                        default: break
                        }
                    }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .connect(host: host, port: port).get()
        return LineClient(channel: channel, lines: lines)
    }

    func send(_ bytes: some Sequence<UInt8>) async throws {
        try await self.channel.writeAndFlush(ByteBuffer(bytes: bytes))
    }

    func send(_ text: String) async throws { try await self.send(Array(text.utf8)) }

    /// The next lines, as many as asked for; fewer when the connection ends before.
    func read(_ count: Int) async -> [String] {
        var read: [String] = []
        for await line in self.lines {
            read.append(line)
            if read.count == count { break }
        }
        return read
    }

    func close() async { try? await self.channel.close() }
}

/// Collects sentences from any thread and lets a test wait for one.
actor Sentences {
    private let stream: AsyncStream<String>
    nonisolated let add: @Sendable (String) -> Void

    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: String.self)
        self.stream = stream
        self.add = { continuation.yield($0) }
    }

    /// The next sentence.
    func next() async -> String? {
        for await sentence in self.stream { return sentence }
        return nil
    }
}
