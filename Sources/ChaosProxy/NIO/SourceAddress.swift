import NIOCore
import NIOPosix

/// Lets the proxy dial from the address at which a target knows its peer.
enum SourceAddress {
    /// ip(7), IP_BIND_ADDRESS_NO_PORT: the port is chosen when connecting. Without it a source address
    /// has as many connections as there are ephemeral ports, closed ones of the last minute included.
    private static let bindAddressNoPort = NIOBSDSocket.Option(rawValue: 24)

    /// Makes a bootstrap dial from an address.
    static func bind(_ bootstrap: ClientBootstrap, to address: SocketAddress) -> ClientBootstrap {
        #if os(Linux)
            return
                bootstrap
                .channelOption(
                    ChannelOptions.Types.SocketOption(level: .ip, name: Self.bindAddressNoPort),
                    value: 1
                )
                .bind(to: address)
        #else
            return bootstrap.bind(to: address)
        #endif
    }
}
