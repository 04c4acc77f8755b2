#if os(Linux)
    import CLinux
    import ChaosSockets
    import NIOCore

    /// A UDP socket. Failures are the error's number, negative, as the kernel itself has it.
    struct DatagramSocket {
        let descriptor: CInt
        let isIPv6: Bool

        /// Room for bursts: what the kernel cannot keep is lost, and nobody asked for that.
        private static let buffer: CInt = 4 << 20

        /// Makes a socket that suits an address.
        ///
        /// - Throws: `ProxyError` when the system has no descriptors left.
        static func make(for end: chaos_end) -> Result<DatagramSocket, SocketNumber> {
            let isIPv6 = !end.isIPv4
            let descriptor = chaos_datagram_make(isIPv6 ? 1 : 0, Self.buffer)
            if descriptor < 0 { return .failure(SocketNumber(value: -descriptor)) }
            return .success(DatagramSocket(descriptor: descriptor, isIPv6: isIPv6))
        }

        private var family: CInt { self.isIPv6 ? 1 : 0 }

        func bind(to end: chaos_end) -> CInt {
            withUnsafePointer(to: end) { chaos_datagram_bind(self.descriptor, self.family, $0) }
        }

        func connect(to end: chaos_end) -> CInt {
            withUnsafePointer(to: end) { chaos_datagram_connect(self.descriptor, self.family, $0) }
        }

        func disconnect() -> CInt { chaos_datagram_disconnect(self.descriptor) }

        var name: chaos_end {
            var end = chaos_end()
            _ = chaos_datagram_name(self.descriptor, &end)
            return end
        }

        func tellDestination() { chaos_datagram_tell_destination(self.descriptor, self.family) }

        func send(
            _ bytes: UnsafeRawBufferPointer, to end: chaos_end?, from source: chaos_end?
        ) -> CInt {
            func send(_ end: UnsafePointer<chaos_end>?, _ source: UnsafePointer<chaos_end>?) -> CInt
            {
                chaos_datagram_send(
                    self.descriptor, self.family, bytes.baseAddress, UInt(bytes.count), end, source)
            }
            switch (end, source) {
            case (nil, _): return send(nil, nil)
            case (let end?, nil): return withUnsafePointer(to: end) { send($0, nil) }
            case (let end?, let source?):
                return withUnsafePointer(to: end) { end in
                    withUnsafePointer(to: source) { send(end, $0) }
                }
            }
        }

        func close() { Sockets.close(self.descriptor) }
    }

    /// An error of the system by its number.
    struct SocketNumber: Error { let value: CInt }

    extension chaos_end {
        /// The end that an address is; nil for a Unix socket's.
        init?(_ address: SocketAddress) {
            self.init()
            var end = self
            let result = address.withSockAddr { address, _ in chaos_datagram_end(address, &end) }
            if result != 0 { return nil }
            self = end
        }

        /// What tells it from other ends.
        var key: SocketEnd { SocketEnd(high: self.high, low: self.low, port: self.port) }

        var isIPv4: Bool { self.key.isIPv4 }

        /// Whether it stands for all addresses of the machine.
        var isEveryAddress: Bool {
            self.high == 0 && (self.low == 0 || self.low == 0xffff_0000_0000)
        }

        /// Whether it can only be on this machine.
        var isLoopback: Bool {
            self.isIPv4 ? self.low >> 24 & 0xff == 127 : self.high == 0 && self.low == 1
        }
    }
#endif
