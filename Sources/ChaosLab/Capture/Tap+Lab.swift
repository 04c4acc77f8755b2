#if os(Linux) && Lab
    import CLab
    import ChaosTopology

    #if canImport(Glibc)
        import Glibc
    #else
        import Musl
    #endif

    /// Gets copies of the packets that nodes send, as they come into the router: what the kernel does with
    /// them afterwards does not change.
    final class Tap {
        /// One packet that came in.
        struct Sight {
            let bytes: [UInt8]
            let length: Int
            let interface: UInt32
            /// Nanoseconds since 1970.
            let time: UInt64
        }

        private var tap = chaos_tap()
        /// Memory that the kernel shares: at 20 Gbit/s for 10 ms, in which it may be filled unseen.
        private static let size: UInt = 32 << 20

        init(_ filter: TapFilter) throws(LabError) {
            let steps = filter.steps.map(chaos_filter_step.init)
            let code = chaos_tap_open(&self.tap, Self.size, steps, UInt32(steps.count))
            if code < 0 { throw Self.failure(code) }
        }

        deinit { chaos_tap_close(&self.tap) }

        var descriptor: Int32 { self.tap.descriptor }

        /// Looks for other packets from now on.
        func look(for filter: TapFilter) throws(LabError) {
            let steps = filter.steps.map(chaos_filter_step.init)
            let code = chaos_tap_filter(&self.tap, steps, UInt32(steps.count))
            if code < 0 { throw Self.failure(code) }
        }

        /// The next packet, if there is one.
        func next() -> Sight? {
            var frame = chaos_tap_frame()
            if chaos_tap_next(&self.tap, &frame) == 0 { return nil }
            let bytes = Array(UnsafeBufferPointer(start: frame.bytes, count: Int(frame.kept)))
            return Sight(
                bytes: bytes, length: Int(frame.length), interface: frame.interface,
                time: frame.time)
        }

        /// How many went by unseen since the last call.
        func takeMissed() -> Int { Int(chaos_tap_drops(&self.tap)) }

        private static func failure(_ code: Int32) -> LabError {
            LabError("packets cannot be captured: \(String(cString: strerror(-code)).lowercased())")
        }
    }
#endif
