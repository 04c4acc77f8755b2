#if os(Linux)
    import ChaosCore

    #if canImport(Glibc)
        import Glibc
    #else
        import Musl
    #endif

    /// One of the networks 127.77/16 to 127.126/16, held for the life of a run.
    ///
    /// The lease is a Unix socket with an abstract name (unix(7)). Such names live in the network
    /// namespace, exactly as far as the addresses reach, belong to one socket at a time, and are
    /// gone with the process that holds it, so no lock file is ever left behind. A run of
    /// another user counts as well.
    package final class LoopbackLease: Sendable {
        /// The second byte of the addresses.
        package let network: UInt8

        private let descriptor: Int32

        /// Takes the first network that no live run holds.
        ///
        /// - Throws: `InputError` when all 50 are held.
        package init() throws(InputError) {
            for network in UInt8(77)...126 {
                guard let socket = Self.hold("chaos-127.\(network)") else { continue }
                self.network = network
                self.descriptor = socket
                return
            }
            throw InputError(
                "addressing: one of the networks 127.77 to 127.126 must be free of other runs",
                hint: "addressing: ports")
        }

        deinit { close(self.descriptor) }

        private static func hold(_ name: String) -> Int32? {
            let socket = socket(
                AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard socket >= 0 else { return nil }
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            // The first byte stays zero: an abstract name. Only the bytes of the name count.
            withUnsafeMutableBytes(of: &address.sun_path) { path in
                for (offset, byte) in name.utf8.enumerated() { path[offset + 1] = byte }
            }
            let length = socklen_t(MemoryLayout<sa_family_t>.size + 1 + name.utf8.count)
            let code = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    systemBind(socket, $0, length)
                }
            }
            guard code == 0 else {
                close(socket)
                return nil
            }
            return socket
        }
    }
#endif
