#if os(Linux) && Lab
    import ChaosCore
    import ChaosEngine
    import ChaosTopology

    /// Has the kernel delay, lose and double the packets of links (`engine: netem`).
    ///
    /// A link whose faults change gets a new netem and its filters lead there from then on; the old one is left
    /// to what waits in it, and then removed. So no parameter can be left over, and nothing that is on its way
    /// is lost by a change.
    final class KernelNetem {
        /// The netem of a link.
        struct Leaf {
            let interface: UInt32
            let minor: UInt32
            let spec: NetemSpec
            /// What it had counted when the books were last brought up to date.
            var packets: UInt32 = 0
            var dropped: UInt32 = 0
        }

        /// One interface towards a node.
        private final class Gate {
            let interface: UInt32
            var hasRoot = false
            /// Which of the two sets of filters is in force, if one is.
            var set: UInt16?
            var minors: Set<UInt32> = []
            /// Classes whose netems still have packets.
            var retired: [UInt32] = []

            init(_ interface: UInt32) { self.interface = interface }

            /// A number for a new class.
            func takeMinor() -> UInt32 {
                var minor: UInt32 = 1
                while self.minors.contains(minor) { minor += 1 }
                self.minors.insert(minor)
                return minor
            }
        }

        private static let sets: (first: UInt16, second: UInt16) = (10, 20)

        private let socket: TrafficSocket
        private let ports: LabPorts
        private var gates: [Gate]
        /// Whether the kernel takes seeds; nil before there was a netem to ask.
        private(set) var takesSeeds: Bool?
        /// Whether a netem may double packets beside another on the same interface. Kernels since 2025 refuse
        /// that ("netem: Restrict duplicating netem qdiscs in tree"), and a link's old netem is always
        /// beside its new one for a while.
        private(set) var mayDuplicate = true

        /// - Throws: `LabError` where the kernel lacks something, in a sentence that names it.
        init(_ lab: LabNetwork, _ ports: LabPorts) throws(LabError) {
            self.socket = try TrafficSocket()
            self.ports = ports
            self.gates = lab.interfaces.map(Gate.init)
            guard let interface = lab.interfaces.first else { return }
            // Everything that a link needs, once, to see that all of it is there.
            try self.socket.addRoot(interface)
            do throws(LabError) {
                let spec = try Self.trial()
                try self.socket.add(spec, minor: 1, on: interface)
                for family in LabAddresses.Family.allCases {
                    try self.socket.add(
                        NetemFilter.all(family, minor: 1), set: Self.sets.first, on: interface)
                    try self.socket.removeFilters(family, set: Self.sets.first, on: interface)
                }
                self.takesSeeds = try self.socket.counts().contains { $0.seed == spec.seed }
                var doubling = spec
                doubling.duplicate.probability = .max
                do throws(LabError) {
                    try self.socket.add(doubling, minor: 2, on: interface)
                } catch { self.mayDuplicate = false }
            } catch {
                try self.socket.removeRoot(interface)
                throw error
            }
            try self.socket.removeRoot(interface)
        }

        private static func trial() throws(LabError) -> NetemSpec {
            do throws(NetemSpec.Refusal) {
                return try NetemSpec([], seed: 0x5eed)
            } catch { throw LabError("netem: \(error.reason)") }
        }

        // MARK: - Changes

        /// Gives links to a node what they want; those that want nothing any more keep what they have, until
        /// ``finish(_:to:)``.
        ///
        /// - Parameter pairs: All pairs with this target.
        func begin(_ pairs: [LabPair], to target: Int) throws(LabError) {
            try self.change(pairs, target) { line in line.wantedNetem != nil }
        }

        /// Takes away what links to a node do not want any more.
        func finish(_ pairs: [LabPair], to target: Int) throws(LabError) {
            try self.change(pairs, target) { _ in true }
        }

        private func change(
            _ pairs: [LabPair], _ target: Int, _ isMeant: (LabLine) -> Bool
        ) throws(LabError) {
            let gate = self.gates[target - 1]
            let changed = pairs.flatMap(\.lines).filter {
                isMeant($0) && $0.netem?.spec != $0.wantedNetem
            }
            if changed.isEmpty { return }
            let before = changed.map { (line: $0, leaf: $0.netem) }
            let hadRoot = gate.hasRoot
            var made: [UInt32] = []
            do throws(LabError) {
                if !gate.hasRoot {
                    try self.socket.addRoot(gate.interface)
                    gate.hasRoot = true
                }
                for line in changed {
                    line.netem = nil
                    guard let spec = line.wantedNetem else { continue }
                    let minor = gate.takeMinor()
                    made.append(minor)
                    try self.socket.add(spec, minor: minor, on: gate.interface)
                    line.netem = Leaf(interface: gate.interface, minor: minor, spec: spec)
                }
                try self.filter(pairs, gate)
            } catch {
                // Nothing leads to what is new, so nothing waits there.
                for (line, leaf) in before { line.netem = leaf }
                for minor in made.reversed() {
                    try? self.socket.remove(minor: minor, on: gate.interface)
                    gate.minors.remove(minor)
                }
                if !hadRoot && gate.hasRoot {
                    try? self.socket.removeRoot(gate.interface)
                    gate.hasRoot = false
                }
                throw error
            }
            for (line, leaf) in before {
                guard let leaf else { continue }
                gate.retired.append(leaf.minor)
                // What is on its way when a cut comes does not get through.
                if line.treatment.isCut { try self.remove(leaf.minor, gate) }
            }
            try self.clean(gate)
        }

        /// Leads packets to the netems of their links: all filters anew, beside the old ones, so that no
        /// packet meets none meanwhile.
        private func filter(_ pairs: [LabPair], _ gate: Gate) throws(LabError) {
            let old = gate.set
            let new = old == Self.sets.first ? Self.sets.second : Self.sets.first
            var isAny = false
            do throws(LabError) {
                for pair in pairs {
                    var classes: [PortName: UInt32] = [:]
                    for line in pair.lines { classes[line.state.link.port] = line.netem?.minor }
                    if classes.isEmpty { continue }
                    isAny = true
                    for filter in NetemFilter.filters(
                        from: pair.source, to: pair.target, self.ports, classes: classes)
                    {
                        try self.socket.add(filter, set: new, on: gate.interface)
                    }
                }
            } catch {
                for family in LabAddresses.Family.allCases {
                    try? self.socket.removeFilters(family, set: new, on: gate.interface)
                }
                throw error
            }
            if let old {
                for family in LabAddresses.Family.allCases {
                    try self.socket.removeFilters(family, set: old, on: gate.interface)
                }
            }
            gate.set = isAny ? new : nil
        }

        private func remove(_ minor: UInt32, _ gate: Gate) throws(LabError) {
            try self.socket.remove(minor: minor, on: gate.interface)
            gate.minors.remove(minor)
            gate.retired.removeAll { $0 == minor }
        }

        // MARK: - Afterwards

        /// Whether something waits to be removed.
        var hasRetired: Bool { self.gates.contains { !$0.retired.isEmpty } }

        /// Removes netems that nothing leads to and in which nothing waits.
        func clean() throws(LabError) {
            for gate in self.gates where !gate.retired.isEmpty { try self.clean(gate) }
        }

        private func clean(_ gate: Gate) throws(LabError) {
            if !gate.retired.isEmpty {
                let busy = try self.socket.counts().filter {
                    $0.interface == Int32(gate.interface) && $0.waiting > 0
                }.map(\.minor)
                for minor in gate.retired where !busy.contains(minor) {
                    try self.remove(minor, gate)
                }
            }
            if gate.hasRoot && gate.minors.isEmpty {
                try self.socket.removeRoot(gate.interface)
                gate.hasRoot = false
            }
        }

        /// Tells each link's books what its netem has met since the last time.
        func readCounts(_ lines: [LabLine]) throws(LabError) {
            let lines = lines.filter { $0.netem != nil }
            if lines.isEmpty { return }
            var counts: [UInt64: TrafficSocket.Count] = [:]
            for count in try self.socket.counts() {
                counts[UInt64(count.interface) << 32 | UInt64(count.minor)] = count
            }
            for line in lines {
                guard var leaf = line.netem,
                    let count = counts[UInt64(leaf.interface) << 32 | UInt64(leaf.minor)]
                else { continue }
                // Those that wait have met it, and were not counted.
                let dropped = count.dropped &- leaf.dropped
                let met = count.packets &+ count.dropped &+ count.waiting
                let more = Int32(bitPattern: met &- leaf.packets)
                if more > 0 { leaf.packets = met }
                leaf.dropped = count.dropped
                line.netem = leaf
                line.state.wasCarriedByKernel(packets: max(0, Int(more)), lost: Int(dropped))
            }
        }

        /// Takes everything off all interfaces.
        func close() {
            for gate in self.gates where gate.hasRoot {
                try? self.socket.removeRoot(gate.interface)
            }
            self.gates = []
        }
    }
#endif
