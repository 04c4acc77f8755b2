#if os(Linux)
    import CLinux
    import Foundation
    import Glibc
    import NIOCore

    // System calls on sockets that never block. What is interrupted is tried again; a failure is the
    // error's number, negative, as the kernel itself has it.

    /// System calls by plain names, which methods of the same name would hide.
    enum Sockets {
        // ip(7), ipv6(7), tcp(7): what Glibc's module does not show.
        private static let bindAddressNoPort: CInt = 24
        private static let minimumTTL: CInt = 21
        private static let minimumHopCount: CInt = 73
        private static let tcpInfo: CInt = 11
        private static let tcpCongestion: CInt = 13
        private static let synSent: UInt8 = 2
        /// SO_MEMINFO (asm/socket.h), and where it tells of discarded packets (SK_MEMINFO_DROPS,
        /// linux/sock_diag.h).
        private static let memoryInfo: CInt = 55
        private static let memoryInfoDrops = 8
        private static let noSignal = CInt(MSG_NOSIGNAL)

        /// Reads what is there; 0 is the end of the stream.
        static func receive(
            _ descriptor: CInt, _ memory: UnsafeMutableRawPointer, _ count: Int
        ) -> Int {
            while true {
                let result = recv(descriptor, memory, count, 0)
                if result >= 0 { return result }
                if errno != EINTR { return Int(-errno) }
            }
        }

        /// Writes as much as the kernel takes.
        static func send(_ descriptor: CInt, _ memory: UnsafeRawPointer, _ count: Int) -> Int {
            while true {
                let result = Glibc.send(descriptor, memory, count, Self.noSignal)
                if result >= 0 { return result }
                if errno != EINTR { return Int(-errno) }
            }
        }

        /// Makes a stream socket.
        static func make(for address: SocketAddress) -> CInt {
            let type =
                CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
                | CInt(SOCK_NONBLOCK.rawValue)
            let descriptor = socket(CInt(address.protocol.rawValue), type, 0)
            return descriptor < 0 ? -errno : descriptor
        }

        static func bind(_ descriptor: CInt, to address: SocketAddress) -> CInt {
            address.withSockAddr { Glibc.bind(descriptor, $0, socklen_t($1)) } == 0 ? 0 : -errno
        }

        static func listen(_ descriptor: CInt, backlog: CInt) -> CInt {
            Glibc.listen(descriptor, backlog) == 0 ? 0 : -errno
        }

        static func accept(_ listener: CInt) -> CInt {
            while true {
                let descriptor = chaos_accept(listener)
                if descriptor >= 0 { return descriptor }
                if errno != EINTR { return -errno }
            }
        }

        /// Begins to connect: 0, or `-EINPROGRESS`, or a failure.
        static func connect(_ descriptor: CInt, to address: SocketAddress) -> CInt {
            address.withSockAddr { Glibc.connect(descriptor, $0, socklen_t($1)) } == 0
                ? 0 : -errno
        }

        static func close(_ descriptor: CInt) { _ = Glibc.close(descriptor) }

        /// Ends the listening of a socket, whoever has a copy of it: a child has all descriptors of
        /// its parent from its fork to its exec.
        static func endListening(_ descriptor: CInt) { _ = shutdown(descriptor, CInt(SHUT_RD)) }

        /// Closes with a reset (RST); local sockets have none and only close.
        static func reset(_ descriptor: CInt) {
            var option = linger(l_onoff: 1, l_linger: 0)
            setsockopt(
                descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
            Self.close(descriptor)
        }

        /// Ends the stream to the peer (FIN).
        static func endWriting(_ descriptor: CInt) { _ = shutdown(descriptor, CInt(SHUT_WR)) }

        /// Makes a descriptor that stands for another one to come.
        static func placeholder(of descriptor: CInt) -> CInt {
            let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
            return copy < 0 ? -errno : copy
        }

        // MARK: Options

        @discardableResult
        static func set(_ descriptor: CInt, _ level: CInt, _ name: CInt, _ value: CInt) -> Bool {
            var value = value
            return setsockopt(
                descriptor, level, name, &value, socklen_t(MemoryLayout<CInt>.size)) == 0
        }

        /// Sends small writes at once.
        static func setNoDelay(_ descriptor: CInt) {
            Self.set(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, 1)
        }

        /// Keeps the kernel from pacing what is sent to, or accepted at, an address of this machine.
        ///
        /// Nothing is lost on the way there, so congestion control has nothing to find out. BBR, the
        /// default of many systems, holds bytes back by timers all the same, which costs a third of
        /// the throughput (docs/BENCHMARKS.md). Reno (RFC 5681) is in every kernel, for every user,
        /// and without loss sends what fits.
        static func sendUnpaced(_ descriptor: CInt, _ address: SocketAddress) {
            guard Self.isPacedByDefault, address.isLoopback else { return }
            // Where it cannot be had, bytes go as the system sends them.
            _ = "reno".withCString {
                setsockopt(
                    descriptor, CInt(IPPROTO_TCP), Self.tcpCongestion, $0, socklen_t(strlen($0)))
            }
        }

        private static let isPacedByDefault: Bool = {
            let path = "/proc/sys/net/ipv4/tcp_congestion_control"
            let name = try? String(contentsOfFile: path, encoding: .utf8)
            return name.map { !["reno", "cubic"].contains($0.split(separator: "\n").first) }
                ?? false
        }()

        /// Dials from an address; the port is chosen when connecting. Otherwise a source address
        /// has as many connections as there are ephemeral ports, closed ones included.
        static func bindSource(_ descriptor: CInt, to address: SocketAddress) -> CInt {
            Self.set(descriptor, CInt(IPPROTO_IP), Self.bindAddressNoPort, 1)
            return Self.bind(descriptor, to: address)
        }

        /// Takes the error that a socket met, as a positive number; 0 where there was none.
        static func takeError(of descriptor: CInt) -> CInt {
            var value: CInt = 0
            var size = socklen_t(MemoryLayout<CInt>.size)
            getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &value, &size)
            return value
        }

        /// Makes the kernel discard everything that arrives, or nothing (`IP_MINTTL`,
        /// `IPV6_MINHOPCOUNT`, RFC 5082); `false` where it cannot. See `Deafness`.
        static func setDeaf(_ isDeaf: Bool, _ descriptor: CInt, _ family: AddressFamily) -> Bool {
            let hops: CInt = isDeaf ? 255 : 0
            switch family {
            case .v4: return Self.set(descriptor, CInt(IPPROTO_IP), Self.minimumTTL, hops)
            case .v6: return Self.set(descriptor, CInt(IPPROTO_IPV6), Self.minimumHopCount, hops)
            case .local: return !isDeaf
            }
        }

        /// How many packets to a socket the kernel has discarded so far, those to a deaf one among them; it
        /// begins anew after the greatest number. Nothing where the kernel does not tell (before Linux 4.12).
        static func discarded(by descriptor: CInt) -> UInt32? {
            let count = Self.memoryInfoDrops + 1
            return withUnsafeTemporaryAllocation(of: UInt32.self, capacity: count) { numbers in
                let whole = socklen_t(count * MemoryLayout<UInt32>.stride)
                var size = whole
                let result = getsockopt(
                    descriptor, SOL_SOCKET, Self.memoryInfo, numbers.baseAddress, &size)
                return result == 0 && size == whole ? numbers[Self.memoryInfoDrops] : nil
            }
        }

        /// Whether a socket waits for an answer to its attempt to connect.
        static func isUnanswered(_ descriptor: CInt, _ family: AddressFamily) -> Bool {
            if family == .local { return false }
            var state: UInt8 = 0
            var size = socklen_t(1)
            let result = getsockopt(
                descriptor, CInt(IPPROTO_TCP), Self.tcpInfo, &state, &size)
            return result == 0 && state == Self.synSent
        }

        /// The number from which on this process gets no more descriptors (RLIMIT_NOFILE).
        static var descriptorLimit: Int {
            var limit = rlimit()
            let isKnown =
                getrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit) == 0
            return isKnown && limit.rlim_cur < 1 << 30 ? Int(limit.rlim_cur) : 1 << 30
        }
    }

    extension SocketAddress {
        /// Whether it is one of 127.0.0.0/8 or ::1, which this machine alone has (RFC 6890).
        fileprivate var isLoopback: Bool {
            self.withSockAddr { address, size in
                let bytes = UnsafeRawBufferPointer(start: address, count: size)
                switch CInt(address.pointee.sa_family) {
                // sin_addr and sin6_addr, most significant byte first.
                case AF_INET: return bytes[4] == 127
                case AF_INET6: return bytes[8..<23].allSatisfy { $0 == 0 } && bytes[23] == 1
                default: return false
                }
            }
        }
    }

    /// Which options a socket understands.
    enum AddressFamily: UInt8 {
        case v4, v6, local

        init(_ address: SocketAddress) {
            switch address {
            case .v4: self = .v4
            case .v6: self = .v6
            case .unixDomainSocket: self = .local
            }
        }
    }
#endif
