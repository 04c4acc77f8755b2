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
        let network: Network
        let lab: LabNetwork
        private let ports: LabPorts
        let plane: LabPlane
        let proxy: Proxy
        let watch: DatagramWatch
        private let routes: RouteSocket
        private let rules: [RouteRule]
        private let openings: Int32
        /// Sends the SYNs that are to be answered.
        let sender: Int32
        private(set) var listeners: [(place: StandIn.End, socket: Int32)] = []
        /// Who opens a connection and is not accepted yet.
        var waiting: [Opening.Ends: Opening] = [:]
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

        var now: Instant { self.proxy.clock.now }

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
        func mayGo(_ opening: Opening) -> Bool {
            !self.plane.keepsBack(opening.link) && !self.isHeld(opening)
                && self.network.listenerPolicy(for: opening.link) == .open
        }

        private func isHeld(_ opening: Opening) -> Bool {
            self.network.state(of: opening.link).coveringCuts.contains { $0.mode == .hold }
        }

        /// Does with an opening what its link wants.
        func consider(_ opening: Opening) {
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

        // MARK: - Ends

        /// Answers as a kernel does where nobody listens, if the answer has a way.
        func refuse(_ opening: Opening) {
            if !self.plane.keepsBack(opening.link.reversed),
                let answer = ResetFrame.answering(opening.frame, opening.bytes)
            {
                self.plane.send(answer, to: opening.ends.opener.node)
            }
            self.forget(opening)
        }

        func forget(_ opening: Opening) {
            self.hangUp(opening)
            self.waiting[opening.ends] = nil
        }

        func hangUp(_ opening: Opening) {
            if let socket = opening.socket { chaos_stand_in_reset(socket) }
            opening.phase = .lost
        }
    }
#endif
