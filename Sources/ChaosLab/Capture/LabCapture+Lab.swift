#if os(Linux) && Lab
    import ChaosCore
    import ChaosEngine
    import ChaosTopology

    /// One capture at work: packets of some links, in the order in which they left their link or were lost on
    /// it. It lives on the thread that owns the network.
    final class LabCapture {
        let id: String
        let file: CaptureFile
        private(set) var lines: [LabLine] = []
        private var counts: [(received: Int, missing: Int)] = []
        /// How many packets nobody saw, because they came faster than they were taken.
        var unseen = 0

        init(_ id: String, to file: CaptureFile, seed: Seed) {
            self.id = id
            self.file = file
            _ = file.append(
                Pcapng.sectionHeader(
                    application: "chaos",
                    comment: "packets between nodes of a run with seed \(seed.value)"))
        }

        /// Adds a link as the next interface of the file.
        func add(_ line: LabLine) {
            let name = line.state.link.description
            line.sinks.append(CaptureSink(capture: self, interface: self.lines.count))
            self.lines.append(line)
            self.counts.append((0, 0))
            _ = self.file.append(
                Pcapng.interface(
                    name,
                    description: "what \(line.state.link.source) sends to \(line.state.link.target)"
                ))
        }

        /// Writes down a packet.
        func note(
            _ bytes: [UInt8], length: Int, on interface: Int, at time: UInt64, _ comments: [String]
        ) {
            self.counts[interface].received += 1
            let block = Pcapng.packet(
                bytes, on: interface, at: time, length: length, comments: comments)
            if !self.file.append(block) { self.counts[interface].missing += 1 }
        }

        /// Writes down how much there was; nothing comes behind that.
        ///
        /// - Returns: How many packets the capture has, and how many it lacks.
        func end(at time: UInt64) -> (packets: Int, missing: Int) {
            for line in self.lines { line.sinks.removeAll { $0.capture === self } }
            for (interface, count) in self.counts.enumerated() {
                // Nobody knows on which link the unseen ones were.
                let unseen = interface == 0 ? self.unseen : 0
                _ = self.file.append(
                    Pcapng.statistics(
                        of: interface, at: time, received: count.received + unseen,
                        missing: count.missing + unseen))
            }
            let missing = self.counts.reduce(0) { $0 + $1.missing }
            return (
                self.counts.reduce(0) { $0 + $1.received } - missing, missing + self.unseen
            )
        }
    }

    /// Where the packets of a link are written down.
    struct CaptureSink {
        let capture: LabCapture
        let interface: Int
    }

    /// What the kernel does with the packets of a captured link from a moment on.
    struct CaptureEpoch {
        /// From when on it may be so, and from when on it is, in nanoseconds since 1970.
        let begin: UInt64
        let settled: UInt64
        /// Whether packets cross the switch, which knows more about them.
        let isSwitched: Bool
        /// What is to be said about each packet.
        let comments: [String]
    }

    extension LabLine: PacketWatcher {
        func wasLost(_ packet: Packet, at instant: Instant) {
            guard let content = packet.content as? FrameBytes else { return }
            self.note(content.bytes, at: instant, packet.marks)
        }

        /// Writes down a packet of the switch.
        func note(_ bytes: [UInt8], at instant: Instant, _ marks: [PacketMark]) {
            for sink in self.sinks {
                sink.capture.note(
                    bytes, length: bytes.count, on: sink.interface,
                    at: self.clockOffset &+ UInt64(max(0, instant.nanoseconds)),
                    marks.map(\.sentence))
            }
        }

        /// Writes down a packet that the kernel has; those of the switch are written down there.
        func note(_ bytes: [UInt8], length: Int, seenAt time: UInt64) {
            guard let last = self.epochs.lastIndex(where: { $0.begin <= time }) else { return }
            var (epoch, comments) = (self.epochs[last], [String]())
            if time < epoch.settled, last > 0 {
                let change = epoch.comments.isEmpty ? ["the link was healed"] : epoch.comments
                comments = change.map { "came while this took effect, and passed or not: \($0)" }
                epoch = self.epochs[last - 1]
            } else {
                comments = epoch.comments
            }
            if epoch.isSwitched { return }
            for sink in self.sinks {
                sink.capture.note(bytes, length: length, on: sink.interface, at: time, comments)
            }
        }

        /// Begins another epoch. Packets are seen up to some milliseconds after they came, so older ones
        /// are kept for a while.
        func begin(_ epoch: CaptureEpoch) {
            self.epochs.append(epoch)
            while self.epochs.count > 1, self.epochs[1].settled + 5_000_000_000 < epoch.settled {
                self.epochs.removeFirst()
            }
        }
    }
#endif
