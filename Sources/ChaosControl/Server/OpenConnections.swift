import NIOCore
import Synchronization

/// Tells a connection that the server stops: it ends as soon as nothing is owed to its client.
struct ServerIsStopping: Sendable {}

/// The connections that are open, so that a server can close them when it stops.
final class OpenConnections: Sendable {
    private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])

    func add(_ channel: any Channel) {
        let key = ObjectIdentifier(channel)
        self.channels.withLock { $0[key] = channel }
        channel.closeFuture.whenComplete { _ in
            self.channels.withLock { _ = $0.removeValue(forKey: key) }
        }
    }

    /// Lets replies and events leave for at most so long, then closes what is left.
    func closeAll(within grace: TimeAmount, on loop: any EventLoop) async {
        let open = self.channels.withLock { Array($0.values) }
        let deadline = loop.scheduleTask(in: grace) {
            for channel in open { channel.close(promise: nil) }
        }
        for channel in open { channel.pipeline.fireUserInboundEventTriggered(ServerIsStopping()) }
        for channel in open { try? await channel.closeFuture.get() }
        deadline.cancel()
    }
}
