import NIOCore

/// A socket of this machine that waits for an answer to its attempt to connect.
struct ConnectingSocket: Hashable, Sendable {
    /// The peer as the kernel prints it: the address in words of 32 bits in the machine's byte order,
    /// a colon, and the port, all in hexadecimal.
    let remote: String
    /// The socket's own address in the same form, and the number of its file.
    let identity: String

    /// Whether the socket tries to connect to a listener with this address.
    func isConnecting(to address: SocketAddress) -> Bool {
        guard let listener = Self.printed(address) else { return false }
        if listener.isEvery { return self.remote.hasSuffix(listener.port) }
        // An IPv6 socket reaches IPv4 through mapped addresses (RFC 4291, section 2.5.5.2).
        return self.remote == listener.host + listener.port
            || self.remote == "0000000000000000FFFF0000" + listener.host + listener.port
    }

    private static func printed(
        _ address: SocketAddress
    ) -> (host: String, port: String, isEvery: Bool)? {
        guard let port = address.port else { return nil }
        // Where the address begins in `sockaddr_in` and `sockaddr_in6`, and how many words it has.
        let (offset, count) = address.protocol == .inet ? (4, 1) : (8, 4)
        let words = address.withSockAddr { address, _ in
            (0..<count).map {
                UnsafeRawPointer(address).load(fromByteOffset: offset + 4 * $0, as: UInt32.self)
            }
        }
        let isEvery = words.allSatisfy { $0 == 0 }
        return (
            words.map { Self.hexadecimal(UInt64($0), digits: 8) }.joined(),
            ":" + Self.hexadecimal(UInt64(port), digits: 4), isEvery
        )
    }

    static func hexadecimal(_ value: UInt64, digits: Int) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    #if !os(Linux)
        /// Other systems do not show the sockets of other processes.
        static func all() -> [ConnectingSocket] { [] }
    #endif
}
