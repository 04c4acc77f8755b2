#if os(Linux)
    import ChaosCore
    import ChaosScenario
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

        /// What tells a connection from every other.
        private enum Key: Hashable {
            case tcp(Connection)
            case udp(Connection)
            /// The sockets of who dialled and of who accepted.
            case unix(UInt64, UInt64)
        }

        /// A connection by the side that dialled, to something that may be a node.
        private struct Dial {
            let key: Key
            /// The socket that dialled.
            let inode: UInt64
            let dialled: Endpoint
            /// The node's own port that was dialled, if the address alone tells.
            let place: ProxiedEnds.Place?
            /// Who may listen there otherwise: sockets that listen, or were accepted.
            let listeners: [UInt64]
        }

        /// Where a connection begins and ends, from one side.
        private struct Face: Hashable {
            let local: SocketEnd
            let remote: SocketEnd
        }

        private struct Finding: Hashable {
            let dialer: NodeName
            let node: NodeName
            let dialled: Endpoint
        }

        private let ends: ProxiedEnds
        /// The same for UDP sockets; nil where no port is of UDP.
        private let datagramEnds: ProxiedEnds?
        private let diagnostics: SocketDiagnostics?
        private let owners: SocketOwners
        /// Connections that need no further look.
        private var settled: Set<Key> = []
        /// Connections whose owner was not found at the last look.
        private var unowned: Set<Key> = []
        /// Listening sockets that no node has open: who dials them needs no look at all.
        private var foreignListeners: Set<UInt64> = []
        /// Listening sockets whose owner was not found at the last look.
        private var unownedListeners: Set<UInt64> = []
        private var reported: Set<Finding> = []

        init(plan: AddressPlan, host: ProcessHost, chaos: Int32) {
            self.ends = ProxiedEnds(plan)
            let hasDatagrams = plan.routes.contains { $0.port.transport == .udp }
            self.datagramEnds = hasDatagrams ? ProxiedEnds(plan, isForDatagrams: true) : nil
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
            let unix = ((try? self.diagnostics?.unixSockets()) ?? nil) ?? []
            let datagrams = self.datagramSockets()
            self.forget(allBut: table, unix, datagrams)
            let dials = self.dials(in: table) + self.dials(in: unix) + self.dials(in: datagrams)
            if dials.isEmpty { return [] }
            let wanted = dials.flatMap { [$0.inode] + $0.listeners }
            let cluster = self.cluster(Set(wanted))
            for listener in Set(dials.flatMap(\.listeners)) {
                self.sort(listener, cluster[listener])
            }
            let targets = dials.map { self.target(of: $0, cluster) }
            // Only what leads to a declared port is worth a look at all processes.
            let foreign = zip(dials, targets).compactMap { dial, target in
                let inode = dial.inode
                return cluster[inode] == nil && target?.port != nil ? inode : nil
            }
            let others = foreign.isEmpty ? [:] : self.owners.others(Set(foreign))
            var found: [Bypass] = []
            for (dial, target) in zip(dials, targets) {
                let inode = dial.inode
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
        private mutating func forget(
            allBut table: SocketTable, _ unix: [UnixSocketRecord], _ datagrams: [Connection]
        ) {
            if !self.settled.isEmpty || !self.unowned.isEmpty {
                let keys = Set(
                    table.connections.map { Key.tcp($0) } + datagrams.map { Key.udp($0) }
                        + unix.map(Self.key))
                self.settled.formIntersection(keys)
                self.unowned.formIntersection(keys)
            }
            if self.foreignListeners.isEmpty && self.unownedListeners.isEmpty { return }
            let listeners = Set(table.listeners.values.joined()).union(unix.map(\.inode))
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
            let faced = Set(
                table.connections.map { Face(local: $0.local, remote: $0.remote) })
            // A table that changes while it is read may show a socket twice.
            var seen = self.settled
            return table.connections.compactMap { connection in
                if connection.inode == 0 || !seen.insert(.tcp(connection)).inserted { return nil }
                func dial(_ place: ProxiedEnds.Place?, _ listeners: [UInt64]) -> Dial {
                    Dial(
                        key: .tcp(connection), inode: connection.inode,
                        dialled: connection.remote.endpoint, place: place, listeners: listeners)
                }
                if let place = self.ends.place(at: connection.remote) { return dial(place, []) }
                // Anywhere else, it is on this machine only if the table has its other side.
                guard
                    faced.contains(
                        Face(local: connection.remote, remote: connection.local))
                else { return nil }
                let listeners = connection.remote.listeningPlaces.flatMap {
                    table.listeners[$0] ?? []
                }.filter { !self.foreignListeners.contains($0) }
                return listeners.isEmpty ? nil : dial(nil, listeners)
            }
        }

        /// The UDP sockets that have a node's own socket for a peer. Whoever sends without connecting
        /// does not show whom he sends to.
        private func datagramSockets() -> [Connection] {
            guard let ends = self.datagramEnds else { return [] }
            let records = ((try? self.diagnostics?.connectedDatagramSockets()) ?? nil) ?? []
            return records.filter {
                ends.place(at: $0.ends.remote) != nil
                    && !ends.isProxied($0.ends.local, $0.ends.remote)
            }.map { Connection(local: $0.ends.local, remote: $0.ends.remote, inode: $0.inode) }
        }

        /// Those that are not settled.
        private func dials(in datagrams: [Connection]) -> [Dial] {
            datagrams.compactMap { socket in
                let key = Key.udp(socket)
                if socket.inode == 0 || self.settled.contains(key) { return nil }
                return Dial(
                    key: key, inode: socket.inode, dialled: socket.remote.endpoint,
                    place: self.datagramEnds?.place(at: socket.remote), listeners: [])
            }
        }

        /// The connections of Unix sockets that may lead past the proxies and are not settled. The side
        /// that accepted has the path at which it did.
        private func dials(in sockets: [UnixSocketRecord]) -> [Dial] {
            sockets.compactMap { socket in
                guard !socket.isListening, socket.peer != 0, let path = socket.path,
                    !self.ends.isProxied(path), !self.settled.contains(Self.key(socket))
                else { return nil }
                let place = self.ends.place(at: path)
                let isForeign = self.foreignListeners.contains(socket.inode)
                if place == nil && (socket.inode == 0 || isForeign) { return nil }
                return Dial(
                    key: Self.key(socket), inode: socket.peer, dialled: .unix(path: path),
                    place: place,
                    listeners: place == nil ? [socket.inode] : [])
            }
        }

        /// Which node was dialled, and which of its declared ports.
        private func target(
            of dial: Dial, _ owners: [UInt64: SocketOwners.Owner]
        ) -> (node: NodeName, port: PortName?)? {
            if let place = dial.place { return (place.node, place.port) }
            for listener in dial.listeners {
                guard case .node(let node)? = owners[listener] else { continue }
                guard case .tcp(let connection) = dial.key else { return (node, nil) }
                return (node, self.ends.port(numbered: connection.remote.port, of: node))
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
                self.settled.insert(dial.key)
                return nil
            case .node(let node)?: dialer = node
            case .other(let name)?: (dialer, program) = (.client, name)
            case .client?: (dialer, program) = (.client, "the wrapped command")
            case .unplaced(let process)?:
                (dialer, program) = (.client, "process \(process), which has left its node,")
            case nil:
                // It may have been closed, or handed on, while the processes were read. Who holds
                // it for longer, and is not to be seen, is somebody else's process.
                if self.unowned.insert(dial.key).inserted { return nil }
                (dialer, program) = (.client, "another user's process")
            }
            self.settled.insert(dial.key)
            guard let target, target.node != dialer, dialer != .client || target.port != nil else {
                return nil
            }
            let finding = Finding(dialer: dialer, node: target.node, dialled: dial.dialled)
            guard self.reported.insert(finding).inserted else { return nil }
            return self.ends.bypass(
                from: dialer, to: target.node, target.port, at: dial.dialled, program: program)
        }

        /// What tells the connection of a Unix socket from every other.
        private static func key(_ socket: UnixSocketRecord) -> Key {
            .unix(socket.peer, socket.inode)
        }
    }
#endif
