import ChaosCore
import ChaosEngine
import NIOCore
import NIOPosix

/// Counts attempts to connect to listeners that keep silent.
final class SilentAttempts {
    /// How often it looks while some listener is silent.
    private static let interval = TimeAmount.milliseconds(100)

    private unowned let plane: DataPlane
    private var silence = Silence()
    private var task: RepeatedTask?
    /// How many looks are under way.
    private var looks = 0
    private var whenStopped: EventLoopPromise<Void>?

    init(on plane: DataPlane) { self.plane = plane }

    /// Watches these listeners and no others.
    func watch(_ silent: [Silence.Listener]) {
        self.silence.watch(silent)
        if silent.isEmpty {
            self.task?.cancel()
            self.task = nil
        } else if self.task == nil {
            let bound = NIOLoopBound(self, eventLoop: self.plane.loop)
            self.task = self.plane.loop.scheduleRepeatedAsyncTask(
                initialDelay: Self.interval, delay: Self.interval
            ) { _ in bound.value.look() }
        }
    }

    /// Looks once; done when everything seen is counted.
    func look() -> EventLoopFuture<Void> {
        if !self.silence.isWatching { return self.plane.loop.makeSucceededVoidFuture() }
        self.looks += 1
        // The list is as long as the machine has sockets: it is read on a thread that may wait.
        let look = self.silence.look(in: self.plane.network)
        return NIOSingletons.posixBlockingThreadPool.runIfActive(eventLoop: self.plane.loop) {
            look.take()
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

    private func count(_ attempts: [Silence.Attempt]) {
        for link in self.silence.new(in: attempts) { self.plane.network.attemptBlocked(on: link) }
    }
}
