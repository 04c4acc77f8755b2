#if os(Linux)
    import ChaosCore

    #if canImport(Glibc)
        import Glibc
    #else
        import Musl
    #endif

    /// Finds out whose process has a socket open.
    ///
    /// The kernel keeps no such list: every open file of every process in question is looked at.
    /// So this is for the few sockets that addresses do not explain.
    struct SocketOwners {
        enum Owner: Hashable {
            case chaos
            case node(NodeName)
            /// Another process, with its program's name.
            case other(String)
        }

        /// A process that belongs to a node.
        private struct Member {
            let process: ProcessDirectory
            let started: UInt64
            let node: NodeName
        }

        /// What a process's ancestors say about it.
        private struct Standing {
            /// Whether it descends from the guardian.
            let isGuarded: Bool
            var node: NodeName?
        }

        private let chaos: ProcessDirectory
        private let guardian: Int32
        /// The nodes by the value of the variable that marks their families.
        private let families: [String: NodeName]

        /// - Parameters:
        ///   - chaos: The process that holds the proxies' sockets.
        ///   - guardian: The process from which all nodes descend.
        ///   - families: The nodes by the value of `ProcessHost.familyVariable`.
        init(chaos: Int32, guardian: Int32, families: [String: NodeName]) {
            self.chaos = ProcessDirectory(pid: chaos)
            self.guardian = guardian
            self.families = families
        }

        /// Who of chaos and the nodes has these sockets open; the others are left out.
        func cluster(_ wanted: Set<UInt64>) -> [UInt64: Owner] {
            var owners: [UInt64: Owner] = [:]
            self.chaos.visitSockets { if wanted.contains($0) { owners[$0] = .chaos } }
            if owners.count == wanted.count { return owners }
            for member in self.members() {
                var found: [UInt64] = []
                member.process.visitSockets { inode in
                    if wanted.contains(inode), owners[inode] == nil { found.append(inode) }
                }
                // Another process may have got the pid in the meantime.
                if found.isEmpty || member.process.status?.started != member.started { continue }
                for inode in found { owners[inode] = .node(member.node) }
            }
            return owners
        }

        /// Which of all processes have these sockets open. Those of other users do not tell.
        func others(_ wanted: Set<UInt64>) -> [UInt64: Owner] {
            var owners: [UInt64: Owner] = [:]
            for process in ProcessDirectory.all() {
                var found: [UInt64] = []
                process.visitSockets { if wanted.contains($0) { found.append($0) } }
                guard !found.isEmpty, let status = process.status else { continue }
                for inode in found where owners[inode] == nil {
                    owners[inode] = .other("\(status.name) (process \(process.pid))")
                }
            }
            return owners
        }

        /// The processes of all nodes: what carries a family's marker, what descends from such a
        /// process, and what is in the session of one.
        private func members() -> [Member] {
            let processes = ProcessDirectory.all()
            var statuses: [Int32: ProcessDirectory.Status] = [:]
            for process in processes { statuses[process.pid] = process.status }
            var standings = [self.guardian: Standing(isGuarded: true, node: nil)]
            for process in processes { self.place(process.pid, statuses, &standings) }
            return processes.compactMap { process in
                guard let status = statuses[process.pid],
                    let node = standings[process.pid]?.node ?? standings[status.session]?.node
                else { return nil }
                return Member(process: process, started: status.started, node: node)
            }
        }

        /// Finds out where a process stands, and before it its ancestors.
        private func place(
            _ pid: Int32, _ statuses: [Int32: ProcessDirectory.Status],
            _ standings: inout [Int32: Standing]
        ) {
            var line: [Int32] = []
            var next = pid
            while standings[next] == nil, let status = statuses[next], !line.contains(next) {
                line.append(next)
                next = status.parent
            }
            var standing = standings[next] ?? Standing(isGuarded: false, node: nil)
            for pid in line.reversed() {
                // Only what descends from the guardian can be a node's: no other environment is
                // read. A program that was started with a new one belongs where its parent does.
                if standing.isGuarded,
                    let family = ProcessDirectory(pid: pid).variable(ProcessHost.familyVariable),
                    let node = self.families[family]
                {
                    standing.node = node
                }
                standings[pid] = standing
            }
        }
    }
#endif
