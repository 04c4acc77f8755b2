#if os(Linux)
    import CLinux
    import ChaosCore
    import Glibc

    /// Waits for sockets, for a moment, and for other threads (epoll(7), timerfd_create(2)).
    ///
    /// Every socket is registered once, for everything and only for changes, and is forgotten when it
    /// is closed.
    final class Poller: @unchecked Sendable {
        // Sound because one thread makes it and hands it to the one that then uses it alone, or to one
        // that lets that one stand still meanwhile. Only the kernel's part is used while it waits.

        /// What an event belongs to.
        struct Tag {
            enum Kind: UInt64 { case opener, listener, acceptor, wakeup }

            let kind: Kind
            let index: Int
            let generation: UInt32

            var bits: UInt64 {
                self.kind.rawValue | UInt64(self.index) << 2 | UInt64(self.generation) << 32
            }

            init(_ kind: Kind, _ index: Int, _ generation: UInt32) {
                self.kind = kind
                self.index = index
                self.generation = generation
            }

            init(bits: UInt64) {
                // Two bits have four values, and there are four kinds.
                self.kind = Kind(rawValue: bits & 3) ?? .wakeup
                self.index = Int(bits >> 2 & 0x3fff_ffff)
                self.generation = UInt32(bits >> 32)
            }
        }

        /// What happened to a socket.
        struct Events {
            let bits: UInt32

            /// There may be something to read, be it the end or a failure.
            var isReadable: Bool {
                self.bits & (CHAOS_IN.rawValue | CHAOS_RDHUP.rawValue) != 0 || self.isEnd
            }
            /// Reading to the end will meet one.
            var hasEnd: Bool { self.bits & CHAOS_RDHUP.rawValue != 0 || self.isEnd }
            /// There is room for bytes.
            var isWritable: Bool { self.bits & CHAOS_OUT.rawValue != 0 }
            /// The socket failed.
            var isFailure: Bool { self.bits & CHAOS_ERR.rawValue != 0 }
            /// The socket failed, or is closed both ways.
            var isEnd: Bool { self.bits & (CHAOS_ERR.rawValue | CHAOS_HUP.rawValue) != 0 }
        }

        /// Where the mailbox and the timer are told apart.
        private static let mail = 0
        private static let timer = 1

        private let descriptor: CInt
        private let timer: CInt
        private let mailbox: CInt
        private let events: UnsafeMutablePointer<chaos_event>
        private var armed = Instant.never

        /// - Throws: `ProxyError` when the system has no descriptors left.
        init(waking mailbox: CInt) throws {
            self.mailbox = mailbox
            self.descriptor = chaos_poller_make()
            let number = errno
            self.timer = chaos_timer_make()
            self.events = .allocate(capacity: Int(CHAOS_EVENTS_MAX))
            if self.descriptor < 0 || self.timer < 0 {
                throw ProxyError(
                    description: "proxy: "
                        + SocketFailure.text(of: self.descriptor < 0 ? number : errno))
            }
            let tags = [mailbox: Self.mail, self.timer: Self.timer]
            for (descriptor, index) in tags
            where chaos_watch_input(
                self.descriptor, descriptor, Tag(.wakeup, index, 0).bits) != 0
            {
                throw ProxyError(description: "proxy: \(SocketFailure.text(of: errno))")
            }
        }

        deinit {
            self.events.deallocate()
            for descriptor in [self.descriptor, self.timer] where descriptor >= 0 {
                Sockets.close(descriptor)
            }
        }

        /// Reports a socket's changes from now on, and what it is like now.
        func watch(_ descriptor: CInt, _ tag: Tag) -> Bool {
            if tag.kind == .acceptor {
                return chaos_watch_listener(self.descriptor, descriptor, tag.bits) == 0
            }
            return chaos_watch(self.descriptor, descriptor, tag.bits) == 0
        }

        /// Reports nothing more of a socket that stays open.
        func forget(_ descriptor: CInt) { chaos_forget(self.descriptor, descriptor) }

        /// Whether a wait that goes on would end too late for this instant.
        func isLate(for instant: Instant) -> Bool { instant < self.armed }

        /// Lets the wait end at an instant of a clock that began at `start`.
        func wake(at instant: Instant, _ start: UInt64) {
            // An earlier moment that nobody needs any more costs one look and not a system call now.
            if instant >= self.armed { return }
            self.armed = instant
            chaos_timer_set(self.timer, start + UInt64(max(1, instant.nanoseconds)))
        }

        /// Waits, or only looks; tells how much happened.
        func wait(isPatient: Bool) -> Int {
            max(0, Int(chaos_wait(self.descriptor, self.events, isPatient ? 1 : 0)))
        }

        /// Reports what happened in the last wait. Tells whether there is mail.
        func report(_ count: Int, _ report: (Tag, Events) -> Void) -> Bool {
            var hasMail = false
            for index in 0..<count {
                let tag = Tag(bits: self.events[index].tag)
                if tag.kind != .wakeup {
                    report(tag, Events(bits: self.events[index].events))
                } else if tag.index == Self.mail {
                    chaos_signal_clear(self.mailbox)
                    hasMail = true
                } else {
                    self.armed = .never
                }
            }
            return hasMail
        }
    }
#endif
