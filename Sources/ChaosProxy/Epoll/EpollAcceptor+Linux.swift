#if os(Linux)
    import ChaosCore
    import ChaosEngine
    import Glibc

    /// One thread's part in a listener: it accepts who waits.
    final class EpollAcceptor: Sleeper {
        // The listener has it, and tells it to stop before it goes: then it asks nothing of it any more.
        private unowned let listener: EpollListener
        private let loop: EpollLoop
        /// Whether connections may wait to be accepted.
        private var isReadable = false
        /// Whether it waits for its turn.
        var isWaitingForTurn = false

        /// How many connections are accepted before others have their turn. While this thread sees to
        /// those, the kernel wakes another one for the next.
        private static let batch = 2
        /// How long accepting pauses when there are no descriptors.
        private static let pause: Int64 = 100_000_000

        init(of listener: EpollListener, on loop: EpollLoop) {
            self.listener = listener
            self.loop = loop
        }

        /// Looks whether somebody waits, when it has its turn.
        func askForTurn() {
            self.isReadable = true
            if self.isWaitingForTurn { return }
            self.isWaitingForTurn = true
            self.loop.giveTurn(to: self)
        }

        /// Accepts nobody until it is asked again.
        func stop() {
            self.isReadable = false
            self.loop.deadlines.set(self, at: .never)
        }

        /// Accepts who waits, as many as one turn allows. Who is accepted first is admitted first,
        /// whichever thread it was.
        func acceptSome() {
            for _ in 0..<Self.batch {
                if !self.isReadable || !self.listener.accepts(on: self.loop) { return }
                self.loop.openBooks()
                if self.loop.plane.shortage.isShort { return self.rest() }
                let accepted = Sockets.accept(self.listener.descriptor)
                if accepted >= 0 {
                    if !self.listener.take(accepted, on: self.loop) { return self.rest() }
                } else if accepted == -EAGAIN {
                    self.isReadable = false
                } else if [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(-accepted) {
                    self.loop.plane.shortage.warn(-accepted, at: self.listener.bound)
                    return self.rest()
                }
                // Anything else concerns one socket that is gone by now (accept(2)).
                self.loop.closeBooks()
                if self.loop.isPressed { break }
            }
            if self.isReadable { self.askForTurn() }
        }

        private func rest() {
            self.loop.deadlines.set(
                self, at: self.loop.plane.clock.now.advanced(byNanoseconds: Self.pause))
        }

        override func wake(at now: Instant) { self.acceptSome() }
    }
#endif
