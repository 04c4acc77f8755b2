#if os(Linux)
    import ChaosCore
    import ChaosEngine
    import ChaosSockets
    import Dispatch
    import Glibc

    /// Counts attempts to connect to listeners that keep silent, as `SilentAttempts` does on NIO.
    ///
    /// Whose attempts they are only the list of the kernel's sockets tells, and going through it takes as
    /// long as the machine has sockets. That somebody knocks each listener tells at once.
    final class SilentWatch: Sleeper {
        /// How often it looks while some listener is silent.
        private static let interval: Int64 = 100_000_000
        /// How long traffic may stand still for a look, in nanoseconds of processor time: where
        /// processors are busy, a hop to another thread and back takes longer.
        private static let shortLook: Int64 = 2_000_000
        /// Where a look is taken that may last.
        static let queue = DispatchQueue(label: "chaos.silence")

        /// How often changes wait for a look that may last.
        private static let waitInterval: Int64 = 1_000_000_000

        private unowned let plane: EpollPlane
        private var silence = Silence()
        private var listeners: [EpollListener] = []
        /// How long the last look took; unknown at first.
        private var lookTime = Int64.max
        private var nextWait = Instant.start

        /// What a look showed.
        private struct Seen {
            let attempts: [Silence.Attempt]
            /// What each listener, by its place, had discarded when the look began.
            let knocks: [Int: UInt32?]
            /// How long it took, in nanoseconds of processor time.
            let time: Int64
        }

        init(on plane: EpollPlane) { self.plane = plane }

        var isWatching: Bool { self.silence.isWatching }

        /// Sees to it that attempts are counted before something is done that may end cuts: at once where
        /// nobody knocked, or after a look.
        ///
        /// Where looks last, changes wait for one a second at most. Between them a knock still proves that
        /// a cut met somebody, and how many is what the last look saw.
        func settle(_ finish: @escaping @Sendable (EpollPlane) -> Void) {
            let restless = self.restless
            if restless.isEmpty { return finish(self.plane) }
            let now = self.plane.clock.now
            if self.lookTime > Self.shortLook && now < self.nextWait {
                self.plane.first.openBooks()
                let isProved = restless.allSatisfy {
                    self.plane.network.noteAttempt(onOneOf: $0.links)
                }
                if isProved { return finish(self.plane) }
            }
            self.nextWait = now.advanced(byNanoseconds: Self.waitInterval)
            self.look(finish)
        }

        /// The listeners at which somebody knocked since the last look.
        private var restless: [EpollListener] { self.listeners.filter(\.wasKnockedAt) }

        /// Counts attempts, and then does something: at once where all threads stand still for a
        /// change and looks are short, or later.
        private func look(_ finish: @escaping @Sendable (EpollPlane) -> Void) {
            self.plane.first.openBooks()
            let look = self.silence.look(in: self.plane.network)
            // Whoever is in the list knocked before it is made; they are counted when it is there.
            let knocks = Dictionary(
                uniqueKeysWithValues: self.listeners.map { ($0.slot, $0.discarded) })
            let timed: @Sendable () -> Seen = {
                let begin = Self.threadTime
                return Seen(
                    attempts: look.take(), knocks: knocks, time: Self.threadTime - begin)
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
        func watch(_ silent: [EpollListener]) {
            let wasWatching = self.isWatching
            self.listeners = silent
            self.silence.watch(
                silent.compactMap { listener in
                    SocketEnd(listener.address).map {
                        Silence.Listener(end: $0, spec: listener.spec, links: listener.links)
                    }
                })
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
            if self.restless.isEmpty { return self.sleep() }
            self.look { plane in plane.lookedAround() }
        }

        /// A look of its own is over.
        func goOn() { if self.isWatching { self.sleep() } }

        private func count(_ seen: Seen) {
            self.lookTime = seen.time
            for listener in self.listeners {
                if let knocks = seen.knocks[listener.slot] { listener.noteKnocks(knocks) }
            }
            for link in self.silence.new(in: seen.attempts) {
                self.plane.network.attemptBlocked(on: link)
            }
        }
    }
#endif
