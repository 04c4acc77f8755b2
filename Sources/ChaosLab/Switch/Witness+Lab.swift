#if os(Linux) && Lab
    import CLab
    import ChaosTopology
    import Dispatch

    #if canImport(Glibc)
        import Glibc
    #else
        import Musl
    #endif

    /// Sees what comes from one node and what goes to it, as far as it is of pairs that are cut. It knows
    /// nothing of how a cut is made: so what it sees proves it.
    final class Witness {
        /// One packet that was seen.
        struct Sight {
            let frame: LabFrame
            /// How long it is without the Ethernet header.
            let size: Int
            /// Whether it went out to the node rather than came in from it.
            let isOutgoing: Bool
        }

        private let socket: Int32
        private var filter: WitnessFilter
        /// How many have come that were not taken yet.
        private var waiting = 0
        private var memory = [UInt8](repeating: 0, count: WitnessFilter.keptBytes)

        init(_ interface: UInt32, _ filter: WitnessFilter) throws(LabError) {
            let steps = filter.steps.map(chaos_filter_step.init)
            let socket = chaos_witness_open(interface, steps, UInt32(steps.count))
            if socket < 0 { throw Self.failure(socket) }
            self.socket = socket
            self.filter = filter
        }

        deinit {
            let socket = self.socket
            // The kernel waits until nobody looks at the socket any more, which takes milliseconds.
            Self.closing.async { close(socket) }
        }

        private static let closing = DispatchQueue(label: "chaos.lab.closing")

        /// Looks for other pairs from now on.
        func look(for filter: WitnessFilter) throws(LabError) {
            if filter == self.filter { return }
            let steps = filter.steps.map(chaos_filter_step.init)
            let code = chaos_witness_filter(self.socket, steps, UInt32(steps.count))
            if code < 0 { throw Self.failure(code) }
            self.filter = filter
        }

        /// Hands over everything that was seen up to now: what comes meanwhile is for the next time, so
        /// that it ends under any load.
        ///
        /// - Returns: How many went by unseen since the last time, because there was no room.
        func take(_ body: (Sight) -> Void) -> Int {
            var (come, missed): (UInt32, UInt32) = (0, 0)
            chaos_witness_count(self.socket, &come, &missed)
            self.waiting += Int(come)
            while self.waiting > 0, let sight = self.next() { body(sight) }
            return Int(missed)
        }

        private func next() -> Sight? {
            while true {
                var length: UInt32 = 0
                var isOutgoing: Int32 = 0
                let kept = chaos_witness_next(
                    self.socket, &self.memory, UInt(self.memory.count), &length, &isOutgoing)
                if kept <= 0 {
                    self.waiting = 0
                    return nil
                }
                self.waiting -= 1
                let bytes = Array(self.memory[..<kept])
                guard let frame = LabFrame(bytes, length: Int(length)) else { continue }
                return Sight(
                    frame: frame, size: Int(length) - LabFrame.ethernetSize,
                    isOutgoing: isOutgoing != 0)
            }
        }

        private static func failure(_ code: Int32) -> LabError {
            LabError("a packet socket cannot be had: \(String(cString: strerror(-code)))")
        }
    }
#endif
