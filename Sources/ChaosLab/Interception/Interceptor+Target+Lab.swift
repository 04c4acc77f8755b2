#if os(Linux) && Lab
    import CLab
    import ChaosCore
    import ChaosEngine
    import ChaosProxy
    import ChaosTopology

    #if canImport(Glibc)
        import Glibc
    #else
        import Musl
    #endif

    // The way to the target, and back to who is to be accepted.

    extension Interceptor {
        func dial(_ opening: Opening) {
            var source = opening.ends.opener
            var socket = StandIn.dial(from: source, to: opening.ends.target)
            if socket == -EADDRINUSE || socket == -EADDRNOTAVAIL {
                self.plane.tellOnce(
                    "\(opening.link): a connection could not keep its source port, which an earlier "
                        + "one has not given up")
                source.port = 0
                socket = StandIn.dial(from: source, to: opening.ends.target)
            }
            if socket < 0 { return self.dialFailed(opening, -socket) }
            opening.phase = .calling(socket)
            // Between interfaces of one machine the answer is often there already.
            self.lookAtTarget(of: opening)
            if case .calling = opening.phase, !self.watch.addDialled(socket, opening.tag) {
                let number = errno
                self.hangUp(opening)
                self.dialFailed(opening, number)
            }
        }

        func lookAtTarget(of opening: Opening) {
            guard case .calling(let socket) = opening.phase else { return }
            let state = chaos_stand_in_state(socket)
            if state == 0 { return }
            if state < 0 {
                self.hangUp(opening)
                return self.dialFailed(opening, -state)
            }
            opening.phase = .called(socket)
            self.accept(opening)
        }

        /// Has the kernel answer the SYN in the target's place.
        func accept(_ opening: Opening) {
            var frame = opening.frame.withChecksum(opening.bytes)
            frame.replaceSubrange(0..<6, with: LabNetwork.switchHardware)
            let code = chaos_frame_send(
                self.sender, self.lab.switchInterface, frame, UInt(frame.count))
            if code < 0 {
                self.plane.tellOnce(
                    "a connection could not be accepted: \(String(cString: strerror(-code)))")
            }
            let listener = self.listeners.first { $0.place == opening.ends.target }
            if let listener { self.acceptAll(at: listener) }
        }

        func acceptAll(at listener: (place: StandIn.End, socket: Int32)) {
            while let (socket, opener) = StandIn.accept(listener.socket) {
                let opening = opener.flatMap {
                    self.waiting[Opening.Ends(opener: $0, target: listener.place)]
                }
                guard let opening, case .called(let target) = opening.phase else {
                    chaos_stand_in_reset(socket)
                    continue
                }
                self.waiting[opening.ends] = nil
                self.watch.forget(target)
                let pair = ConnectedPair(
                    link: opening.link, upstream: self.endpoint(listener.place), opener: socket,
                    target: target)
                if !self.proxy.adopt(pair) {
                    chaos_stand_in_reset(socket)
                    chaos_stand_in_reset(target)
                }
            }
        }

        private func endpoint(_ end: StandIn.End) -> Endpoint {
            .tcp(host: LabAddresses.node(end.node, end.family), port: end.port)
        }

        private func dialFailed(_ opening: Opening, _ number: Int32) {
            // What a cut keeps from its target has not failed.
            if !self.mayGo(opening) { return self.consider(opening) }
            self.network.record(
                JournalEntry(
                    at: self.now, event: "connection",
                    details: [
                        "state": "unreachable", "link": .string(opening.link.description),
                        "target": .string(self.endpoint(opening.ends.target).description),
                        "why": .string(String(cString: strerror(number)).lowercased()),
                    ]))
            if number == ECONNREFUSED { return self.refuse(opening) }
            self.forget(opening)
        }
    }
#endif
