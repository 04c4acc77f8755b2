#if os(Linux)
    import ChaosEngine

    /// One socket of a proxied connection, and what is known of it without asking the kernel.
    final class EpollLeg {
        /// How long a socket that is closed on purpose still takes in and forgets what its peer
        /// sends. A socket closed over unread bytes sends a reset, which can destroy what was
        /// written before.
        static let lingerTime: Int64 = 5_000_000_000

        let leg: Leg
        let family: AddressFamily
        private(set) var descriptor: CInt
        /// Bytes that the kernel had no room for.
        var rest: HeldBytes?
        /// How many bytes came.
        var received = 0
        /// How many bytes waited for the socket when it was closed.
        private(set) var discarded = 0

        var isConnected = false
        /// Whether there may be something to read: an event said so, and reading has not yet met
        /// the end of what is there.
        var isReadable = false
        /// Whether reading to the end will meet the end of the stream, or a failure.
        var hasEnd = false
        /// Whether the kernel has no room for more bytes until an event says so.
        var isBlocked = false
        private(set) var hasInputEnded = false
        /// Whether the kernel would keep a small write back until the one before is acknowledged
        /// (RFC 896).
        private var isNagling: Bool
        private var hasWritten = false
        /// Whether the stream to the peer is to end behind what waits.
        private var endsBehindRest = false
        private var isOutputClosed = false
        private(set) var isLingering = false
        private(set) var isClosed = false
        /// Whether the kernel discards what arrives; unknown for sockets of a listener that was
        /// deaf.
        private var isDeaf: Bool?

        init(_ leg: Leg, _ descriptor: CInt, _ family: AddressFamily, isDeaf: Bool?) {
            self.leg = leg
            self.descriptor = descriptor
            self.family = family
            self.isDeaf = isDeaf
            self.isConnected = leg == .opener
            // Who was accepted has the listener's options.
            self.isNagling = leg == .listener && family != .local
        }

        /// A leg whose socket there is not yet.
        init(_ leg: Leg) {
            self.leg = leg
            self.descriptor = -1
            self.family = .local
            self.isNagling = false
        }

        deinit { assert(self.descriptor < 0, "descriptor \(self.descriptor) is closed by nobody") }

        var exists: Bool { self.descriptor >= 0 }

        /// Whether bytes may be written.
        var canTakeBytes: Bool { self.isConnected && self.rest == nil && !self.isClosed }

        func noteInputEnded() {
            self.hasInputEnded = true
            self.isReadable = false
        }

        /// Makes the socket deaf or lets it hear again.
        func setDeaf(_ isDeaf: Bool) {
            if self.isDeaf == isDeaf || !self.exists { return }
            self.isDeaf = isDeaf
            _ = Sockets.setDeaf(isDeaf, self.descriptor, self.family)
        }

        /// Writes as much as the kernel takes: how much that was, or a failure.
        func send(_ memory: UnsafeRawPointer, _ count: Int) -> Int {
            if self.isNagling {
                // What is written first waits for nothing, and many a connection writes only once.
                if self.hasWritten {
                    Sockets.setNoDelay(self.descriptor)
                    self.isNagling = false
                }
                self.hasWritten = true
            }
            return Sockets.send(self.descriptor, memory, count)
        }

        /// Ends the stream to the peer (FIN), behind what waits.
        func closeOutput() {
            if !self.exists || self.isOutputClosed { return }
            if self.rest != nil {
                self.endsBehindRest = true
                return
            }
            self.isOutputClosed = true
            Sockets.endWriting(self.descriptor)
        }

        /// Everything that waited was written.
        func noteWritten() {
            self.rest = nil
            if self.endsBehindRest { self.closeOutput() }
        }

        /// Closes the socket behind what waits. Until the peer ends its stream, what it sends is
        /// forgotten.
        func close() {
            if !self.exists { return }
            if self.rest == nil && self.hasInputEnded { return self.closeNow() }
            if !self.isConnected { return self.closeNow() }
            self.isLingering = true
            self.closeOutput()
        }

        /// Closes the socket with a reset (RST).
        func reset() {
            if !self.exists { return }
            let descriptor = self.descriptor
            self.forget()
            if self.family == .local {
                Sockets.close(descriptor)
            } else {
                Sockets.reset(descriptor)
            }
        }

        /// Closes the socket as it is.
        func closeNow() {
            if !self.exists { return }
            let descriptor = self.descriptor
            self.forget()
            Sockets.close(descriptor)
        }

        /// There will be no socket.
        func giveUp() { self.isClosed = true }

        private func forget() {
            self.descriptor = -1
            self.isClosed = true
            self.isReadable = false
            self.discarded += self.rest?.count ?? 0
            self.rest = nil
        }
    }
#endif
