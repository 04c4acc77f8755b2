#if os(Linux)
    import ChaosCore
    import ChaosEngine

    extension EpollPlane {
        /// Carries a connection that somebody else has accepted and dialled, while all threads stand still.
        func adopt(_ pair: ConnectedPair) {
            // TCP over IPv4 or IPv6: of which family both are, the target's address tells.
            guard case .tcp(let host, _) = pair.upstream,
                let route = try? Route(
                    ProxiedLink(link: pair.link, listen: pair.upstream, upstream: pair.upstream))
            else {
                Sockets.reset(pair.opener)
                return Sockets.reset(pair.target)
            }
            let family: AddressFamily = host.contains(":") ? .v6 : .v4
            self.admit(
                EpollLeg(.opener, pair.opener, family, isDeaf: false),
                over: self.line(of: pair.link), route, on: self.first,
                reached: EpollLeg(.listener, pair.target, family, isDeaf: false))
        }
    }
#endif
