#if os(Linux)
    import CLinux
    import ChaosCore
    import Foundation
    import NIOConcurrencyHelpers

    /// Waits for datagrams and for a moment, on a thread of its own, and calls the thread that owns the
    /// network: no stream driver has to know of datagrams.
    package final class DatagramWatch: Sendable {
        private struct State {
            /// The tags of sockets to which something came, in order.
            var ready: [UInt64] = []
            /// Whether the network's thread was called and has not come yet.
            var isCalling = false
            var armed = Instant.never
            var isClosed = false
        }

        private static let mail: UInt64 = .max
        private static let timer: UInt64 = .max - 1
        /// How long it takes until the network's thread is there. So much earlier it is called, and
        /// waits for the rest: it never acts early.
        private static let callTime: Int64 = 60_000

        private let poller: CInt
        private let timer: CInt
        private let signal: CInt
        private let start: UInt64
        private let call: @Sendable () -> Bool
        private let state = NIOLockedValueBox(State())

        /// - Parameters:
        ///   - name: The thread's, at most 15 bytes.
        ///   - call: Has the network's thread come; false when it is gone.
        /// - Throws: `ProxyError` when the system has no descriptors left.
        package init(
            _ clock: RunClock, name: String = "chaos-datagrams",
            call: @escaping @Sendable () -> Bool
        ) throws {
            self.start = clock.start
            self.call = call
            self.poller = chaos_poller_make()
            self.timer = chaos_timer_make()
            self.signal = chaos_signal_make()
            let failure = errno
            if self.poller < 0 || self.timer < 0 || self.signal < 0 {
                for descriptor in [self.poller, self.timer, self.signal] where descriptor >= 0 {
                    Sockets.close(descriptor)
                }
                throw ProxyError(description: "proxy: \(SocketFailure.text(of: failure))")
            }
            _ = chaos_watch_input(self.poller, self.signal, Self.mail)
            _ = chaos_watch_input(self.poller, self.timer, Self.timer)
            let watch = self
            let thread = Thread {
                chaos_begin_thread(name)
                watch.run()
            }
            thread.start()
        }

        deinit {
            for descriptor in [self.poller, self.timer, self.signal] { Sockets.close(descriptor) }
        }

        /// Reports what comes to a socket, until it is closed.
        package func add(_ descriptor: CInt, _ tag: UInt64) -> Bool {
            chaos_watch_datagrams(self.poller, descriptor, tag) == 0
        }

        /// Reports what happens to a socket that is being connected, until it is forgotten or closed.
        package func addDialled(_ descriptor: CInt, _ tag: UInt64) -> Bool {
            chaos_watch(self.poller, descriptor, tag) == 0
        }

        /// Reports nothing more of a socket, which stays open.
        package func forget(_ descriptor: CInt) { chaos_forget(self.poller, descriptor) }

        /// Has the network's thread come again: at an instant, at the latest, or as soon as it can if that
        /// is in a moment or there is more to do.
        package func call(at instant: Instant, now: Instant, isBusy: Bool) {
            if isBusy || instant <= now.advanced(byNanoseconds: Self.callTime) {
                self.report([])
            } else {
                self.wake(at: instant)
            }
        }

        private func wake(at instant: Instant) {
            let isNew = self.state.withLockedValue { state in
                if instant == state.armed { return false }
                state.armed = instant
                return true
            }
            if !isNew || instant == .never { return }
            let early = max(1, instant.nanoseconds - Self.callTime)
            chaos_timer_set(self.timer, self.start + UInt64(early))
        }

        /// Takes the tags of all sockets to which something came.
        package func take() -> [UInt64] {
            self.state.withLockedValue { state in
                defer { state.ready.removeAll(keepingCapacity: true) }
                state.isCalling = false
                return state.ready
            }
        }

        /// Ends the thread.
        package func close() {
            self.state.withLockedValue { $0.isClosed = true }
            chaos_signal_raise(self.signal)
        }

        private func report(_ tags: [UInt64]) {
            let mustCall = self.state.withLockedValue { state in
                state.ready += tags
                defer { state.isCalling = true }
                return !state.isCalling
            }
            if mustCall { _ = self.call() }
        }

        private func run() {
            var events = [chaos_event](repeating: chaos_event(), count: Int(CHAOS_EVENTS_MAX))
            var tags: [UInt64] = []
            while !self.state.withLockedValue({ $0.isClosed }) {
                let count = chaos_wait(self.poller, &events, 1)
                tags.removeAll(keepingCapacity: true)
                var isDue = false
                for event in events.prefix(max(0, Int(count))) {
                    switch event.tag {
                    case Self.mail: chaos_signal_clear(self.signal)
                    case Self.timer:
                        isDue = true
                        self.state.withLockedValue { $0.armed = .never }
                    default: tags.append(event.tag)
                    }
                }
                if isDue || !tags.isEmpty { self.report(tags) }
            }
        }
    }
#endif
