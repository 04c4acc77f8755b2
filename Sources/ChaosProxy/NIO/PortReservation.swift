import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A socket that is bound but does not listen: the kernel refuses who connects to its port, and gives
/// the port to nobody else.
struct PortReservation: ~Copyable {
    private let descriptor: CInt

    /// Reserves a TCP address; `nil` where it cannot, and then the port is free for others to take.
    init?(of address: SocketAddress) {
        if address.protocol == .unix { return nil }
        #if canImport(Glibc)
            let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        #else
            let type = SOCK_STREAM
        #endif
        let descriptor = socket(CInt(address.protocol.rawValue), type, 0)
        if descriptor < 0 { return nil }
        var isOn: CInt = 1
        setsockopt(
            descriptor, SOL_SOCKET, SO_REUSEADDR, &isOn, socklen_t(MemoryLayout<CInt>.size))
        let result = address.withSockAddr { bind(descriptor, $0, socklen_t($1)) }
        if result != 0 {
            _ = Self.closeDescriptor(descriptor)
            return nil
        }
        // Bound, it no longer lets others in who would reuse the address.
        isOn = 0
        setsockopt(
            descriptor, SOL_SOCKET, SO_REUSEADDR, &isOn, socklen_t(MemoryLayout<CInt>.size))
        self.descriptor = descriptor
    }

    deinit { _ = Self.closeDescriptor(self.descriptor) }

    private static func closeDescriptor(_ descriptor: CInt) -> CInt { close(descriptor) }
}
