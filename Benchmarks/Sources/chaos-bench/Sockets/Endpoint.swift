import Glibc

/// An IPv4 address and port on this machine.
struct Endpoint: Equatable, Sendable, CustomStringConvertible {
    let host: String
    let port: UInt16

    init(host: String = "127.0.0.1", port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `HOST:PORT`. The bench sends nothing beyond loopback, so the host must be in 127/8.
    init(parsing text: String) throws {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1]), parts[0].hasPrefix("127.") else {
            throw BenchError("an address of the bench is 127.x.y.z:PORT, found '\(text)'")
        }
        self.init(host: String(parts[0]), port: port)
    }

    var description: String { "\(self.host):\(self.port)" }

    /// Calls a function of the kernel that takes a socket address.
    func withSocketAddress<Result>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = self.port.bigEndian
        address.sin_addr.s_addr = inet_addr(self.host)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
