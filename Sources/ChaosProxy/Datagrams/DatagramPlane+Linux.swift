#if os(Linux)
    import CLinux
    import ChaosCore
    import ChaosEngine
    import ChaosSockets
    import Dispatch
    import Glibc

    /// Everything of the proxy that has to do with datagrams. It lives on the thread of the stream driver,
    /// which owns the network: so a change takes effect between two datagrams, of all links at once.
    final class DatagramPlane {
        let network: Network
        let clock: RunClock
        let watch: DatagramWatch
        /// Has something done on the network's thread.
        let post: @Sendable (@escaping @Sendable (DatagramPlane) -> Void) -> Void

        var ports: [DatagramPort?] = []
        var portsOpen = 0
        var sessions: [DatagramSession?] = []
        var generations: [UInt32] = []
        var freeSlots: [Int] = []
        /// Asked by link only, never gone through.
        var lines: [Link: DatagramLine] = [:]
        var idle: IdleOrder<DatagramSession>
        private var alarms = LineAlarms<DatagramLine>()
        /// The tags of sockets in which something may wait, in order.
        private var ready: [UInt64] = []
        /// Where nodes have their own sockets, and which ports lead there.
        var homes: [SocketEnd: [DatagramPort]] = [:]
        private let memory: UnsafeMutableRawBufferPointer
        var isClosed = false
        var isAskingForTargets = false

        /// The largest datagram there is has 65507 bytes.
        private static let datagramSize = 64 << 10
        /// How many datagrams of a socket are carried before others have their turn.
        private static let batch = 64

        init(
            network: Network, clock: RunClock, watch: DatagramWatch, idleTime: Duration,
            post: @escaping @Sendable (@escaping @Sendable (DatagramPlane) -> Void) -> Void
        ) {
            self.network = network
            self.clock = clock
            self.watch = watch
            self.post = post
            self.idle = IdleOrder(timeout: idleTime)
            self.memory = .allocate(byteCount: Self.datagramSize, alignment: 16)
        }

        deinit { self.memory.deallocate() }

        // MARK: - Lines

        func line(of link: Link) -> DatagramLine {
            if let line = self.lines[link] { return line }
            let line = DatagramLine(self.network.state(of: link))
            self.lines[link] = line
            return line
        }

        /// Takes over changes of faults and cuts; when this returns they are in effect.
        func networkChanged() {
            if self.isClosed { return }
            let now = self.clock.now
            for case let port? in self.ports { self.apply(to: port) }
            for case let session? in self.sessions where session.flow.isCutOff {
                session.flow.meetCutOff()
                self.close(session, at: now)
            }
            for state in self.network.linkStates {
                guard let line = self.lines[state.link], line.pipeline.isChanged else { continue }
                line.pipeline.networkChanged(at: now)
                self.drain(line, at: now)
            }
            self.sleep()
        }

        /// Has senders refused where the network wants it.
        func apply(to port: DatagramPort) {
            let revisions = port.links.flatMap {
                [self.network.state(of: $0).revision]
            }
            if revisions == port.revisions { return }
            port.revisions = revisions
            let isRefused = self.network.refusesPackets(over: port.links)
            if isRefused && !port.isRefusedByNetwork {
                // Whoever sends from now on is refused by the kernel, which tells nobody.
                for session in port.sessions.values {
                    session.line(session.port === port ? .forward : .backward)
                        .pipeline.meetRefusal()
                }
            }
            port.isRefusedByNetwork = isRefused
            port.applyRefusal()
        }

        /// Sends what a line lets go.
        private func drain(_ line: DatagramLine, at now: Instant) {
            while let packet = line.pipeline.next(at: now) {
                guard let content = packet.content as? DatagramBytes,
                    let session = self.sessions[packet.flow.tag], session.flow === packet.flow
                else { continue }
                content.bytes.withUnsafeBytes {
                    self.send($0, of: session, packet.direction, at: now)
                }
            }
            self.alarms.arm(line, at: line.pipeline.deadline)
        }

        private func send(
            _ bytes: UnsafeRawBufferPointer, of session: DatagramSession, _ direction: Direction,
            at now: Instant
        ) {
            var result = session.send(bytes, direction)
            // An error of an earlier datagram is told with the next one, which is not sent then.
            if result == -ECONNREFUSED || result == -EHOSTUNREACH || result == -ENETUNREACH {
                self.takeErrors(of: session, direction, at: now)
                if session.isOver { return }
                result = session.send(bytes, direction)
            }
            if result == 0 {
                return session.line(direction).pipeline.sent(bytes.count, of: session.flow)
            }
            if session.hasToldOfFailure { return }
            session.hasToldOfFailure = true
            self.tell("unreachable", session, why: SocketFailure.text(of: -result), at: now)
        }

        /// Lets a datagram go over a link, with its faults.
        func submit(
            _ bytes: UnsafeRawBufferPointer, of session: DatagramSession, _ direction: Direction,
            at now: Instant
        ) {
            session.usedAt = now
            let line = session.line(direction)
            if line.pipeline.passes(bytes.count, of: session.flow, direction, at: now) {
                return self.send(bytes, of: session, direction, at: now)
            }
            line.pipeline.received(
                Packet(
                    DatagramBytes(Array(bytes)), size: bytes.count, of: session.flow, direction),
                at: now)
            self.drain(line, at: now)
        }

        // MARK: - Turns

        /// Names a socket.
        enum Tag {
            static func port(_ slot: Int) -> UInt64 { UInt64(slot) << 1 }
            static func session(_ slot: Int, _ generation: UInt32) -> UInt64 {
                1 | UInt64(slot & 0x3fff_ffff) << 1 | UInt64(generation) << 32
            }
        }

        /// Does what is to be done now, and has itself called again.
        func work() {
            if self.isClosed { return }
            self.ready += self.watch.take()
            self.wakeLines()
            self.expire()
            let turn = self.ready
            self.ready.removeAll(keepingCapacity: true)
            for tag in turn { self.read(tag) }
            self.sleep()
        }

        func sleep() {
            self.watch.call(
                at: min(self.alarms.wakeAt, self.idle.wakeAt), now: self.clock.now,
                isBusy: !self.ready.isEmpty)
        }

        private func wakeLines() {
            let now = self.clock.now
            while let line = self.alarms.popDue(at: now) { self.drain(line, at: now) }
        }

        private func expire() {
            let now = self.clock.now
            while let session = self.idle.popIdle(at: now) { self.close(session, at: now) }
        }

        private func read(_ tag: UInt64) {
            let slot = Int(tag >> 1 & 0x3fff_ffff)
            if tag & 1 == 0 {
                if let port = self.ports[slot] { self.read(port, tag) }
                return
            }
            guard let session = self.sessions[slot], session.generation == UInt32(tag >> 32),
                case .own(let socket) = session.way
            else { return }
            var arrival = chaos_arrival()
            for _ in 0..<Self.batch {
                let count = self.receive(socket, &arrival)
                if count == -EAGAIN { return }
                let now = self.clock.now
                if count < 0 {
                    if count == -ECONNREFUSED { self.targetIsMissing(of: session, at: now) }
                } else {
                    self.submit(
                        UnsafeRawBufferPointer(rebasing: self.memory[..<count]), of: session,
                        .backward, at: now)
                }
                if session.isOver { return }
            }
            self.ready.append(tag)
        }

        private func receive(_ socket: DatagramSocket, _ arrival: inout chaos_arrival) -> Int {
            chaos_datagram_receive(
                socket.descriptor, self.memory.baseAddress, UInt(self.memory.count), &arrival)
        }

        private func read(_ port: DatagramPort, _ tag: UInt64) {
            var arrival = chaos_arrival()
            for _ in 0..<Self.batch {
                let count = self.receive(port.socket, &arrival)
                if count == -EAGAIN { return }
                let now = self.clock.now
                if count < 0 {
                    self.takeErrors(at: port, now)
                    continue
                }
                self.noteOverflow(arrival.overflow, at: port, now)
                self.take(
                    UnsafeRawBufferPointer(rebasing: self.memory[..<count]), arrival, at: port, now)
                if self.ports[port.slot] == nil { return }
            }
            self.ready.append(tag)
        }

        /// Says that the kernel lost what nobody asked it to lose.
        private func noteOverflow(_ overflow: UInt32, at port: DatagramPort, _ now: Instant) {
            if overflow == port.overflow { return }
            defer { port.overflow = overflow }
            // Once per port is enough: the counts in the journal of its sessions tell the rest.
            if port.overflow != 0 { return }
            self.record(
                "warning",
                [
                    (
                        "message",
                        .string(
                            "datagrams to \(port.end.endpoint) came faster than they were read, and "
                                + "the kernel lost some")
                    ), ("link", .string(port.spec.link.description)),
                ], at: now)
        }

        // MARK: - Books

        /// What the open sessions hold, in the order in which they were opened over their links.
        var status: [ConnectionStatus] {
            self.sessions.compactMap { $0 }.map { session in
                ConnectionStatus(
                    link: session.flow.ticket.link, ordinal: session.flow.ordinal,
                    openedAt: session.flow.ticket.openedAt, queuedBytes: session.flow.bytesQueued,
                    bufferedBytes: 0)
            }.sorted { ($0.openedAt, $0.ordinal) < ($1.openedAt, $1.ordinal) }
        }

        func tell(
            _ state: String, _ session: DatagramSession, why: String, at now: Instant
        ) {
            self.record(
                "connection",
                [
                    ("state", .string(state)),
                    ("link", .string(session.flow.ticket.link.description)),
                    ("connection", .int(Int64(session.flow.ordinal))),
                    ("target", .string(session.port.spec.upstream.description)),
                    ("why", .string(why)),
                ], at: now)
        }

        func tellUnreachable(
            _ link: Link, _ target: Endpoint, _ why: String, at now: Instant
        ) {
            self.record(
                "connection",
                [
                    ("state", "unreachable"), ("link", .string(link.description)),
                    ("target", .string(target.description)), ("why", .string(why)),
                ], at: now)
        }

        func record(
            _ event: String, _ details: [(key: String, value: JSONValue)], at now: Instant
        ) {
            self.network.record(JournalEntry(at: now, event: event, details: JSONObject(details)))
        }
    }

    extension chaos_end {
        var endpoint: Endpoint { self.key.endpoint }
    }
#endif
