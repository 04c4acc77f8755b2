#if os(Linux)
    import CLinux
    import ChaosCore
    import ChaosEngine
    import ChaosSockets
    import Glibc

    // Who sends to a port: whose session a datagram belongs to, and how sessions begin and end.

    extension DatagramPlane {
        func take(
            _ bytes: UnsafeRawBufferPointer, _ arrival: chaos_arrival, at port: DatagramPort,
            _ now: Instant
        ) {
            let key = arrival.from.key
            if let session = port.sessions[key] {
                return self.submit(
                    bytes, of: session, session.port === port ? .forward : .backward, at: now)
            }
            if let pending = port.pending[key] {
                if !pending.append(bytes) { self.tellOfCrowd(at: port, now) }
                return
            }
            let contacted: chaos_end? = arrival.knows_destination != 0 ? arrival.to : nil
            if let home = self.home(of: key, at: port) {
                if let session = self.admit(arrival.from, contacted, home, at: port, now) {
                    self.submit(bytes, of: session, .forward, at: now)
                }
                return
            }
            guard let rule = port.spec.openers else {
                if let session = self.open(port.spec, arrival.from, contacted, at: port, now) {
                    self.submit(bytes, of: session, .forward, at: now)
                }
                return
            }
            let pending = PendingSender(arrival.from, contacted: contacted)
            _ = pending.append(bytes)
            port.pending[key] = pending
            guard let ticket = port.queue?.append(pending) else { return }
            let (slot, post) = (port.slot, self.post)
            // Who sends to every address has a socket whose peer is the one he used.
            var place = contacted ?? port.end
            place.port = port.end.port
            rule.recognition.recognise(
                .udp(SocketPair(local: key, remote: place.key))
            ) { opener in
                post { plane in plane.answer(opener, for: ticket, at: slot) }
            }
        }

        /// Takes in who a sender is.
        private func answer(_ opener: Opener, for ticket: Int, at slot: Int) {
            guard !self.isClosed, let port = self.ports[slot] else { return }
            let known = port.links.count
            let now = self.clock.now
            for ready in port.queue?.answer(opener, for: ticket) ?? [] {
                let sender = ready.socket
                port.pending[sender.end.key] = nil
                if let remark = ready.remark { self.record(remark.event, remark.details, at: now) }
                guard
                    let session = self.open(ready.spec, sender.end, sender.contacted, at: port, now)
                else { continue }
                for datagram in sender.datagrams {
                    datagram.withUnsafeBytes { self.submit($0, of: session, .forward, at: now) }
                    if session.isOver { break }
                }
            }
            if port.links.count != known { self.apply(to: port) }
            self.sleep()
        }

        private func tellOfCrowd(at port: DatagramPort, _ now: Instant) {
            self.record(
                "warning",
                [
                    ("message", "datagrams were lost that came before it was known who sends them"),
                    ("link", .string(port.spec.link.description)),
                ], at: now)
        }

        /// The port at which the target of a port finds the node whose own socket this is: then what
        /// that node sends can come from there. At an address that everybody is told it is the one that
        /// everybody is told of that node.
        private func home(of sender: SocketEnd, at port: DatagramPort) -> DatagramPort? {
            guard let candidates = self.homes[sender] else { return nil }
            let viewer = port.isShared ? NodeName.client : port.spec.link.target
            return candidates.first {
                $0.spec.link.source == viewer && $0.spec.link.port == port.spec.link.port
                    && $0.spec.link.target != port.spec.link.target
                    && $0.socket.isIPv6 == (port.target.map { !$0.isIPv4 } ?? $0.socket.isIPv6)
            }
        }

        /// Opens a session between a node's own socket and a target.
        private func admit(
            _ sender: chaos_end, _ contacted: chaos_end?, _ home: DatagramPort,
            at port: DatagramPort,
            _ now: Instant
        ) -> DatagramSession? {
            guard let target = port.target else { return nil }
            let node = home.spec.link.target
            let link = Link(node, port.spec.link.target, port.spec.link.port)
            let isTold = port.spec.openers?.sharers.contains(node) == true
            if port.spec.link.source != node && !isTold {
                self.record(
                    "opener",
                    [
                        ("state", "mismatch"), ("link", .string(link.description)),
                        ("dialled", .string(port.spec.listen.description)),
                        ("of", .string(port.spec.link.description)),
                    ], at: now)
            }
            // Somebody who uses two ways to one target can be answered over one of them only.
            if home.sessions[target.key] != nil {
                let source = port.spec.openers?.sources[node]
                return self.open(
                    port.spec.over(node, from: source), sender, contacted, at: port, now)
            }
            let session = self.keep(
                over: link, sender, contacted, .between(home, target), at: port, now)
            home.sessions[target.key] = session
            return session
        }

        /// Opens a session with a socket of its own.
        private func open(
            _ spec: ProxiedLink, _ sender: chaos_end, _ contacted: chaos_end?,
            at port: DatagramPort,
            _ now: Instant
        ) -> DatagramSession? {
            guard let target = port.target else {
                self.tellUnreachable(spec.link, port.spec.upstream, "no address for it", at: now)
                return nil
            }
            switch self.makeSocket(for: target) {
            case .failure(let number):
                self.tellUnreachable(
                    spec.link, port.spec.upstream, SocketFailure.text(of: number.value), at: now)
                return nil
            case .success(let socket):
                var number: CInt = 0
                if let host = spec.sourceHost, let source = SocketEnd(host: host, port: 0) {
                    number = socket.bind(
                        to: chaos_end(high: source.high, low: source.low, scope: 0, port: 0))
                }
                if number == 0 { number = socket.connect(to: target) }
                if number < 0 {
                    socket.close()
                    self.tellUnreachable(
                        spec.link, port.spec.upstream, SocketFailure.text(of: -number), at: now)
                    return nil
                }
                let session = self.keep(
                    over: spec.link, sender, contacted, .own(socket), at: port, now)
                _ = self.watch.add(socket.descriptor, Tag.session(session.slot, session.generation))
                return session
            }
        }

        private func keep(
            over link: Link, _ sender: chaos_end, _ contacted: chaos_end?,
            _ way: DatagramSession.Way,
            at port: DatagramPort, _ now: Instant
        ) -> DatagramSession {
            let slot: Int
            if let free = self.freeSlots.popLast() {
                slot = free
            } else {
                slot = self.sessions.count
                self.sessions.append(nil)
                self.generations.append(0)
            }
            let flow = PacketFlow(over: link, in: self.network, tag: slot, at: now)
            let session = DatagramSession(
                slot: slot, generation: self.generations[slot], port: port, sender: sender,
                contacted: contacted, way: way, flow: flow, forward: self.line(of: link),
                backward: self.line(of: link.reversed), at: now)
            self.sessions[slot] = session
            port.sessions[sender.key] = session
            self.idle.insert(session)
            return session
        }

        func close(_ session: DatagramSession, at now: Instant) {
            if session.isOver { return }
            session.close(at: now)
            self.sessions[session.slot] = nil
            self.generations[session.slot] &+= 1
            self.freeSlots.append(session.slot)
        }
    }
#endif
