import ChaosCore
import ChaosScenario

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Finds free ports by binding them, and keeps them bound until it is told to let go.
///
/// On an address of 127/8 that is ours alone the numbers count up from 7001, so that a run looks
/// the same as the one before; only a server on all addresses can be in the way. On a shared
/// address they are drawn from below the ephemeral range, so that no connection that somebody opens
/// meanwhile gets one, and the sockets stay bound until the last moment: what is left is the instant
/// between `release` and the node's own bind(2).
package final class FreePorts: PortAllocator {
    /// Where counting starts: above what servers like by default, below the ephemeral range.
    private static let first: UInt16 = 7001
    /// What is drawn from: Linux and others give connections numbers from 32768 (ip(7),
    /// ip_local_port_range).
    private static let drawn: Range<UInt16> = 10_000..<32_000

    /// What addresses begin with that are ours alone; nil where there are none.
    private let ownPrefix: String?
    private var last: UInt16
    private var given: Set<UInt16> = []
    private var held: [Int32] = []

    /// Makes an allocator for a style of addressing.
    package init(style: AddressPlan.Style) {
        self.ownPrefix =
            switch style {
            case .loopback(let network): "127.\(network)."
            case .lab: "127.77."
            case .ports: nil
            }
        self.last = Self.first - 1
    }

    deinit { self.release() }

    /// Lets go of the ports. Call it just before the nodes start.
    ///
    /// A child that is just being started has copies of the sockets until its exec: nobody who sets
    /// SO_REUSEADDR, as servers do, has to wait for those.
    package func release() {
        for socket in self.held {
            var isShared: Int32 = 1
            setsockopt(
                socket, SOL_SOCKET, SO_REUSEADDR, &isShared, socklen_t(MemoryLayout<Int32>.size))
            close(socket)
        }
        self.held = []
    }

    package func next(
        on host: String, _ transport: PortSpec.Transport, avoiding taken: Set<UInt16>
    ) throws(InputError) -> UInt16 {
        let countsUp = self.ownPrefix.map { host.hasPrefix($0) } ?? false
        if !countsUp {
            for _ in 0..<10_000 {
                let number = UInt16.random(in: Self.drawn)
                if taken.contains(number) || !self.given.insert(number).inserted { continue }
                if self.bind(host, number, transport) { return number }
            }
        }
        while countsUp, self.last < 32_000 {
            self.last += 1
            if taken.contains(self.last) { continue }
            if self.bind(host, self.last, transport) { return self.last }
        }
        throw InputError("addressing: a free port must be left", found: host)
    }

    /// Binds a port and keeps the socket.
    private func bind(
        _ host: String, _ number: UInt16, _ transport: PortSpec.Transport
    ) -> Bool {
        guard let address = SocketAddress(host: host, port: number) else { return false }
        #if os(Linux)
            let kinds = (stream: Int32(SOCK_STREAM.rawValue), datagram: Int32(SOCK_DGRAM.rawValue))
        #else
            let kinds = (stream: SOCK_STREAM, datagram: SOCK_DGRAM)
        #endif
        let kind = transport == .udp ? kinds.datagram : kinds.stream
        let socket = socket(address.family, kind, 0)
        guard socket >= 0 else { return false }
        _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
        guard address.bind(socket) == 0 else {
            close(socket)
            return false
        }
        self.held.append(socket)
        return true
    }
}
