#if os(Linux)
    import ChaosCore
    import ChaosEngine
    import Dispatch
    import Glibc

    /// Counts attempts to connect to listeners that keep silent, as `SilentAttempts` does on NIO.
    final class SilentWatch: Sleeper {
        /// How often it looks while some listener is silent.
        private static let interval: Int64 = 100_000_000
        /// How long traffic may stand still for a look, in nanoseconds of processor time: where
        /// processors are busy, a hop to another thread and back takes longer.
        private static let shortLook: Int64 = 2_000_000
        /// Where a look is taken that may last: the list of sockets is as long as the machine's.
        static let queue = DispatchQueue(label: "chaos.silence")

        private unowned let plane: EpollPlane
        private var silence = Silence()
        /// How long the last look took; unknown at first.
        private var lookTime = Int64.max

        init(on plane: EpollPlane) { self.plane = plane }

        var isWatching: Bool { self.silence.isWatching }

        /// Counts attempts, and then does something: at once where all threads stand still for a
        /// change and looks are short, or later.
        func look(_ finish: @escaping @Sendable (EpollPlane) -> Void) {
            self.plane.first.openBooks()
            let look = self.silence.look(in: self.plane.network)
            let timed: @Sendable () -> (attempts: [Silence.Attempt], time: Int64) = {
                let begin = Self.threadTime
                return (look.take(), Self.threadTime - begin)
            }
            if self.plane.isAlone && self.lookTime <= Self.shortLook && !look.asksForOpeners {
                self.count(timed())
                return finish(self.plane)
            }
            let mailbox = self.plane.mailbox
            Self.queue.async {
                let seen = timed()
                _ = mailbox.post { plane in
                    plane.attempts?.count(seen)
                    finish(plane)
                }
            }
        }

        /// The processor time that this thread has had, in nanoseconds.
        private static var threadTime: Int64 {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        }

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

        private func count(_ seen: (attempts: [Silence.Attempt], time: Int64)) {
            self.lookTime = seen.time
            for link in self.silence.new(in: seen.attempts) {
                self.plane.network.attemptBlocked(on: link)
            }
        }
    }
#endif
