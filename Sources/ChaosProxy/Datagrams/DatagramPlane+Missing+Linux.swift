#if os(Linux)
    import CLinux
    import ChaosCore
    import ChaosEngine
    import ChaosSockets
    import Dispatch
    import Glibc

    // What nobody receives: the kernel tells the socket that sent it (ip(7), IP_RECVERR). Whoever sent it
    // to the proxy is to meet the same, so his port refuses until there is a receiver again.

    extension DatagramPlane {
        /// How long senders are refused whose target was not there, before it is looked for again: a
        /// target on this machine, and any other.
        private static let localMissingTime = Duration.milliseconds(100)
        private static let otherMissingTime = Duration.seconds(1)

        /// Takes the errors of what a session's datagrams met on their way.
        func takeErrors(
            of session: DatagramSession, _ direction: Direction, at now: Instant
        ) {
            switch (direction, session.way) {
            case (.forward, .own(let socket)):
                var end = chaos_end()
                while true {
                    let number = chaos_datagram_take_error(socket.descriptor, &end)
                    if number == 0 { break }
                    if number == ECONNREFUSED { self.targetIsMissing(of: session, at: now) }
                }
                _ = Sockets.takeError(of: socket.descriptor)
            case (.forward, .between(let other, _)): self.takeErrors(at: other, now)
            case (.backward, _): self.takeErrors(at: session.port, now)
            }
        }

        /// Takes the errors of what was sent from a port: to senders, or to nodes' own sockets.
        func takeErrors(at port: DatagramPort, _ now: Instant) {
            var end = chaos_end()
            while true {
                let number = chaos_datagram_take_error(port.socket.descriptor, &end)
                if number == 0 { break }
                guard number == ECONNREFUSED, let session = port.sessions[end.key] else { continue }
                if session.port !== port {
                    self.targetIsMissing(of: session, at: now)
                } else if case .between(let other, _) = session.way {
                    // What comes back finds nobody: who sends there is refused as well.
                    self.targetIsMissing(at: other, now)
                } else {
                    // The sender is gone. So is then the socket that its target answers to, and the
                    // target's kernel learns of it as it would without us.
                    self.close(session, at: now)
                }
            }
            _ = Sockets.takeError(of: port.socket.descriptor)
        }

        /// Nobody receives what a session's sender sends: the kernel refuses it from now on, until
        /// somebody does.
        func targetIsMissing(of session: DatagramSession, at now: Instant) {
            if !session.hasToldOfFailure {
                session.hasToldOfFailure = true
                self.tell(
                    "unreachable", session, why: SocketFailure.text(of: ECONNREFUSED), at: now)
            }
            self.targetIsMissing(at: session.port, now)
        }

        private func targetIsMissing(at port: DatagramPort, _ now: Instant) {
            if port.targetMissingUntil != nil { return }
            let isLocal = port.target?.isLoopback ?? false
            port.targetMissingUntil =
                now + (isLocal ? Self.localMissingTime : Self.otherMissingTime)
            port.applyRefusal()
            self.lookForTargetsLater()
        }

        private func lookForTargetsLater() {
            if self.isAskingForTargets { return }
            self.isAskingForTargets = true
            let post = self.post
            DatagramDriver.queue.asyncAfter(deadline: .now() + .milliseconds(100)) {
                post { $0.lookForTargets() }
            }
        }

        /// Looks which targets are there again. The list of sockets is as long as the machine has
        /// sockets: it is read where one may wait.
        private func lookForTargets() {
            let missing = self.ports.compactMap { $0 }.filter { $0.targetMissingUntil != nil }
            let ends = Set(missing.compactMap(\.target).filter(\.isLoopback).map(\.key))
            let post = self.post
            DatagramDriver.queue.async {
                let bound = ends.isEmpty ? [] : BoundDatagramPorts.among(ends)
                post { $0.found(bound) }
            }
        }

        private func found(_ bound: Set<SocketEnd>) {
            self.isAskingForTargets = false
            if self.isClosed { return }
            let now = self.clock.now
            var isAnyMissing = false
            for case let port? in self.ports {
                guard let until = port.targetMissingUntil, let target = port.target else {
                    continue
                }
                let isThere = target.isLoopback ? bound.contains(target.key) : until <= now
                if isThere {
                    port.targetMissingUntil = nil
                    port.applyRefusal()
                    for session in port.sessions.values { session.hasToldOfFailure = false }
                } else {
                    isAnyMissing = true
                }
            }
            if isAnyMissing { self.lookForTargetsLater() }
        }
    }
#endif
