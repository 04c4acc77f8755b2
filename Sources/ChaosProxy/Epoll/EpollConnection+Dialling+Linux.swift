#if os(Linux)
    import ChaosCore
    import ChaosEngine
    import Glibc
    import NIOCore

    // The way to the target: after `accept_delay`, never across a cut, and again after heal if a cut
    // came in between.

    /// How far the way to a connection's target is, and what is under way.
    struct DialState {
        enum Progress: UInt8 {
            /// Not begun: a delay, a cut or a shortage of descriptors is in front of it.
            case waiting
            /// The target's name is being looked up, or it was called and has not answered.
            case calling
            /// The target answered, or will not.
            case done
        }

        var progress = Progress.waiting
        /// Whether a cut came while the target was called: its answer may be lost.
        var wasCut = false
        /// Which call is the current one; answers to others are late.
        var call: UInt32 = 0
        /// Whether `accept_delay` holds it back.
        var isDelayed = false
        /// Keeps a descriptor for a socket to come.
        var placeholder: CInt = -1
        /// When a delay, or the patience with the target, ends.
        var deadline = Instant.never
        /// When to give a target up whose queue is full.
        var patience = Instant.never
        /// Further addresses of the target, if its name has several.
        var others: [SocketAddress] = []
    }

    extension EpollConnection {
        /// How long a target may take to answer.
        static var dialTimeout: Int64 { 10_000_000_000 }
        /// How long to wait when a target's queue is full and the kernel will not wait by itself:
        /// local sockets (connect(2), EAGAIN).
        private static var retryTime: Int64 { 2_000_000 }

        /// Dials, after the time that `accept_delay` asks for.
        func beginDialling() {
            if self.engine != nil {
                let delay = self.plane.network.acceptDelay(of: self.ticket.link)
                if delay != .zero {
                    self.dialling.isDelayed = true
                    self.dialling.deadline = self.plane.clock.now + delay
                    self.plane.reserveDescriptor(for: self)
                    return
                }
            }
            self.dialIfPossible()
        }

        /// Goes on from where somebody else has dialled.
        func beginReached() {
            let isWatched = self.loop.watch(self.listener, of: self)
            self.answered()
            if !isWatched { self.fail(self.listener) }
        }

        /// The time of a delay or of a call is over.
        func dialDeadlineCame(_ now: Instant) {
            if self.isOver || self.dialling.deadline > now { return }
            self.dialling.deadline = .never
            if self.dialling.progress == .calling {
                return self.dialFailed("no answer within \(Self.dialTimeout / 1_000_000_000)s")
            }
            self.dialling.isDelayed = false
            self.dialIfPossible()
        }

        /// Goes on after a change of the network.
        func resumeDialling() {
            if self.dialling.isDelayed {
                let faults = self.ticket.forward.winningInjections
                if !faults.contains(where: { $0.fault.kind == .acceptDelay }) {
                    self.dialling.isDelayed = false
                    self.dialling.deadline = .never
                }
            }
            if self.dialling.progress == .calling {
                if !self.mayReachTarget {
                    self.dialling.wasCut = true
                } else if self.dialling.wasCut, self.listener.exists,
                    Sockets.isUnanswered(self.listener.descriptor, self.listener.family)
                {
                    // The kernel alone might wait a minute before it tries again. Only the kernel
                    // knows that there is no answer: nobody may have looked yet.
                    self.hangUp()
                }
            }
            self.dialIfPossible()
        }

        private var mayReachTarget: Bool { self.engine?.mayReachTarget ?? true }

        /// Ends what may still be under way.
        func stopDialling() {
            self.dialling.deadline = .never
            self.dialling.isDelayed = false
            self.releasePlaceholder()
            if self.dialling.progress == .calling { self.hangUp() }
        }

        private func releasePlaceholder() {
            if self.dialling.placeholder >= 0 { Sockets.close(self.dialling.placeholder) }
            self.dialling.placeholder = -1
        }

        private func hangUp() {
            self.dialling.call += 1
            self.dialling.progress = .waiting
            self.dialling.deadline = .never
            // The target may have answered already: a reset, not an end, tells it that nothing
            // comes.
            self.listener.reset()
            self.listener = EpollLeg(.listener)
        }

        /// Dials now that there are descriptors again.
        func dialAgain() {
            self.enter()
            self.dialIfPossible()
            self.askForTurn()
        }

        private func dialIfPossible() {
            guard self.dialling.progress == .waiting, !self.dialling.isDelayed, !self.isOver,
                self.mayReachTarget
            else { return }
            self.dialling.progress = .calling
            self.dialling.wasCut = false
            self.dialling.call += 1
            let deadline = self.plane.clock.now.advanced(byNanoseconds: Self.dialTimeout)
            self.dialling.deadline = deadline
            if self.dialling.patience == .never { self.dialling.patience = deadline }
            if let address = self.route.target {
                self.dialling.others = []
                self.call(address)
            } else {
                self.lookUp()
            }
        }

        private func lookUp() {
            let call = self.dialling.call
            self.loop.openBooks()
            self.plane.names.lookUp(self.route.upstream) { result in
                self.enter()
                guard self.dialling.call == call, self.dialling.progress == .calling else { return }
                switch result {
                case .success(let addresses):
                    self.dialling.others = Array(addresses.dropFirst())
                    self.call(addresses[0])
                case .failure(let error): self.dialFailed(SocketFailure.reason(error))
                }
                self.service()
            }
        }

        private func call(_ address: SocketAddress) {
            self.releasePlaceholder()
            let descriptor = Sockets.make(for: address)
            if descriptor == -EMFILE || descriptor == -ENFILE {
                // Descriptors are free again when another connection ends.
                self.dialling.progress = .waiting
                self.dialling.deadline = .never
                self.loop.openBooks()
                return self.plane.shortage.starve(self, -descriptor)
            }
            if descriptor < 0 { return self.dialFailed(SocketFailure.text(of: -descriptor)) }
            let family = AddressFamily(address)
            if family != .local {
                Sockets.sendUnpaced(descriptor, address)
                if let source = self.route.source {
                    let result = Sockets.bindSource(descriptor, to: source)
                    if result < 0 {
                        Sockets.close(descriptor)
                        return self.dialFailed(SocketFailure.text(of: -result))
                    }
                }
            }
            let result = Sockets.connect(descriptor, to: address)
            let now = self.plane.clock.now
            if result == -EAGAIN && family == .local && now < self.dialling.patience {
                Sockets.close(descriptor)
                self.dialling.progress = .waiting
                self.dialling.isDelayed = true
                self.dialling.deadline = now.advanced(byNanoseconds: Self.retryTime)
                return
            }
            if result < 0 && result != -EINPROGRESS {
                Sockets.close(descriptor)
                return self.dialFailed(SocketFailure.text(of: -result))
            }
            self.listener = EpollLeg(.listener, descriptor, family, isDeaf: false)
            if !self.loop.watch(self.listener, of: self) {
                let number = errno
                self.listener.closeNow()
                return self.dialFailed(SocketFailure.text(of: number))
            }
            if result == 0 { self.answered() }
        }

        /// Whether an event of the socket that faces the target means that the target answered.
        func hasAnswered(_ events: Poller.Events) -> Bool {
            if events.isEnd {
                let number = Sockets.takeError(of: self.listener.descriptor)
                // Answered, and gone again at once.
                if number == 0 && events.isWritable && !events.isFailure {
                    self.answered()
                    return true
                }
                self.dialFailed(SocketFailure.text(of: number == 0 ? ECONNREFUSED : number))
                return false
            }
            if !events.isWritable { return false }
            self.answered()
            return true
        }

        private func answered() {
            self.listener.isConnected = true
            self.dialling.progress = .done
            self.dialling.deadline = .never
            self.dialling.others = []
            self.applySilence()
        }

        /// A target that cannot be reached resets what was accepted for it: the nearest thing to a
        /// refusal, once the kernel has accepted.
        private func dialFailed(_ why: String) {
            if !self.dialling.others.isEmpty, self.dialling.deadline != .never {
                self.listener.closeNow()
                self.listener = EpollLeg(.listener)
                return self.call(self.dialling.others.removeFirst())
            }
            self.hangUp()
            // A call that a cut kept from its target has not failed; it is made again after heal.
            if !self.mayReachTarget { return }
            self.dialling.progress = .done
            self.loop.openBooks()
            self.plane.record(
                "connection",
                [
                    ("state", "unreachable"), ("link", .string(self.ticket.link.description)),
                    ("connection", .int(Int64(self.ticket.ordinal))),
                    ("target", .string(self.route.upstream.description)), ("why", .string(why)),
                ])
            if self.route.endsUnreached { self.end() } else { self.fail(self.listener) }
        }
    }
#endif
