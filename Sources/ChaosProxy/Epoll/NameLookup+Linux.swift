#if os(Linux)
    import ChaosCore
    import Dispatch
    import Glibc
    import NIOCore

    /// Finds the addresses of host names, on threads that may wait.
    enum NameLookup {
        private static let queue = DispatchQueue(
            label: "chaos.names", attributes: .concurrent)

        /// The address that an endpoint spells out; `nil` for a name.
        static func literal(_ endpoint: Endpoint) throws -> SocketAddress? {
            switch endpoint {
            case .unix(let path): try SocketAddress(unixDomainSocketPath: path)
            case .tcp(let host, let port): try? SocketAddress(ipAddress: host, port: Int(port))
            }
        }

        /// Looks a name up; at least one address, or an error.
        static func addresses(
            of endpoint: Endpoint,
            _ finish: @escaping @Sendable (Result<[SocketAddress], any Error>) -> Void
        ) {
            self.queue.async { finish(Result { try Self.find(endpoint) }) }
        }

        private static func find(_ endpoint: Endpoint) throws -> [SocketAddress] {
            guard case .tcp(let host, let port) = endpoint else { return [] }
            var hints = addrinfo()
            hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
            var list: UnsafeMutablePointer<addrinfo>?
            guard getaddrinfo(host, String(port), &hints, &list) == 0 else {
                throw NameError(host: host)
            }
            defer { freeaddrinfo(list) }
            var addresses: [SocketAddress] = []
            var next = list
            while let entry = next?.pointee {
                next = entry.ai_next
                guard let address = entry.ai_addr else { continue }
                switch entry.ai_family {
                case AF_INET:
                    address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                        addresses.append(SocketAddress($0.pointee, host: host))
                    }
                case AF_INET6:
                    address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                        addresses.append(SocketAddress($0.pointee, host: host))
                    }
                default: break
                }
            }
            if addresses.isEmpty { throw NameError(host: host) }
            return addresses
        }
    }

    /// A host name that has no address.
    struct NameError: Error, CustomStringConvertible {
        let host: String
        var description: String { "no address for '\(self.host)'" }
    }
#endif
