#if os(Linux)
    import ChaosCore
    import ChaosProxy
    import ChaosSockets

    #if canImport(Glibc)
        import Glibc
    #else
        import Musl
    #endif

    /// Answers many questions about openers at once: all of them with one look through the nodes'
    /// descriptors.
    final class RecognitionPass {
        private let diagnostics: SocketDiagnostics
        private let owners: SocketOwners
        /// How many were found to be clients only because all nodes were looked through in vain.
        private var ruledOut = 0
        private var lastLesson = ContinuousClock.now - RecognitionPass.lessonInterval

        /// After how many such clients it is worth to find out who they are, and how often at most.
        private static let lessonSize = 8
        private static let lessonInterval = Duration.seconds(2)

        init(host: ProcessHost, nodes: [NodeName]) throws(SocketDiagnosticsError) {
            self.diagnostics = try SocketDiagnostics()
            self.owners = SocketOwners(
                chaos: getpid(), processes: NodeProcesses(host: host, nodes: nodes))
        }

        private static let gone = Opener.unknown(
            "whoever opened it had closed it before it was looked at")

        /// Who opened these connections, in the order of the questions.
        func openers(of sockets: [OpeningSocket]) -> [Opener] {
            do throws(SocketDiagnosticsError) {
                return try self.answers(to: sockets)
            } catch {
                return sockets.map { _ in .unknown(error.description) }
            }
        }

        private func answers(to sockets: [OpeningSocket]) throws(SocketDiagnosticsError) -> [Opener]
        {
            var openers = [Opener?](repeating: nil, count: sockets.count)
            for (index, socket) in sockets.enumerated() {
                if case .unix(let peer) = socket { openers[index] = self.opener(peer) }
            }
            var inodes = try self.inodes(of: sockets)
            Self.note(self.owners.lately(Set(inodes.compactMap(\.self))), inodes, &openers)
            // Looking everywhere is for those only who are still there.
            var left = try self.remaining(sockets, &inodes, openers)
            Self.note(self.owners.cluster(Set(left.compactMap { inodes[$0] })), inodes, &openers)
            // Who was not found may have handed his socket on while we looked, or it is nobody of ours:
            // a second look, which sees processes that have come meanwhile, decides.
            left = try self.remaining(sockets, &inodes, openers)
            let wanted = Set(left.compactMap { inodes[$0] })
            Self.note(self.owners.cluster(wanted, isAgain: true), inodes, &openers)
            let stranger = self.stranger
            let ruledOut = left.compactMap { openers[$0] == nil ? inodes[$0] : nil }
            if !ruledOut.isEmpty { self.learn(ruledOut) }
            return zip(openers, inodes).map { opener, inode in
                opener ?? (inode == nil ? Self.gone : stranger)
            }
        }

        /// Which questions have no answer yet and are still open. Those whose socket is gone have no inode
        /// any more.
        private func remaining(
            _ sockets: [OpeningSocket], _ inodes: inout [UInt64?], _ openers: [Opener?]
        ) throws(SocketDiagnosticsError) -> [Int] {
            let left = sockets.indices.filter { inodes[$0] != nil && openers[$0] == nil }
            let again = try self.inodes(of: left.map { sockets[$0] })
            for (index, inode) in zip(left, again) where inode != inodes[index] {
                inodes[index] = nil
            }
            return left.filter { inodes[$0] != nil }
        }

        /// Learns who the clients are, now and then: their sockets are still open, as long as they have
        /// no answer.
        private func learn(_ inodes: [UInt64]) {
            self.ruledOut += inodes.count
            let now = ContinuousClock.now
            if self.ruledOut < Self.lessonSize || now - self.lastLesson < Self.lessonInterval {
                return
            }
            (self.lastLesson, self.ruledOut) = (now, 0)
            self.owners.learn(Set(inodes))
        }

        /// What the sockets' numbers are; nil for those that nobody has open any more.
        private func inodes(
            of sockets: [OpeningSocket]
        ) throws(SocketDiagnosticsError) -> [UInt64?] {
            var inodes = [UInt64?](repeating: nil, count: sockets.count)
            var pairs: [(index: Int, ends: SocketPair)] = []
            var datagrams: [(index: Int, ends: SocketPair)] = []
            for (index, socket) in sockets.enumerated() {
                switch socket {
                case .tcp(let ends): pairs.append((index, ends))
                case .udp(let ends): datagrams.append((index, ends))
                case .inode(let inode): inodes[index] = inode
                case .unix: break
                }
            }
            for (pair, record) in zip(pairs, try self.diagnostics.find(pairs.map(\.ends))) {
                if let inode = record?.inode, inode != 0 { inodes[pair.index] = inode }
            }
            let senders = try self.diagnostics.findDatagramSockets(datagrams.map(\.ends))
            for (question, record) in zip(datagrams, senders) {
                inodes[question.index] = record?.inode
            }
            return inodes
        }

        private static func note(
            _ owners: [UInt64: SocketOwners.Owner], _ inodes: [UInt64?], _ openers: inout [Opener?]
        ) {
            for (index, inode) in inodes.enumerated() {
                if let owner = inode.flatMap({ owners[$0] }) { openers[index] = Self.opener(owner) }
            }
        }

        private static func opener(_ owner: SocketOwners.Owner) -> Opener {
            switch owner {
            case .node(let node): .node(node)
            case .chaos, .client, .other: .client
            case .unplaced(let process):
                .unknown(
                    "process \(process) has left its node: its parents are gone, and its "
                        + "environment and session are others")
            }
        }

        /// Whose a socket is that no process of the cluster shows.
        private var stranger: Opener {
            guard let hidden = self.owners.hidden.first else { return .client }
            let process = hidden.handle.pid
            guard case .node(let node) = hidden.owner else { return .client }
            return .unknown("process \(process) of \(node) does not show what it has open")
        }

        private func opener(_ peer: UnixPeer) -> Opener {
            let owner = self.owners.owner(ofProcess: peer.pid)
            // Only now: what was found is about the one who connected if he is still there.
            guard peer.isAlive else { return Self.gone }
            return owner.map(Self.opener) ?? .client
        }
    }
#endif
