#if os(Linux)
    import ChaosCore
    import ChaosEngine
    import Dispatch

    /// Counts attempts to connect to listeners that keep silent, as `SilentAttempts` does on NIO.
    final class SilentWatch: Sleeper {
        /// How often it looks while some listener is silent.
        private static let interval: Int64 = 100_000_000
        /// How long traffic may stand still for a look, in nanoseconds. A hop to another thread and
        /// back takes longer than that where processors are busy.
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
            let (silence, clock) = (self.silence, self.plane.clock)
            let look: @Sendable () -> (attempts: [Silence.Attempt], time: Int64) = {
                let begin = clock.now
                return (silence.look(), clock.now.nanoseconds - begin.nanoseconds)
            }
            if self.plane.isAlone && self.lookTime <= Self.shortLook && !silence.asksForOpeners {
                self.count(look())
                return finish(self.plane)
            }
            let mailbox = self.plane.mailbox
            Self.queue.async {
                let seen = look()
                _ = mailbox.post { plane in
                    plane.attempts?.count(seen)
                    finish(plane)
                }
            }
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
