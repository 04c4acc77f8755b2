#if os(Linux)
    import ChaosCore
    import ChaosSockets

    /// Looks where a node's processes listen, to say why they are not found where they should be.
    enum ListenerSurvey {
        /// The addresses at which processes of a node listen at a port; `*` stands for every address.
        static func addresses(port: UInt16, node: NodeName, host: ProcessHost) -> [String] {
            guard let diagnostics = try? SocketDiagnostics(),
                let sockets = try? diagnostics.tcpSockets(in: .listening)
            else { return [] }
            let candidates = sockets.filter { $0.ends.local.port == port && $0.inode != 0 }
            let processes = NodeProcesses(host: host, nodes: [node])
            let owners = SocketOwners(chaos: 0, processes: processes)
                .cluster(Set(candidates.map(\.inode)))
            var found: [String] = []
            for socket in candidates where owners[socket.inode] == .node(node) {
                let address = socket.ends.local.addressText
                if !found.contains(address) { found.append(address) }
            }
            return found
        }
    }

    extension SocketEnd {
        /// The address alone; `*` for every address.
        fileprivate var addressText: String {
            if self.high == 0 && (self.low == 0 || self.low == 0xffff_0000_0000) { return "*" }
            guard case .tcp(let host, _) = self.endpoint else { return "" }
            return self.isIPv4 ? host : "[\(host)]"
        }
    }
#endif
