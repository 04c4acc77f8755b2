#if os(Linux)
    import ChaosCore
    import ChaosEngine
    import Dispatch

    /// Counts attempts to connect to listeners that keep silent, as `SilentAttempts` does on NIO.
    final class SilentWatch: Sleeper {
        /// How often it looks while some listener is silent.
        private static let interval: Int64 = 100_000_000
        /// The list of sockets is as long as the machine has sockets: it is read where one may wait.
        static let queue = DispatchQueue(label: "chaos.silence")

        private unowned let plane: EpollPlane
        private var silence = Silence()

        init(on plane: EpollPlane) { self.plane = plane }

        var isWatching: Bool { self.silence.isWatching }

        /// The look at the kernel's sockets, for the queue.
        var lookAround: @Sendable () -> [Silence.Attempt] { self.silence.look }

        /// Watches these listeners and no others.
        func watch(_ silent: [Silence.Listener]) {
            let wasWatching = self.isWatching
            self.silence.watch(silent)
            if self.isWatching == wasWatching { return }
            if self.isWatching {
                self.sleep()
            } else {
                self.plane.first.deadlines.set(self, at: .never)
            }
        }

        private func sleep() {
            self.plane.first.deadlines.set(
                self, at: self.plane.clock.now.advanced(byNanoseconds: Self.interval))
        }

        override func wake(at now: Instant) {
            self.plane.look { plane in plane.lookedAround() }
        }

        /// A look of its own is over.
        func goOn() { if self.isWatching { self.sleep() } }

        /// Takes in what was seen.
        func count(_ attempts: [Silence.Attempt]) {
            for link in self.silence.new(in: attempts) {
                self.plane.network.attemptBlocked(on: link)
            }
        }
    }
#endif
