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

    // What happens to packets between nodes:
    //
    //   open                  h1 ──────────────── forwarded by the kernel ─────────────▶ h2
    //   dropped, unreachable  h1 ─┤ a rule
    //   refused               h1 ─▶ the router's own stack, which says RST or "port unreachable"
    //   switched              h1 ─▶ sw0 ═ sw1 ─▶ ring ─▶ PacketPipeline ─▶ sent over h2 from here
    //
    // The engine says what a link wants, LinkRules turns that into rules, and this carries it out.

    /// Everything that concerns packets between the nodes of a lab. It lives on the thread that owns the
    /// network.
    final class LabPlane {
        let network: Network
        let lab: LabNetwork
        let ports: LabPorts
        let clock: RunClock
        let watch: DatagramWatch
        let routes: RouteSocket
        var ring = chaos_ring()
        private let sender: Int32
        /// By `(source − 1) × nodes + target − 1`; nil for a node and itself.
        private(set) var pairs: [LabPair?] = []
        var witnesses: [Int: Witness] = [:]
        private var flows: [FlowKey: LabFlow] = [:]
        private var nextTag = 0
        private var alarms = LineAlarms<LabLine>()
        private var sweepAt = Instant.never
        /// When the witnesses are asked next, before their memory is full.
        var lookAt = Instant.never
        private var hasTold: Set<String> = []
        private(set) var isClosed = false
        /// The kernel's network emulator, if it is to have links and there is one.
        var netem: KernelNetem?
        /// What is being captured, and where packets are seen that do not cross the switch.
        var captures: [LabCapture] = []
        var tap: Tap?

        private static let ringTag: UInt64 = 1
        static let tapTag: UInt64 = 2
        /// Frames that may wait to be read: 16 MiB of memory that the kernel shares.
        private static let ringFrames: UInt32 = 8192
        /// How many frames are carried before others have their turn.
        private static let batch = 256
        /// After how long without a packet a flow is forgotten.
        private static let idleTime = Duration.seconds(60)

        /// How often witnesses are asked while nobody wants to know.
        private static let lookInterval = Duration.milliseconds(20)

        init(
            network: Network, lab: LabNetwork, ports: LabPorts, clock: RunClock,
            watch: DatagramWatch, usesNetem: Bool = false
        ) throws {
            self.network = network
            self.lab = lab
            self.ports = ports
            self.clock = clock
            self.watch = watch
            self.routes = try RouteSocket()
            self.sender = chaos_sender_open()
            if self.sender < 0 { throw Self.failure("a packet socket cannot be had", -self.sender) }
            let code = chaos_ring_open(&self.ring, lab.switchInterface, Self.ringFrames)
            if code < 0 {
                close(self.sender)
                throw Self.failure("the packet switch cannot read", -code)
            }
            _ = watch.add(self.ring.descriptor, Self.ringTag)
            for (first, source) in lab.nodes.enumerated() {
                for (second, target) in lab.nodes.enumerated() {
                    if first == second {
                        self.pairs.append(nil)
                        continue
                    }
                    let lines = ports.names(between: first + 1, and: second + 1).map { port in
                        LabLine(
                            network.state(of: Link(source, target, port)), source: first + 1,
                            target: second + 1)
                    }
                    self.pairs.append(LabPair(source: first + 1, target: second + 1, lines: lines))
                }
            }
            if usesNetem { self.startNetem() }
        }

        private static func failure(_ what: String, _ code: Int32) -> LabError {
            LabError("the lab: \(what): \(String(cString: strerror(code)))")
        }

        func pair(_ source: Int, _ target: Int) -> LabPair? {
            let count = self.lab.nodes.count
            guard (1...count).contains(source), (1...count).contains(target) else { return nil }
            return self.pairs[(source - 1) * count + target - 1]
        }

        /// Ends everything; rules and interfaces go with the lab.
        func closeAll() {
            if self.isClosed { return }
            self.isClosed = true
            let now = self.clock.now
            for flow in self.flows.values.sorted(by: { $0.flow.tag < $1.flow.tag }) {
                flow.flow.close(at: now)
            }
            self.flows = [:]
            for pair in self.pairs {
                for line in pair?.lines ?? [] where line.hasPipeline { line.pipeline.discardAll() }
            }
            try? self.routes.change(.remove, self.pairs.flatMap { $0?.rules ?? [] })
            self.witnesses = [:]
            self.netem?.close()
            chaos_ring_close(&self.ring)
            close(self.sender)
        }

        // MARK: - Books

        /// Takes into the books what the witnesses have seen and what lies in the ring.
        func catchUp() {
            if self.isClosed { return }
            self.readRing(atMost: Int(self.ring.frame_count))
            self.readWitnesses()
            self.readTap()
            self.readNetem()
        }

        // MARK: - Evidence

        /// Counts what the witnesses have seen: what was kept back, and what was not.
        func readWitnesses() {
            for (number, witness) in self.witnesses.sorted(by: { $0.key < $1.key }) {
                let missed = witness.take { self.note($0, at: number) }
                if missed > 0 {
                    self.tellOnce(
                        "packets over cut links came faster than they were counted; not all are in "
                            + "the counts of \(self.lab.nodes[number - 1])")
                }
            }
        }

        private func note(_ sight: Witness.Sight, at number: Int) {
            let frame = sight.frame
            guard let source = frame.source, let target = frame.target,
                let pair = self.pair(source, target)
            else { return }
            let place = self.place(of: frame, source, target)
            guard let line = pair.line(place.port) else { return }
            let treatment =
                place.isIntercepted ? line.treatment.whereIntercepted : line.treatment
            guard treatment.isCut else { return }
            if !sight.isOutgoing {
                guard source == number else { return }
                if place.isIntercepted {
                    line.state.wasStopped()
                } else {
                    line.state.wasBlocked(sight.size)
                }
                return
            }
            guard target == number else { return }
            // Where the other way is refused, the kernel answers in the node's place.
            let answers = self.pair(target, source)?.lines.contains { $0.treatment == .refused }
            if answers == true && frame.isRefusal { return }
            line.state.leaked(sight.size)
        }

        func place(of frame: LabFrame, _ source: Int, _ target: Int) -> LabPorts.Place {
            self.ports.place(
                from: source, to: target, frame.ruleTransport, sourcePort: frame.sourcePort,
                targetPort: frame.targetPort)
        }

        // MARK: - The switch

        /// Does what is to be done now.
        func work() {
            if self.isClosed { return }
            _ = self.watch.take()
            self.wakeLines()
            if self.clock.now >= self.lookAt {
                self.readWitnesses()
                self.cleanNetem()
                self.lookAt = self.lookAgain
            }
            let isMore = self.readRing(atMost: Self.batch)
            self.readTap()
            self.sweep()
            self.sleep(isBusy: isMore)
        }

        var lookAgain: Instant {
            self.witnesses.isEmpty && self.netem?.hasRetired != true
                ? .never : self.clock.now + Self.lookInterval
        }

        func sleep(isBusy: Bool = false) {
            self.watch.call(
                at: min(self.alarms.wakeAt, self.sweepAt, self.lookAt), now: self.clock.now,
                isBusy: isBusy)
        }

        private func wakeLines() {
            let now = self.clock.now
            while let line = self.alarms.popDue(at: now) { self.drain(line, at: now) }
        }

        /// Takes frames from the ring; tells whether there may be more.
        @discardableResult
        func readRing(atMost limit: Int) -> Bool {
            var frame = chaos_frame()
            for _ in 0..<limit {
                guard chaos_ring_next(&self.ring, &frame) != 0 else {
                    self.tellOfDrops()
                    return false
                }
                let bytes = Array(
                    UnsafeBufferPointer(start: frame.bytes, count: Int(frame.length)))
                let isWhole = frame.is_cut == 0 && frame.is_unfinished == 0
                chaos_ring_release(&self.ring)
                if !isWhole {
                    self.tellOnce("a packet came to the switch that was not whole, and is lost")
                    continue
                }
                self.take(bytes)
            }
            return true
        }

        private func tellOfDrops() {
            let drops = chaos_ring_drops(&self.ring)
            if drops > 0 {
                self.tellOnce("packets came to the switch faster than it read, and some are lost")
            }
        }

        private func take(_ bytes: [UInt8]) {
            guard let frame = LabFrame(bytes), let source = frame.source,
                let target = frame.target, let pair = self.pair(source, target)
            else { return }
            let place = self.place(of: frame, source, target)
            guard let line = pair.line(place.port) else { return }
            let now = self.clock.now
            let flow = self.flow(of: frame, source, target, place, at: now)
            if flow.flow.isCutOff {
                flow.flow.meetCutOff()
                if !line.sinks.isEmpty { line.note(bytes, at: now, self.cutOffs(of: line)) }
                if let answer = ResetFrame.answering(frame, bytes) { self.send(answer, to: source) }
                if let end = ResetFrame.replacing(frame, bytes) { self.send(end, to: target) }
                return
            }
            let direction: Direction = flow.opener == source ? .forward : .backward
            let size = frame.end - LabFrame.ethernetSize
            let pipeline = line.usedPipeline()
            if pipeline.passes(size, of: flow.flow, direction, at: now) {
                if !line.sinks.isEmpty { line.note(bytes, at: now, []) }
                self.send(bytes, to: target)
                return pipeline.sent(size, of: flow.flow)
            }
            pipeline.received(
                Packet(
                    FrameBytes(bytes), size: size, of: flow.flow, direction,
                    corruptibleBits: frame.transportOffset * 8..<max(
                        frame.transportOffset, frame.end) * 8),
                at: now)
            self.drain(line, at: now)
        }

        /// The flow of a frame; a new one where it opens a connection, or none is known.
        private func flow(
            of frame: LabFrame, _ source: Int, _ target: Int, _ place: LabPorts.Place,
            at now: Instant
        ) -> LabFlow {
            let key = FlowKey(frame, from: source, to: target)
            if let known = self.flows[key] {
                // What has no connections begins anew with each packet that a cut lets begin.
                let begins = frame.opensConnection || frame.transport != .tcp
                let isAnew =
                    frame.opensConnection && known.opener != source
                    || begins && known.flow.isCutOff
                if known.flow.isCutOff && begins { known.flow.meetCutOff() }
                if !isAnew {
                    known.usedAt = now
                    return known
                }
                known.flow.close(at: now)
            }
            let isFromOpener = frame.opensConnection || place.isToListener != false
            let opener = isFromOpener ? source : target
            let link = Link(
                self.lab.nodes[opener - 1], self.lab.nodes[(isFromOpener ? target : source) - 1],
                place.port)
            self.nextTag += 1
            let flow = LabFlow(
                PacketFlow(
                    over: link, in: self.network, tag: self.nextTag,
                    isOlder: frame.transport == .tcp && !frame.opensConnection, at: now),
                opener: opener, at: now)
            self.flows[key] = flow
            if self.sweepAt == .never { self.sweepAt = now + Self.idleTime }
            return flow
        }

        /// Forgets flows that nobody uses any more.
        private func sweep() {
            let now = self.clock.now
            if now < self.sweepAt { return }
            let gone = self.flows.filter {
                $0.value.usedAt + Self.idleTime <= now && $0.value.flow.packetsQueued == 0
            }
            for (key, flow) in gone.sorted(by: { $0.value.flow.tag < $1.value.flow.tag }) {
                flow.flow.close(at: now)
                self.flows[key] = nil
            }
            self.sweepAt = self.flows.isEmpty ? .never : now + .seconds(10)
        }

        /// Sends what a link lets go now.
        func drain(_ line: LabLine, at now: Instant) {
            while let packet = line.pipeline.next(at: now) {
                guard let content = packet.content as? FrameBytes else { continue }
                if !line.sinks.isEmpty { line.note(content.bytes, at: now, packet.marks) }
                self.send(content.bytes, to: line.target)
                line.pipeline.sent(packet.size, of: packet.flow)
            }
            self.alarms.arm(line, at: line.pipeline.deadline)
        }

        /// Sends a frame to a node, as if the router had forwarded it.
        func send(_ bytes: [UInt8], to node: Int) {
            var frame = bytes
            frame.replaceSubrange(0..<6, with: LabAddresses.nodeHardware(node))
            frame.replaceSubrange(6..<12, with: LabAddresses.routerHardware(node))
            let code = chaos_frame_send(
                self.sender, self.lab.interfaces[node - 1], frame, UInt(frame.count))
            if code < 0 {
                self.tellOnce(
                    "a packet could not be sent to \(self.lab.nodes[node - 1]), and is lost: "
                        + String(cString: strerror(-code)))
            }
        }

        func tellOnce(_ message: String) {
            guard self.hasTold.insert(message).inserted else { return }
            self.network.record(
                JournalEntry(
                    at: self.clock.now, event: "warning", details: ["message": .string(message)]))
        }
    }
#endif
