#if os(Linux) && Lab
    import CLab
    import ChaosCore
    import ChaosEngine
    import ChaosProxy
    import ChaosTopology

    // Where packets are seen that are captured:
    //
    //   open, dropped, unreachable, refused   copied as they come into the router; the kernel goes on as ever
    //   switched                              by the switch, which knows what the engine decided
    //   of intercepted ports                  copied, from both ends; what the proxy did is not theirs
    //
    // So a healthy link keeps the kernel's speed while it is captured, and shows packets as the kernel passes
    // them on: up to 64 KiB in one, because nobody cut them into those of a wire.

    extension LabPlane {
        /// Begins to write down the packets of links.
        ///
        /// - Returns: The links, in the order of the file's interfaces.
        func beginCapture(
            _ id: String, _ patterns: [LinkPattern], to file: CaptureFile
        ) throws(LabError) -> [Link] {
            let lines = self.allLines.filter { line in
                patterns.contains { $0.matches(line.state.link) }
            }
            if lines.isEmpty { throw LabError("no link between nodes is captured by that") }
            let capture = LabCapture(id, to: file, seed: self.network.seed)
            // Up to now nobody was interested in what happened when.
            let now = self.wallClock()
            let offset = now - UInt64(max(0, self.clock.now.nanoseconds))
            for line in lines where line.sinks.isEmpty {
                line.clockOffset = offset
                line.epochs = [self.epoch(of: line, begin: 0, settled: 0)]
            }
            for line in lines { capture.add(line) }
            do { try self.lookForCaptured() } catch {
                _ = capture.end(at: now)
                throw error
            }
            for line in lines where line.hasPipeline { line.pipeline.watcher = line }
            self.captures.append(capture)
            return lines.map(\.state.link)
        }

        /// Ends a capture; nil when it has ended before.
        func endCapture(_ id: String) -> (packets: Int, missing: Int)? {
            guard let index = self.captures.firstIndex(where: { $0.id == id }) else { return nil }
            self.readTap()
            let counts = self.captures[index].end(at: self.wallClock())
            self.captures.remove(at: index)
            for line in self.allLines where line.sinks.isEmpty && line.hasPipeline {
                line.pipeline.watcher = nil
            }
            // Without it fewer packets have to be looked at; too many do no harm.
            try? self.lookForCaptured()
            return counts
        }

        var allLines: [LabLine] { self.pairs.flatMap { $0?.lines ?? [] } }

        private func lookForCaptured() throws(LabError) {
            let lines = self.allLines.filter { !$0.sinks.isEmpty }
            if lines.isEmpty {
                self.tap = nil
                return
            }
            let filter = TapFilter(
                from: Set(lines.map(\.source)).sorted(), to: Set(lines.map(\.target)).sorted(),
                except: self.lab.switchInterface, keeping: Pcapng.snapLength)
            if let tap = self.tap { return try tap.look(for: filter) }
            let tap = try Tap(filter)
            self.tap = tap
            _ = self.watch.add(tap.descriptor, Self.tapTag)
        }

        /// Writes down what has come in since the last time.
        func readTap() {
            guard let tap = self.tap else { return }
            while let sight = tap.next() {
                guard
                    let frame = LabFrame(sight.bytes, length: sight.length),
                    let source = frame.source, let target = frame.target,
                    let pair = self.pair(source, target),
                    sight.interface == self.lab.interfaces[source - 1],
                    let line = pair.line(self.place(of: frame, source, target).port)
                else { continue }
                line.note(sight.bytes, length: sight.length, seenAt: sight.time)
            }
            let missed = tap.takeMissed()
            if missed > 0 {
                for capture in self.captures { capture.unseen += missed }
                self.tellOnce(
                    "packets of captured links came faster than they were read; some are not in the "
                        + "capture")
            }
        }

        /// Notes from when on captured links are treated otherwise.
        func noteTreatments(of pairs: [LabPair], since begin: UInt64) {
            let now = self.wallClock()
            for line in pairs.flatMap(\.lines) where !line.sinks.isEmpty {
                line.begin(self.epoch(of: line, begin: begin, settled: now))
            }
        }

        private func epoch(of line: LabLine, begin: UInt64, settled: UInt64) -> CaptureEpoch {
            CaptureEpoch(
                begin: begin, settled: settled,
                isSwitched: line.treatment == .switched && !self.isIntercepted(line),
                comments: self.marks(of: line).map(\.sentence))
        }

        /// What is done to each packet of a link that the kernel has.
        private func marks(of line: LabLine) -> [PacketMark] {
            switch line.treatment {
            case .open, .switched, .intercepted: []
            case .shaped:
                // What netem did to a packet, only the kernel knows.
                line.state.winningInjections.map { PacketMark(.emulated, $0) }
            case .dropped, .unreachable:
                line.state.coveringCuts.filter {
                    [.drop, .lose, .unreachable].contains($0.mode)
                }.map { PacketMark(by: $0) }
            case .refused:
                line.state.coveringCuts.filter { $0.mode == .reject }.map { PacketMark(by: $0) }
                    + line.state.winningInjections.filter { $0.fault.kind == .refuse }
                    .map { PacketMark(.refused, $0) }
            }
        }

        /// What ends a connection that a partition leaves no way to go on.
        func cutOffs(of line: LabLine) -> [PacketMark] {
            (line.state.coveringCuts + line.state.reversed.coveringCuts).filter {
                $0.mode == .establishedOnly
            }.map { PacketMark(by: $0) }
        }

        /// Nanoseconds since 1970.
        func wallClock() -> UInt64 { chaos_wall_clock() }
    }
#endif
