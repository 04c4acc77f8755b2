#if os(Linux)
    import CLinux
    import ChaosCore
    import ChaosEngine
    import ChaosSockets

    /// Where datagrams of a link come in.
    final class DatagramPort {
        let spec: ProxiedLink
        /// Where it is bound.
        let end: chaos_end
        /// Where the target is; nil where its name has no address.
        let target: chaos_end?
        let socket: DatagramSocket
        /// Where the plane keeps it, and what tells it from those that were kept there before.
        let slot: Int
        let generation: UInt32
        /// Who sends here, and whom this port's node answers to.
        var sessions: [SocketEnd: DatagramSession] = [:]
        /// Those of whom it is not known yet who they are, where several may come in.
        var queue: OpenerQueue<PendingSender>?
        var pending: [SocketEnd: PendingSender] = [:]
        /// Whether something may wait in the socket.
        var isReadable = false
        /// Whether the network, or a target that is not there, has senders refused.
        private(set) var isRefusing = false
        var isRefusedByNetwork = false
        /// When to look again whether the target is there.
        var targetMissingUntil: Instant?
        /// How many datagrams the kernel had lost when that was last told.
        var overflow: UInt32 = 0
        /// The revisions of the links that were looked at.
        var revisions: [Int] = []

        init(
            _ spec: ProxiedLink, _ socket: DatagramSocket, at end: chaos_end, target: chaos_end?,
            slot: Int, generation: UInt32
        ) {
            self.spec = spec
            self.socket = socket
            self.end = end
            self.target = target
            self.slot = slot
            self.generation = generation
            self.queue = spec.openers.map { OpenerQueue(spec, $0) }
        }

        /// The links over which datagrams may come in here.
        var links: [Link] { self.queue?.links ?? [self.spec.link] }

        /// Whether it is an address of a node that everybody is told, rather than of one link.
        var isShared: Bool { self.spec.link.source == .client }

        /// Lets senders in, or has the kernel refuse them (ICMP, port unreachable). A socket that is
        /// connected takes datagrams of its peer alone; connected to itself it takes none, and still
        /// sends, and still keeps its port.
        func applyRefusal() {
            let isWanted = self.isRefusedByNetwork || self.targetMissingUntil != nil
            if isWanted == self.isRefusing { return }
            var own = self.end
            // Everything that is an address of this machine is as good as any.
            if own.isEveryAddress {
                (own.high, own.low) = own.isIPv4 ? (0, 0xffff_7f00_0001) : (0, 1)
            }
            let result = isWanted ? self.socket.connect(to: own) : self.socket.disconnect()
            if result == 0 { self.isRefusing = isWanted }
        }
    }

    /// A sender whose datagrams wait until it is known who he is.
    final class PendingSender {
        let end: chaos_end
        let contacted: chaos_end?
        /// What he has sent so far, up to a limit.
        private(set) var datagrams: [[UInt8]] = []
        private var size = 0

        private static let sizeMax = 256 << 10

        init(_ end: chaos_end, contacted: chaos_end?) {
            self.end = end
            self.contacted = contacted
        }

        /// Keeps a datagram; false when there is no room.
        func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
            if self.size + bytes.count > Self.sizeMax || self.datagrams.count >= 1024 {
                return false
            }
            self.size += bytes.count
            self.datagrams.append(Array(bytes))
            return true
        }
    }
#endif
