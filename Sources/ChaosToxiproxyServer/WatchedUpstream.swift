import ChaosCore
import ChaosSockets
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// An upstream on this machine, whose listening can be looked up.
///
/// A listener can refuse only by not listening: by the time it may accept, the kernel has answered the
/// client (listen(2)). So whether the upstream would refuse must be known before anybody comes.
struct WatchedUpstream: Sendable {
    /// Where it may listen: an address of this machine, or several if a name has them.
    private let ends: [SocketEnd]

    /// How long a name may be looked up.
    private static let lookUpTime = Duration.seconds(1)
    /// How long an upstream may take to refuse; one on this machine does at once.
    private static let probeTime = TimeAmount.seconds(1)

    /// Finds out where an upstream would listen; `nil` if it is no TCP port, or not of this machine.
    init?(_ upstream: Endpoint) async {
        guard case .tcp(let host, let port) = upstream, port > 0,
            let hosts = try? await HostAddress.findAll(host, within: Self.lookUpTime)
        else { return nil }
        let own = Self.ownAddresses
        if hosts.isEmpty || !hosts.allSatisfy({ Self.isLoopback($0) || own.contains($0) }) {
            return nil
        }
        self.ends = hosts.compactMap { SocketEnd(host: $0, port: port) }
    }

    /// Whether one of these sockets is its.
    func listens(among listening: Set<SocketEnd>) -> Bool {
        self.ends.contains { $0.listeningPlaces.contains(where: listening.contains) }
    }

    /// Whether it really refuses: packet filters may lead a port elsewhere, where nobody listens to be
    /// seen. Who refuses does not notice that it was asked.
    func refuses() async -> Bool {
        for end in self.ends {
            guard case .tcp(let host, let port) = end.endpoint else { continue }
            do {
                let channel = try await ClientBootstrap(
                    group: MultiThreadedEventLoopGroup.singleton
                )
                .connectTimeout(Self.probeTime).connect(host: host, port: Int(port)).get()
                try? await channel.close()
                return false
            } catch {
                guard let failure = error as? NIOConnectionError,
                    failure.connectionErrors.allSatisfy({
                        ($0.error as? IOError)?.errnoCode == ECONNREFUSED
                    })
                else { return false }
            }
        }
        return true
    }

    private static var ownAddresses: Set<String> {
        let devices = (try? System.enumerateDevices()) ?? []
        return Set(devices.compactMap { $0.address?.ipAddress })
    }

    private static func isLoopback(_ host: String) -> Bool {
        host == "::1" || host.hasPrefix("127.")
    }
}

/// Says where anybody listens on this machine.
enum ListeningSockets {
    /// - Throws: `SocketDiagnosticsError` when the kernel does not answer.
    static func all() throws(SocketDiagnosticsError) -> Set<SocketEnd> {
        Set(try SocketDiagnostics().tcpSockets(in: .listening).map(\.ends.local))
    }
}
