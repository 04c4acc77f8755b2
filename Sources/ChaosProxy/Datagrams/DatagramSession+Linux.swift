#if os(Linux)
    import CLinux
    import ChaosCore
    import ChaosEngine

    /// The datagrams between one sender and one target, and the way back.
    final class DatagramSession: IdleItem {
        /// How the target is reached.
        enum Way {
            /// From a socket of the session's own, which is connected to the target.
            case own(DatagramSocket)
            /// The sender is a node's own socket: its datagrams come to the target from the address
            /// at which the target finds that node, and the target's own come in there.
            case between(DatagramPort, chaos_end)
        }

        /// Where the plane keeps it, and what tells it from those that were kept there before.
        let slot: Int
        let generation: UInt32
        /// Where its sender's datagrams come in.
        let port: DatagramPort
        let sender: chaos_end
        /// To which address of this machine the sender sends, where the port has several.
        let contacted: chaos_end?
        let way: Way
        let flow: PacketFlow
        /// What goes over its link, and over the one back.
        let forward: DatagramLine
        let backward: DatagramLine
        var usedAt: Instant
        private(set) var isOver = false
        /// Whether somebody was told that its target cannot be reached.
        var hasToldOfFailure = false

        var isBusy: Bool { self.flow.packetsQueued > 0 }

        init(
            slot: Int, generation: UInt32, port: DatagramPort, sender: chaos_end,
            contacted: chaos_end?, way: Way, flow: PacketFlow, forward: DatagramLine,
            backward: DatagramLine, at now: Instant
        ) {
            self.slot = slot
            self.generation = generation
            self.port = port
            self.sender = sender
            self.contacted = contacted
            self.way = way
            self.flow = flow
            self.forward = forward
            self.backward = backward
            self.usedAt = now
        }

        func line(_ direction: Direction) -> DatagramLine {
            direction == .forward ? self.forward : self.backward
        }

        /// Ends it; whatever comes for it has nowhere to go.
        func close(at now: Instant) {
            if self.isOver { return }
            self.isOver = true
            self.port.sessions[self.sender.key] = nil
            switch self.way {
            case .own(let socket): socket.close()
            case .between(let other, let end): other.sessions[end.key] = nil
            }
            self.flow.close(at: now)
        }

        /// Sends a datagram to where a direction ends: 0, or the negative error's number.
        func send(_ bytes: UnsafeRawBufferPointer, _ direction: Direction) -> CInt {
            switch (direction, self.way) {
            case (.forward, .own(let socket)): socket.send(bytes, to: nil, from: nil)
            case (.forward, .between(let other, let end)):
                other.socket.send(bytes, to: end, from: nil)
            case (.backward, _):
                self.port.socket.send(bytes, to: self.sender, from: self.contacted)
            }
        }
    }

    /// What goes over one link.
    final class DatagramLine: AlarmedLine {
        let pipeline: PacketPipeline
        /// For when the plane has noted that it must be looked at.
        var armed = Instant.never

        init(_ state: LinkState) { self.pipeline = PacketPipeline(of: state) }
    }
#endif
