import ChaosCore
import ChaosEngine
import NIOCore
import NIOPosix

// Nobody tells a deaf listener that somebody tries to connect to it: the kernel discards the attempt.
// But the one who tries is on the same machine, and his socket waits in state SYN_SENT. So a cut that
// only met connection attempts is not taken for one that met nothing.
//
// Limits: an attempt that begins and ends between two looks is not seen, so the count is a lower
// bound; sockets in other network namespaces are not seen; and only Linux shows them.

/// Counts attempts to connect to listeners that keep silent.
final class SilentAttempts {
    /// How often it looks while some listener is silent.
    private static let interval = TimeAmount.milliseconds(100)

    private unowned let plane: DataPlane
    private var watched: [(address: SocketAddress, link: Link)] = []
    /// The sockets that have been counted and still wait.
    private var counted: Set<ConnectingSocket> = []
    private var task: RepeatedTask?
    /// How many looks are under way.
    private var looks = 0
    private var whenStopped: EventLoopPromise<Void>?

    init(on plane: DataPlane) { self.plane = plane }

    /// Watches these listeners and no others.
    func watch(_ silent: [(address: SocketAddress, link: Link)]) {
        // Who still tries meets a new silence as well.
        for (address, _) in silent where !self.watched.contains(where: { $0.address == address }) {
            self.counted = self.counted.filter { !$0.isConnecting(to: address) }
        }
        self.watched = silent
        if silent.isEmpty {
            self.task?.cancel()
            self.task = nil
            self.counted = []
        } else if self.task == nil {
            let bound = NIOLoopBound(self, eventLoop: self.plane.loop)
            self.task = self.plane.loop.scheduleRepeatedAsyncTask(
                initialDelay: Self.interval, delay: Self.interval
            ) { _ in bound.value.look() }
        }
    }

    /// Looks once; done when everything seen is counted.
    func look() -> EventLoopFuture<Void> {
        if self.watched.isEmpty { return self.plane.loop.makeSucceededVoidFuture() }
        self.looks += 1
        // The list is as long as the machine has sockets: it is read on a thread that may wait.
        return NIOSingletons.posixBlockingThreadPool.runIfActive(eventLoop: self.plane.loop) {
            ConnectingSocket.all()
        }.assumeIsolated().map { self.count($0) }.recover { _ in }.always { _ in
            self.looks -= 1
            if self.looks == 0 { self.whenStopped?.succeed() }
        }.nonisolated()
    }

    /// Ends watching; done when no thread looks any more.
    func stop() -> EventLoopFuture<Void> {
        self.watch([])
        let stopped = self.plane.loop.makePromise(of: Void.self)
        self.whenStopped = stopped
        if self.looks == 0 { stopped.succeed() }
        return stopped.futureResult
    }

    private func count(_ sockets: [ConnectingSocket]) {
        var waiting: Set<ConnectingSocket> = []
        for socket in sockets {
            guard
                let link = self.watched.first(where: { socket.isConnecting(to: $0.address) })?.link
            else { continue }
            waiting.insert(socket)
            if !self.counted.contains(socket) { self.plane.network.attemptBlocked(on: link) }
        }
        self.counted = waiting
    }
}
