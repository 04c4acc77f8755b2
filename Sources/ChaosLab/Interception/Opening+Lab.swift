#if os(Linux) && Lab
    import ChaosCore
    import ChaosTopology

    /// Somebody who opens a connection to an intercepted port, from his first SYN until he is accepted.
    final class Opening {
        /// Both ends of the connection.
        struct Ends: Hashable {
            let opener: StandIn.End
            let target: StandIn.End
        }

        /// How far it is.
        enum Phase {
            /// What he sent is lost, as on a link that is cut: he has to ask again.
            case lost
            /// What he sent waits for the end of a cut that holds everything back.
            case held
            /// What he sent waits for the end of `accept_delay`.
            case delayed(until: Instant)
            /// The target was called and has not answered.
            case calling(Int32)
            /// The target has accepted, and he is being accepted.
            case called(Int32)
        }

        let ends: Ends
        let link: Link
        /// By which its target's socket is known.
        let tag: UInt64
        /// The frame that asks, and what it says.
        let bytes: [UInt8]
        let frame: LabFrame
        var phase = Phase.lost
        /// Whether the cut or fault that stops it has counted it.
        var isCounted = false
        /// Whether `accept_delay` is behind it.
        var wasDelayed = false
        private let firstAt: Instant
        var lastAt: Instant

        init(
            _ ends: Ends, over link: Link, tag: UInt64, _ frame: LabFrame, _ bytes: [UInt8],
            at now: Instant
        ) {
            self.ends = ends
            self.link = link
            self.tag = tag
            self.frame = frame
            self.bytes = bytes
            self.firstAt = now
            self.lastAt = now
        }

        /// The socket that faces the target, if there is one.
        var socket: Int32? {
            switch self.phase {
            case .calling(let socket), .called(let socket): socket
            case .lost, .held, .delayed: nil
            }
        }

        /// When it is to be looked at, if nothing happens before.
        var deadline: Instant {
            if case .delayed(let until) = self.phase { return min(until, self.patience) }
            return self.patience
        }

        /// Until when he is taken to be still there. He asks again after twice the time he has waited (RFC
        /// 6298); who does not has given up.
        var patience: Instant {
            let waited = self.lastAt - self.firstAt
            return self.lastAt + max(.seconds(3), waited * 2 + .seconds(1))
        }
    }
#endif
