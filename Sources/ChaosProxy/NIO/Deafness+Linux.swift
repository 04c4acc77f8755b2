#if os(Linux)
    import NIOCore

    // ip(7) IP_MINTTL, ipv6(7) IPV6_MINHOPCOUNT (RFC 5082): packets with fewer hops left than asked
    // are discarded before TCP sees them. Packets on the loopback start with 64.
    extension Deafness {
        private static let ipMinimumTTL = NIOBSDSocket.Option(rawValue: 21)
        private static let ipv6MinimumHopCount = NIOBSDSocket.Option(rawValue: 73)

        /// tcp(7), TCP_INFO: its first byte is the state, and 2 is TCP_SYN_SENT.
        private static let tcpInfo = NIOBSDSocket.Option(rawValue: 11)
        private static let synSent: UInt8 = 2

        static func isInSynSent(_ channel: any Channel) -> Bool {
            if channel.localAddress?.protocol == .unix { return false }
            let option = ChannelOptions.Types.SocketOption(level: .tcp, name: Self.tcpInfo)
            guard let info = try? channel.syncOptions?.getOption(option) else { return false }
            return withUnsafeBytes(of: info) { $0[0] } == Self.synSent
        }

        static func setMinimumHops(_ hops: Int, on channel: any Channel) -> Bool {
            guard let options = channel.syncOptions, let address = channel.localAddress else {
                return false
            }
            do {
                switch address {
                case .v4:
                    try options.setOption(
                        ChannelOptions.Types.SocketOption(level: .ip, name: Self.ipMinimumTTL),
                        value: hops)
                case .v6:
                    try options.setOption(
                        ChannelOptions.Types.SocketOption(
                            level: .ipv6, name: Self.ipv6MinimumHopCount),
                        value: hops)
                case .unixDomainSocket: return hops == 0
                }
                return true
            } catch {
                return false
            }
        }
    }
#endif
