import ChaosCore
import NIOCore
import NIOPosix

/// Listens on a run's Unix socket and hands commands to the run.
///
/// It has a thread of its own, so that an answer never waits for the run's traffic. Each connection
/// has one request in work at a time and is not read meanwhile: what a client can make the server
/// hold is bounded by one line of 1 MiB, one reply, and its share of undelivered events.
package final class ControlServer: Sendable {
    /// The longest request, in bytes without the line feed.
    package static let longestRequest = 1 << 20
    /// The version of the protocol, which `ping` tells.
    package static let protocolVersion = 1

    /// Never shut down: a command that outlives its server may still answer.
    private static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    /// Where requests are carried out. What follows from one later should be, too: a thread that others
    /// keep from its processor must not have in hand what the next request needs.
    package static let executor: any TaskExecutor = RequestExecutor(
        on: ControlServer.group.next())

    /// Where it listens.
    package let path: String
    private let channel: any Channel
    private let connections: OpenConnections
    private let file: SocketFile

    private init(
        path: String, channel: any Channel, connections: OpenConnections, file: SocketFile
    ) {
        self.path = path
        self.channel = channel
        self.connections = connections
        self.file = file
    }

    /// Starts to listen, with mode 0600; a socket file that nobody listens at any more is replaced.
    ///
    /// A command that takes longer than `replyWithin` is answered with `busy`; it goes on, and whether
    /// it takes effect is unknown to the client.
    ///
    /// - Throws: `CommandError` when somebody listens already, something else than a socket is in the
    ///   way, or the path is too long.
    package static func start(
        at path: String, target: any CommandTarget, version: String,
        replyWithin: Duration = .seconds(5)
    ) async throws(CommandError) -> ControlServer {
        let (descriptor, file) = try SocketFile.bind(path)
        let connections = OpenConnections()
        let service = ControlService(
            target: target, version: version, replyWithin: replyWithin, executor: Self.executor)
        let bootstrap = ServerBootstrap(group: Self.group)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try SocketFile.deepenQueue(of: descriptor) }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.autoRead, value: false)
            // The share of undelivered events that a subscriber may have; see ControlConnection.
            .childChannelOption(
                .writeBufferWaterMark, value: .init(low: 64 << 10, high: 256 << 10)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    connections.add(channel)
                    let connection = ControlConnection(service: service)
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
        do {
            let channel = try await bootstrap.withBoundSocket(descriptor).get()
            return ControlServer(
                path: path, channel: channel, connections: connections, file: file)
        } catch {
            file.remove()
            throw CommandError(.failed, "\(path): cannot listen: \(error)")
        }
    }

    /// Stops listening, removes the socket file and closes every connection.
    ///
    /// Connections to which nothing is owed end at once. A reply that is due, and events up to the
    /// end of their stream, have a second to leave: finish the stream before.
    package func stop() async {
        self.file.remove()
        try? await self.channel.close()
        await self.connections.closeAll(within: .seconds(1), on: self.channel.eventLoop)
    }
}

/// What every connection needs.
struct ControlService: Sendable {
    let target: any CommandTarget
    let version: String
    let replyWithin: Duration
    let executor: any TaskExecutor
}
