#if os(Linux)
    import CLinux
    import ChaosCore
    import ChaosEngine
    import ChaosSockets
    import Dispatch
    import Glibc
    import HeapModule

    /// Everything of the proxy that has to do with datagrams. It lives on the thread of the stream driver,
    /// which owns the network: so a change takes effect between two datagrams, of all links at once.
    final class DatagramPlane {
        let network: Network
        let clock: RunClock
        let watch: DatagramWatch
        /// Has something done on the network's thread.
        let post: @Sendable (@escaping @Sendable (DatagramPlane) -> Void) -> Void

        var ports: [DatagramPort?] = []
        private var portsOpen = 0
        private var sessions: [DatagramSession?] = []
        private var generations: [UInt32] = []
        private var freeSlots: [Int] = []
        /// Asked by link only, never gone through.
        private var lines: [Link: DatagramLine] = [:]
        private var idle: IdleOrder<DatagramSession>
        private var alarms = Heap<Alarm>()
        /// The tags of sockets in which something may wait, in order.
        private var ready: [UInt64] = []
        /// Where nodes have their own sockets, and which ports lead there.
        private var homes: [SocketEnd: [DatagramPort]] = [:]
        private let memory: UnsafeMutableRawBufferPointer
        private(set) var isClosed = false
        var isAskingForTargets = false

        /// The largest datagram there is has 65507 bytes.
        private static let datagramSize = 64 << 10
        /// How many datagrams of a socket are carried before others have their turn.
        private static let batch = 64
        /// How many descriptors are left to others in this process.
        private static let descriptorMargin = 32

        /// A line that must be looked at.
        private struct Alarm: Comparable {
            let at: Instant
            let line: DatagramLine

            static func == (left: Alarm, right: Alarm) -> Bool { left.at == right.at }
            static func < (left: Alarm, right: Alarm) -> Bool { left.at < right.at }
        }

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

        // MARK: - Opening and closing

        /// A port that is to be opened, with the addresses that were found for it.
        struct Route: Sendable {
            let spec: ProxiedLink
            let listen: chaos_end
            let target: chaos_end?
        }

        /// Opens ports. If one cannot be opened, none stays open.
        func open(_ routes: [Route]) throws -> [Endpoint] {
            if self.isClosed { throw ProxyError(description: "the proxy is closed") }
            var opened: [DatagramPort] = []
            do {
                for route in routes { opened.append(try self.open(route)) }
            } catch {
                for port in opened { self.forget(port) }
                throw error
            }
            return opened.map(\.end.endpoint)
        }

        private func open(_ route: Route) throws -> DatagramPort {
            func check(_ number: CInt) throws {
                if number >= 0 { return }
                throw ProxyError(
                    description: "proxy \(route.spec.link): cannot listen on \(route.spec.listen): "
                        + SocketFailure.text(of: -number))
            }
            let socket: DatagramSocket
            switch self.makeSocket(for: route.listen) {
            case .success(let made): socket = made
            case .failure(let number):
                try check(-number.value)
                preconditionFailure("a failure has a number")
            }
            do {
                try check(socket.bind(to: route.listen))
                var end = socket.name
                end.scope = route.listen.scope
                // A number that the kernel chose is given up when a peer is taken away (udp_disconnect);
                // one that was asked for stays.
                if route.listen.port == 0 { return try self.open(route, insteadOf: socket) }
                return try self.keep(route, socket, at: end, check)
            } catch {
                socket.close()
                throw error
            }
        }

        /// Binds once more, to the number that the kernel chose.
        private func open(_ route: Route, insteadOf socket: DatagramSocket) throws -> DatagramPort {
            var listen = route.listen
            listen.port = socket.name.port
            Sockets.set(socket.descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
            guard case .success(let second) = self.makeSocket(for: listen) else {
                throw ProxyError(
                    description: "proxy \(route.spec.link): \(SocketFailure.text(of: EMFILE))")
            }
            Sockets.set(second.descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
            let number = second.bind(to: listen)
            if number < 0 {
                second.close()
                throw ProxyError(
                    description: "proxy \(route.spec.link): cannot listen on \(route.spec.listen): "
                        + SocketFailure.text(of: -number))
            }
            // Bound, it no longer lets others in who would share the address.
            Sockets.set(second.descriptor, SOL_SOCKET, SO_REUSEADDR, 0)
            let port = try self.keep(route, second, at: listen) { number in
                if number < 0 {
                    throw ProxyError(description: "proxy: \(SocketFailure.text(of: -number))")
                }
            }
            socket.close()
            return port
        }

        private func keep(
            _ route: Route, _ socket: DatagramSocket, at end: chaos_end,
            _ check: (CInt) throws -> Void
        ) throws -> DatagramPort {
            if end.isEveryAddress { socket.tellDestination() }
            let slot = self.ports.count
            let port = DatagramPort(
                route.spec, socket, at: end, target: route.target, slot: slot, generation: 0)
            try check(self.watch.add(socket.descriptor, Tag.port(slot)) ? 0 : -errno)
            self.ports.append(port)
            self.portsOpen += 1
            if let target = route.target { self.homes[target.key, default: []].append(port) }
            // Both directions exist from now on, for status and for cuts without traffic.
            for link in port.links { _ = (self.line(of: link), self.line(of: link.reversed)) }
            self.apply(to: port)
            return port
        }

        private func forget(_ port: DatagramPort) {
            let now = self.clock.now
            for session in port.sessions.values { self.close(session, at: now) }
            port.socket.close()
            self.ports[port.slot] = nil
            self.portsOpen -= 1
            if let target = port.target { self.homes[target.key]?.removeAll { $0 === port } }
        }

        /// Closes the ports over these links for good, with all that waits.
        func close(_ links: [Link]) {
            for port in self.ports.compactMap({ $0 }) where links.contains(port.spec.link) {
                self.forget(port)
            }
            for link in links.flatMap({ [$0, $0.reversed] }) {
                self.lines.removeValue(forKey: link)?.pipeline.discardAll()
            }
        }

        /// Closes everything.
        func closeAll() {
            if self.isClosed { return }
            self.isClosed = true
            for port in self.ports.compactMap({ $0 }) { self.forget(port) }
            self.watch.close()
        }

        /// Makes a socket, at the cost of the session that nobody used for the longest time if there
        /// are no descriptors left.
        private func makeSocket(for end: chaos_end) -> Result<DatagramSocket, SocketNumber> {
            let limit = Sockets.descriptorLimit
            let margin = min(Self.descriptorMargin, limit / 8)
            while true {
                let made = DatagramSocket.make(for: end)
                switch made {
                case .success(let socket) where Int(socket.descriptor) < limit - margin: return made
                case .failure(let number) where number.value != EMFILE && number.value != ENFILE:
                    return made
                default:
                    guard let oldest = self.idle.popLeastRecentlyUsed() else { return made }
                    if case .success(let socket) = made { socket.close() }
                    self.close(oldest, at: self.clock.now)
                }
            }
        }

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
        private func apply(to port: DatagramPort) {
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
            let deadline = line.pipeline.deadline
            if deadline < line.armed {
                line.armed = deadline
                self.alarms.insert(Alarm(at: deadline, line: line))
            }
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

        // MARK: - Turns

        /// Names a socket.
        private enum Tag {
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

        private func sleep() {
            var wakeAt = self.alarms.min?.at ?? .never
            wakeAt = min(wakeAt, self.idle.wakeAt)
            let isDueSoon = wakeAt <= self.clock.now.advanced(byNanoseconds: DatagramWatch.callTime)
            if isDueSoon || !self.ready.isEmpty {
                self.watch.callAgain()
            } else {
                self.watch.wake(at: wakeAt)
            }
        }

        private func wakeLines() {
            let now = self.clock.now
            while let alarm = self.alarms.min, alarm.at <= now {
                self.alarms.removeMin()
                // An earlier one may have been seen to since.
                if alarm.line.armed != alarm.at { continue }
                alarm.line.armed = .never
                self.drain(alarm.line, at: now)
            }
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

        // MARK: - Senders

        private func take(
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

        /// Lets a datagram go over a link, with its faults.
        private func submit(
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

        private func tellUnreachable(
            _ link: Link, _ target: Endpoint, _ why: String, at now: Instant
        ) {
            self.record(
                "connection",
                [
                    ("state", "unreachable"), ("link", .string(link.description)),
                    ("target", .string(target.description)), ("why", .string(why)),
                ], at: now)
        }

        private func record(
            _ event: String, _ details: [(key: String, value: JSONValue)], at now: Instant
        ) {
            self.network.record(JournalEntry(at: now, event: event, details: JSONObject(details)))
        }
    }

    extension chaos_end {
        var endpoint: Endpoint { self.key.endpoint }
    }
#endif
