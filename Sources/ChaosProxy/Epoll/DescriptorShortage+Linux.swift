#if os(Linux)
    import ChaosCore
    import ChaosEngine
    import Glibc

    /// What happens when the process has no descriptors left: who was accepted waits, nobody else is
    /// accepted, and the user is told once. In the plane's books.
    final class DescriptorShortage {
        private let network: Network
        private let clock: RunClock
        private let mailbox: Mailbox
        private let feeding = Feeding()
        /// The connections that could not dial for want of a descriptor, in order.
        private var starving: [EpollConnection] = []
        private var limit = Sockets.descriptorLimit
        private var warnedAt: Instant?
        private var isFeedingAsked = false

        /// How many descriptors are left to others in this process: the control socket, files,
        /// commands to be started.
        private static let margin = 32
        /// How long a shortage counts as one.
        private static let duration = Duration.seconds(10)

        init(_ network: Network, _ clock: RunClock, _ mailbox: Mailbox) {
            self.network = network
            self.clock = clock
            self.mailbox = mailbox
        }

        /// Whether a connection that was accepted still waits for a descriptor: no others are
        /// accepted before it.
        var isShort: Bool { !self.starving.isEmpty }

        /// Lets a connection dial when there are descriptors again.
        func starve(_ connection: EpollConnection, _ number: CInt) {
            self.warn(number, at: connection.route.upstream, isAccepting: false)
            self.starving.append(connection)
            _ = self.mailbox.post { plane in plane.shortage.feeding.begin(on: plane) }
        }

        /// A connection is gone, and its descriptors with it.
        func descriptorsAreFree() {
            if self.starving.isEmpty || self.isFeedingAsked { return }
            self.isFeedingAsked = true
            _ = self.mailbox.post { plane in plane.shortage.feed() }
        }

        /// Lets those dial for whom there are descriptors now; all threads stand still.
        private func feed() {
            self.isFeedingAsked = false
            let starving = self.starving
            self.starving = []
            for connection in starving {
                if self.isShort {
                    // One that still could not is in front.
                    self.starving.append(connection)
                } else if !connection.isOver {
                    connection.dialAgain()
                }
            }
        }

        /// Tries again every now and then, since others in this process have descriptors too.
        private final class Feeding: Sleeper {
            private static let interval: Int64 = 100_000_000
            // It sleeps in a loop of the plane.
            private unowned(unsafe) var plane: EpollPlane?

            func begin(on plane: EpollPlane) {
                self.plane = plane
                plane.first.deadlines.set(
                    self, at: plane.clock.now.advanced(byNanoseconds: Self.interval))
            }

            override func wake(at now: Instant) {
                guard let plane = self.plane else { return }
                plane.alone { plane.shortage.feed() }
            }
        }

        /// Whether the descriptors are about to run out, by the number of the newest.
        func isNear(_ descriptor: CInt) -> Bool {
            let margin = min(Self.margin, self.limit / 8)
            if Int(descriptor) < self.limit - margin { return false }
            self.limit = Sockets.descriptorLimit
            return Int(descriptor) >= self.limit - margin
        }

        /// Says once what keeps connections waiting.
        func warn(_ number: CInt, at place: Endpoint, isAccepting: Bool = true) {
            let now = self.clock.now
            defer { self.warnedAt = now }
            if let last = self.warnedAt, now - last < Self.duration { return }
            let what = isAccepting ? "accept on" : "connect to"
            let message =
                "cannot \(what) \(place): \(SocketFailure.text(of: number)); "
                + "new connections wait until it can again"
            self.network.record(
                JournalEntry(
                    at: now, event: "warning",
                    details: JSONObject([("message", .string(message))])))
        }
    }
#endif
