import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A TCP port that stays this process's own, whether it listens there or refuses who connects.
///
/// A child has all descriptors of its parent from its fork to its exec, and closing them here does not
/// end what they do. So on Linux one socket stays for good: `shutdown` ends its listening whoever has a
/// copy of it, and `listen` begins again. Elsewhere a socket that listened is closed and a new one bound.
final class ListeningPort {
    /// The socket, bound; -1 where it was lost.
    private(set) var descriptor: CInt
    private(set) var address: SocketAddress

    /// Binds to an address; with port 0 the system chooses the port.
    ///
    /// - Throws: `IOError` with the number of bind(2) or socket(2).
    init(_ address: SocketAddress) throws {
        self.descriptor = try Self.bound(to: address)
        self.address = address
        if address.port != 0 { return }
        // A port that the system chose is kept for as long as the socket listens, one that was asked
        // for until it is closed.
        let chosen = self.descriptor
        defer { _ = close(chosen) }
        self.address = try Self.localAddress(of: chosen)
        self.descriptor = try Self.bound(to: self.address)
    }

    deinit { if self.descriptor >= 0 { _ = close(self.descriptor) } }

    /// Lets the system take in who connects.
    ///
    /// - Parameter backlog: How many may wait to be accepted.
    /// - Throws: `IOError` with the number of listen(2), or of bind(2).
    func listen(backlog: CInt) throws {
        if self.descriptor < 0 { self.descriptor = try Self.bound(to: self.address) }
        Self.setShared(true, self.descriptor)
        if systemListen(self.descriptor, backlog) != 0 {
            throw IOError(errnoCode: errno, reason: "listen")
        }
    }

    /// Listens, and hands out a descriptor of the same socket that its receiver closes.
    ///
    /// - Throws: `IOError` with the number of listen(2), of bind(2), or of fcntl(2).
    func listeningCopy(backlog: CInt) throws -> CInt {
        try self.listen(backlog: backlog)
        let copy = fcntl(self.descriptor, F_DUPFD_CLOEXEC, 0)
        if copy < 0 { throw IOError(errnoCode: errno, reason: "fcntl") }
        return copy
    }

    /// Lets the system answer whoever connects with a reset, and keeps the port. Who waits to be
    /// accepted is reset.
    func refuse() {
        #if os(Linux)
            _ = shutdown(self.descriptor, CInt(SHUT_RD))
        #else
            _ = close(self.descriptor)
            self.descriptor = (try? Self.bound(to: self.address)) ?? -1
        #endif
        Self.setShared(false, self.descriptor)
    }

    private static func bound(to address: SocketAddress) throws -> CInt {
        #if os(Linux)
            let type =
                CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
                | CInt(SOCK_NONBLOCK.rawValue)
        #else
            let type = SOCK_STREAM
        #endif
        let descriptor = socket(CInt(address.protocol.rawValue), type, 0)
        if descriptor < 0 { throw IOError(errnoCode: errno, reason: "socket") }
        Self.setShared(true, descriptor)
        if address.withSockAddr({ bind(descriptor, $0, socklen_t($1)) }) != 0 {
            let error = IOError(errnoCode: errno, reason: "bind")
            _ = close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Whether others may bind to the same port while this socket does not listen; as long as it
    /// listens, nobody may. Connections of earlier sockets that are not over yet never hinder.
    private static func setShared(_ isShared: Bool, _ descriptor: CInt) {
        var value: CInt = isShared ? 1 : 0
        setsockopt(
            descriptor, SOL_SOCKET, SO_REUSEADDR, &value, socklen_t(MemoryLayout<CInt>.size))
    }

    private static func localAddress(of descriptor: CInt) throws -> SocketAddress {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(descriptor, $0, &size)
            }
        }
        if result != 0 { throw IOError(errnoCode: errno, reason: "getsockname") }
        return withUnsafeBytes(of: storage) {
            storage.ss_family == sa_family_t(AF_INET6)
                ? SocketAddress($0.loadUnaligned(as: sockaddr_in6.self))
                : SocketAddress($0.loadUnaligned(as: sockaddr_in.self))
        }
    }
}

/// listen(2), which a method of the same name hides.
private func systemListen(_ descriptor: CInt, _ backlog: CInt) -> CInt {
    listen(descriptor, backlog)
}
