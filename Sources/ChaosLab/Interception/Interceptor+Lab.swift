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

    // How a connection to an intercepted port comes to be:
    //
    //   n1 ── SYN ──▶ a packet socket sees it; the listener in n2's place does not (its gate)
    //                 the target is dialled from n1's own address and port
    //        refused ──▶ n1 gets a RST, as from n2
    //        no answer ▶ n1 gets none
    //        accepted ─▶ the SYN is sent once more, over sw0, which the gate lets through:
    //   n1 ◀─ SYN, ACK ─ the kernel, in n2's place
    //   n1 ── ACK ────▶ accepted; the proxy takes over both sockets
    //
    // So nobody is ever accepted for a target that would not have him. What decides is the engine, and the
    // routes; this carries it out.

    /// Accepts connections to intercepted ports in their targets' place, and hands them to the proxy. It
    /// lives on the thread that owns the network.
    final class Interceptor {
        private let network: Network
        private let lab: LabNetwork
        private let ports: LabPorts
        private let plane: LabPlane
        private let proxy: Proxy
        private let watch: DatagramWatch
        private let routes: RouteSocket
        private let rules: [RouteRule]
        private let openings: Int32
        private let sender: Int32
        private var listeners: [(place: StandIn.End, socket: Int32)] = []
        private var waiting: [Opening.Ends: Opening] = [:]
        private var nextTag = Interceptor.firstTag
        private var memory = [UInt8](repeating: 0, count: 2048)
        private var isClosed = false

        /// The tags of the packet socket, of listeners from 1 on, and of sockets that are dialled.
        private static let openingsTag: UInt64 = 0
        private static let firstTag: UInt64 = 1 << 32
        /// How many SYNs are taken before others have their turn.
        private static let batch = 256

        init(
            network: Network, lab: LabNetwork, ports: LabPorts, plane: LabPlane, proxy: Proxy,
            watch: DatagramWatch
        ) throws {
            self.network = network
            self.lab = lab
            self.ports = ports
            self.plane = plane
            self.proxy = proxy
            self.watch = watch
            self.routes = try RouteSocket()
            self.rules = InterceptionRules.rules(ports, nodes: lab.nodes.count)
            let places = ports.nodes.flatMap { node in
                ports.ports(of: node).filter(\.isIntercepted).flatMap { port in
                    LabAddresses.Family.allCases.map { StandIn.End($0, node, port.number) }
                }
            }
            let sender = chaos_sender_open()
            if sender < 0 { throw Self.failure("a packet socket cannot be had", sender) }
            self.sender = sender
            let openings = StandIn.openings(to: Set(places.map(\.port)).sorted())
            if openings < 0 {
                close(sender)
                throw Self.failure("a packet socket cannot be had", openings)
            }
            self.openings = openings
            do {
                let gate = InterceptionFilters.gate(openedBy: chaos_interface_index("sw0"))
                for place in places {
                    let socket = StandIn.listen(at: place, through: gate)
                    if socket < 0 {
                        throw Self.failure(
                            "nobody can listen in the place of \(lab.nodes[place.node - 1]), port "
                                + "\(place.port) (IP_TRANSPARENT)", socket)
                    }
                    self.listeners.append((place, socket))
                }
                // Before anybody is led here, somebody must be there.
                try self.routes.change(.add, self.rules)
            } catch {
                self.closeSockets()
                throw error
            }
            _ = watch.add(openings, Self.openingsTag)
            for (index, listener) in self.listeners.enumerated() {
                _ = watch.add(listener.socket, UInt64(index) + 1)
            }
        }

        private static func failure(_ what: String, _ code: Int32) -> LabError {
            LabError("the lab: \(what): \(String(cString: strerror(-code)))")
        }

        private var now: Instant { self.proxy.clock.now }

        /// Ends everything. Connections that were handed over are the proxy's.
        func closeAll() {
            if self.isClosed { return }
            self.isClosed = true
            try? self.routes.change(.remove, self.rules)
            for opening in self.waiting.values { self.hangUp(opening) }
            self.waiting = [:]
            self.closeSockets()
        }

        private func closeSockets() {
            for listener in self.listeners { close(listener.socket) }
            self.listeners = []
            close(self.openings)
            close(self.sender)
        }

        // MARK: - What happens

        /// Does what is to be done now.
        func work() {
            if self.isClosed { return }
            for tag in self.watch.take() {
                if tag >= Self.firstTag {
                    let opening = self.waiting.values.first { $0.tag == tag }
                    if let opening { self.lookAtTarget(of: opening) }
                } else if tag != Self.openingsTag {
                    self.acceptAll(at: self.listeners[Int(tag) - 1])
                }
            }
            let isMore = self.readOpenings()
            self.wakeOpenings()
            let next = self.waiting.values.map(\.deadline).min() ?? .never
            self.watch.call(at: next, now: self.now, isBusy: isMore)
        }

        /// Obeys the network as it is now.
        func networkChanged() {
            if self.isClosed || self.waiting.isEmpty { return }
            for opening in self.inOrder {
                switch opening.phase {
                case .held: self.consider(opening)
                case .calling, .called, .delayed:
                    if !self.mayGo(opening) {
                        self.hangUp(opening)
                        self.consider(opening)
                    }
                case .lost: break
                }
            }
        }

        private var inOrder: [Opening] { self.waiting.values.sorted { $0.tag < $1.tag } }

        private func wakeOpenings() {
            let now = self.now
            for opening in self.inOrder where opening.deadline <= now {
                if case .delayed(let until) = opening.phase, until <= now {
                    opening.wasDelayed = true
                    self.consider(opening)
                } else if opening.patience <= now {
                    self.forget(opening)
                }
            }
        }

        // MARK: - Openings

        /// Takes SYNs; tells whether there may be more.
        private func readOpenings() -> Bool {
            for _ in 0..<Self.batch {
                var interface: UInt32 = 0
                let count = chaos_openings_next(
                    self.openings, &self.memory, UInt(self.memory.count), &interface)
                if count <= 0 { return false }
                self.take(Array(self.memory[..<Int(count)]), from: interface)
            }
            return true
        }

        private func take(_ bytes: [UInt8], from interface: UInt32) {
            // A node has one way to the router; what comes another way was sent from here.
            guard let frame = LabFrame(bytes), frame.opensConnection, let source = frame.source,
                let target = frame.target, target != source,
                self.lab.nodes.indices.contains(source - 1),
                self.lab.nodes.indices.contains(target - 1),
                self.lab.interfaces[source - 1] == interface
            else { return }
            let place = self.ports.place(
                from: source, to: target, frame.ruleTransport, sourcePort: frame.sourcePort,
                targetPort: frame.targetPort)
            guard place.isIntercepted, place.isToListener == true else { return }
            let ends = Opening.Ends(
                opener: StandIn.End(frame.family, source, frame.sourcePort),
                target: StandIn.End(frame.family, target, frame.targetPort))
            if let known = self.waiting[ends] {
                if known.frame.sequence == frame.sequence {
                    known.lastAt = self.now
                    switch known.phase {
                    case .lost: self.consider(known)
                    case .called: self.accept(known)
                    case .held, .delayed, .calling: break
                    }
                    return
                }
                self.forget(known)
            }
            self.nextTag += 1
            let opening = Opening(
                ends,
                over: Link(self.lab.nodes[source - 1], self.lab.nodes[target - 1], place.port),
                tag: self.nextTag, frame, bytes, at: self.now)
            self.waiting[ends] = opening
            self.consider(opening)
        }

        /// Whether the target may be called for it.
        private func mayGo(_ opening: Opening) -> Bool {
            !self.plane.keepsBack(opening.link) && !self.isHeld(opening)
                && self.network.listenerPolicy(for: opening.link) == .open
        }

        private func isHeld(_ opening: Opening) -> Bool {
            self.network.state(of: opening.link).coveringCuts.contains { $0.mode == .hold }
        }

        /// Does with an opening what its link wants.
        private func consider(_ opening: Opening) {
            opening.phase = .lost
            // Witnesses count what routes keep back.
            if self.plane.keepsBack(opening.link) { return }
            switch self.network.listenerPolicy(for: opening.link) {
            case .silent:
                if !opening.isCounted { self.network.attemptBlocked(on: opening.link) }
                opening.isCounted = true
            case .refused:
                self.network.attemptBlocked(on: opening.link)
                self.refuse(opening)
            case .open where self.isHeld(opening): opening.phase = .held
            case .open:
                let delay =
                    opening.wasDelayed ? .zero : self.network.acceptDelay(of: opening.link)
                if delay > .zero {
                    let until = self.now + delay
                    opening.phase = .delayed(until: until)
                    self.watch.call(at: until, now: self.now, isBusy: true)
                } else {
                    self.dial(opening)
                }
            }
        }

        // MARK: - The target

        private func dial(_ opening: Opening) {
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

        private func lookAtTarget(of opening: Opening) {
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
        private func accept(_ opening: Opening) {
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

        private func acceptAll(at listener: (place: StandIn.End, socket: Int32)) {
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

        // MARK: - Ends

        /// Answers as a kernel does where nobody listens, if the answer has a way.
        private func refuse(_ opening: Opening) {
            if !self.plane.keepsBack(opening.link.reversed),
                let answer = ResetFrame.answering(opening.frame, opening.bytes)
            {
                self.plane.send(answer, to: opening.ends.opener.node)
            }
            self.forget(opening)
        }

        private func forget(_ opening: Opening) {
            self.hangUp(opening)
            self.waiting[opening.ends] = nil
        }

        private func hangUp(_ opening: Opening) {
            if let socket = opening.socket { chaos_stand_in_reset(socket) }
            opening.phase = .lost
        }
    }
#endif
