import ChaosCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// An address as the socket calls take it: IPv4, IPv6 or a Unix socket's path.
struct SocketAddress {
    private var storage = sockaddr_storage()
    private var length: socklen_t

    /// AF_INET or AF_INET6.
    let family: Int32

    /// Reads a numeric address; nil for a name.
    init?(host: String, port: UInt16) {
        var four = sockaddr_in()
        var six = sockaddr_in6()
        if inet_pton(AF_INET, host, &four.sin_addr) == 1 {
            four.sin_family = sa_family_t(AF_INET)
            four.sin_port = port.bigEndian
            self.family = AF_INET
            self.length = socklen_t(MemoryLayout<sockaddr_in>.size)
            withUnsafeMutableBytes(of: &self.storage) { target in
                withUnsafeBytes(of: four) { target.copyMemory(from: $0) }
            }
        } else if inet_pton(AF_INET6, host, &six.sin6_addr) == 1 {
            six.sin6_family = sa_family_t(AF_INET6)
            six.sin6_port = port.bigEndian
            self.family = AF_INET6
            self.length = socklen_t(MemoryLayout<sockaddr_in6>.size)
            withUnsafeMutableBytes(of: &self.storage) { target in
                withUnsafeBytes(of: six) { target.copyMemory(from: $0) }
            }
        } else {
            return nil
        }
    }

    /// A Unix socket's path; nil when it is too long.
    init?(path: String) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        self.family = AF_UNIX
        self.length = socklen_t(MemoryLayout<sockaddr_un>.size)
        withUnsafeMutableBytes(of: &self.storage) { target in
            withUnsafeBytes(of: address) { target.copyMemory(from: $0) }
        }
    }

    /// The address of an endpoint; nil for a name, or for a path that is too long.
    init?(_ endpoint: Endpoint) {
        switch endpoint {
        case .tcp(let host, let port): self.init(host: host, port: port)
        case .unix(let path): self.init(path: path)
        }
    }

    private func withPointer<Result>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        withUnsafePointer(to: self.storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, self.length) }
        }
    }

    /// bind(2): 0 or -1 with errno set.
    func bind(_ socket: Int32) -> Int32 { self.withPointer { systemBind(socket, $0, $1) } }

    /// connect(2): 0 or -1 with errno set.
    func connect(_ socket: Int32) -> Int32 { self.withPointer { systemConnect(socket, $0, $1) } }
}

// The calls under names that no method shadows.

func systemBind(
    _ socket: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t
) -> Int32 { bind(socket, address, length) }

func systemConnect(
    _ socket: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t
) -> Int32 { connect(socket, address, length) }
