#if os(Linux)
    import ChaosCore
    import ChaosSockets

    #if canImport(Glibc)
        import Glibc
    #else
        import Musl
    #endif

    /// Looks for connections past the proxies, again and again, and remembers what it has seen.
    struct BypassScan {
        /// Whether this system tells who holds a socket.
        static var canTell: Bool { SocketDiagnostics.obstacle() == nil }

        private typealias Connection = SocketTable.Connection

        /// A connection by the side that dialled, to something that may be a node.
        private struct Dial {
            let connection: Connection
            /// The node's own port that was dialled, if the address alone tells.
            let place: ProxiedEnds.Place?
            /// Who may listen there otherwise.
            let listeners: [UInt64]
        }

        private struct Finding: Hashable {
            let dialer: NodeName
            let node: NodeName
            let end: SocketEnd
        }

        private let ends: ProxiedEnds
        private let diagnostics: SocketDiagnostics?
        private let owners: SocketOwners
        /// Connections that need no further look.
        private var settled: Set<Connection> = []
        /// Connections whose owner was not found at the last look.
        private var unowned: Set<Connection> = []
        /// Listening sockets that no node has open: who dials them needs no look at all.
        private var foreignListeners: Set<UInt64> = []
        /// Listening sockets whose owner was not found at the last look.
        private var unownedListeners: Set<UInt64> = []
        private var reported: Set<Finding> = []

        init(plan: AddressPlan, host: ProcessHost, chaos: Int32) {
            self.ends = ProxiedEnds(plan)
            self.diagnostics = try? SocketDiagnostics()
            self.owners = SocketOwners(
                chaos: chaos, processes: NodeProcesses(host: host, nodes: plan.nodes))
        }

        /// Looks once.
        ///
        /// - Returns: What no earlier look has found, in the order of the kernel's table.
        mutating func look() -> [Bypass] {
            // The kernel may be busy: the next look sees more.
            let states: TCPStates = [.open, .listening]
            guard let records = try? self.diagnostics?.tcpSockets(in: states) else { return [] }
            let table = SocketTable(records) { !self.ends.isProxied($0, $1) }
            self.forget(allBut: table)
            let dials = self.dials(in: table)
            if dials.isEmpty { return [] }
            let wanted = dials.flatMap { [$0.connection.inode] + $0.listeners }
            let cluster = self.cluster(Set(wanted))
            for listener in Set(dials.flatMap(\.listeners)) {
                self.sort(listener, cluster[listener])
            }
            let targets = dials.map { self.target(of: $0, cluster) }
            // Only what leads to a declared port is worth a look at all processes.
            let foreign = zip(dials, targets).compactMap { dial, target in
                let inode = dial.connection.inode
                return cluster[inode] == nil && target?.port != nil ? inode : nil
            }
            let others = foreign.isEmpty ? [:] : self.owners.others(Set(foreign))
            var found: [Bypass] = []
            for (dial, target) in zip(dials, targets) {
                let inode = dial.connection.inode
                let owner = cluster[inode] ?? others[inode]
                if let bypass = self.judge(dial, target, owner) { found.append(bypass) }
            }
            return found
        }

        /// Who of chaos and the cluster has these sockets open.
        private func cluster(_ wanted: Set<UInt64>) -> [UInt64: SocketOwners.Owner] {
            let own = self.owners.own(wanted)
            var owners = self.owners.cluster(wanted.subtracting(own))
            for inode in own { owners[inode] = .chaos }
            return owners
        }

        /// Forgets what the kernel has given up, as it may give its number to another socket.
        private mutating func forget(allBut table: SocketTable) {
            let connections = Set(table.connections)
            self.settled.formIntersection(connections)
            self.unowned.formIntersection(connections)
            if self.foreignListeners.isEmpty && self.unownedListeners.isEmpty { return }
            let listeners = Set(table.listeners.values.joined())
            self.foreignListeners.formIntersection(listeners)
            self.unownedListeners.formIntersection(listeners)
        }

        /// Remembers a listening socket that is no node's.
        private mutating func sort(_ listener: UInt64, _ owner: SocketOwners.Owner?) {
            switch owner {
            case .node?: break
            case .chaos?, .client?, .unplaced?, .other?: self.foreignListeners.insert(listener)
            case nil:
                // A process that starts while the others are read is seen at the next look.
                if self.unownedListeners.insert(listener).inserted { break }
                self.foreignListeners.insert(listener)
            }
        }

        /// The connections that may lead past the proxies and are not settled.
        private func dials(in table: SocketTable) -> [Dial] {
            let faced = Set(table.connections.map { [$0.local, $0.remote] })
            // A table that changes while it is read may show a socket twice.
            var seen = self.settled
            return table.connections.compactMap { connection in
                if connection.inode == 0 || !seen.insert(connection).inserted { return nil }
                if let place = self.ends.place(at: connection.remote) {
                    return Dial(connection: connection, place: place, listeners: [])
                }
                // Anywhere else, it is on this machine only if the table has its other side.
                guard faced.contains([connection.remote, connection.local]) else { return nil }
                let listeners = connection.remote.listeningPlaces.flatMap {
                    table.listeners[$0] ?? []
                }.filter { !self.foreignListeners.contains($0) }
                if listeners.isEmpty { return nil }
                return Dial(connection: connection, place: nil, listeners: listeners)
            }
        }

        /// Which node was dialled, and which of its declared ports.
        private func target(
            of dial: Dial, _ owners: [UInt64: SocketOwners.Owner]
        ) -> (node: NodeName, port: PortName?)? {
            if let place = dial.place { return (place.node, place.port) }
            for listener in dial.listeners {
                guard case .node(let node)? = owners[listener] else { continue }
                return (node, self.ends.port(numbered: dial.connection.remote.port, of: node))
            }
            return nil
        }

        /// Decides what a connection is, and remembers that.
        private mutating func judge(
            _ dial: Dial, _ target: (node: NodeName, port: PortName?)?, _ owner: SocketOwners.Owner?
        ) -> Bypass? {
            let dialer: NodeName
            var program: String?
            switch owner {
            case .chaos?:
                self.settled.insert(dial.connection)
                return nil
            case .node(let node)?: dialer = node
            case .other(let name)?: (dialer, program) = (.client, name)
            case .client?: (dialer, program) = (.client, "the wrapped command")
            case .unplaced(let process)?:
                (dialer, program) = (.client, "process \(process), which has left its node,")
            case nil:
                // It may have been closed, or handed on, while the processes were read. Who holds
                // it for longer, and is not to be seen, is somebody else's process.
                if self.unowned.insert(dial.connection).inserted { return nil }
                (dialer, program) = (.client, "another user's process")
            }
            self.settled.insert(dial.connection)
            guard let target, target.node != dialer, dialer != .client || target.port != nil else {
                return nil
            }
            let end = dial.connection.remote
            let finding = Finding(dialer: dialer, node: target.node, end: end)
            guard self.reported.insert(finding).inserted else { return nil }
            return self.ends.bypass(
                from: dialer, to: target.node, target.port, at: end, program: program)
        }
    }
#endif
