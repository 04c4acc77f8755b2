#if os(Linux)
    import ChaosCore
    import ChaosSockets

    #if canImport(Glibc)
        import Glibc
    #else
        import Musl
    #endif

    /// Finds out whose process has a socket open.
    ///
    /// The kernel keeps no such list, so the descriptors of the processes in question are looked
    /// through: first those behind which sockets were found lately, then all.
    final class SocketOwners {
        enum Owner: Hashable {
            case chaos
            case node(NodeName)
            /// A command that chaos wraps.
            case client
            /// A process of some node, nobody knows which.
            case unplaced(process: Int32)
            /// Another process, with its program's name.
            case other(String)
        }

        private let chaos: ProcessHandle?
        private let processes: NodeProcesses
        /// Processes outside of the cluster that were seen to dial nodes, the last one seen first.
        private var strangers: [NodeProcesses.Member] = []
        /// Processes below the guardian that did not show their sockets when they were last asked.
        private(set) var hidden: [NodeProcesses.Member] = []

        /// Where the last lesson stopped.
        private var lessonEnd = Int32.max

        /// How long a lesson may take.
        private static let lessonTime = Duration.milliseconds(20)
        /// How many descriptors of a process are looked at first.
        private static let likelyLimit = 8
        /// A process that opens one connection after the other uses one number after the other.
        private static let ahead: Int32 = 4
        /// How many strangers are remembered, and how many descriptors one may have for all of them to
        /// be looked at before the nodes'.
        private static let strangerLimit = (count: 16, descriptors: 512)

        /// - Parameters:
        ///   - chaos: The process that holds the proxies' sockets.
        ///   - processes: The processes of the nodes.
        init(chaos: Int32, processes: NodeProcesses) {
            self.chaos = ProcessHandle(pid: chaos)
            self.processes = processes
        }

        /// Which of these sockets chaos itself has open.
        func own(_ wanted: Set<UInt64>) -> Set<UInt64> {
            var rest = wanted
            self.chaos?.visitSockets { _, inode in
                rest.remove(inode)
                return !rest.isEmpty
            }
            return wanted.subtracting(rest)
        }

        /// Who of the nodes' and the wrapped command's processes has these sockets open; the others are
        /// left out. Where several have one, it is the one's that is found first.
        ///
        /// - Parameter isAgain: Whether they were looked for just now: then every descriptor of every
        ///   process is looked at, new processes included.
        func cluster(_ wanted: Set<UInt64>, isAgain: Bool = false) -> [UInt64: Owner] {
            if wanted.isEmpty { return [:] }
            self.processes.refresh(isForced: isAgain)
            let members = self.processes.members
            var rest = wanted
            var owners: [UInt64: Owner] = [:]
            func found(_ inode: UInt64, at descriptor: Int32, of member: NodeProcesses.Member) {
                owners[inode] = Owner(member)
                rest.remove(inode)
                Self.remember(descriptor, in: member)
            }
            if !isAgain {
                self.strangers.removeAll { !$0.handle.exists }
                for member in members + self.strangers where !member.likely.isEmpty {
                    // Many at once have many numbers, one behind the other, behind the last one's or the
                    // highest.
                    let behind = Set([member.likely[0], member.likely.max() ?? 0])
                    for descriptor in member.likely {
                        if rest.isEmpty { return owners }
                        if let inode = member.handle.socket(at: descriptor), rest.contains(inode) {
                            found(inode, at: descriptor, of: member)
                        }
                    }
                    for start in behind {
                        var (descriptor, last) = (start, start)
                        while descriptor < last + Self.ahead {
                            if rest.isEmpty { return owners }
                            descriptor += 1
                            if let inode = member.handle.socket(at: descriptor),
                                rest.contains(inode)
                            {
                                found(inode, at: descriptor, of: member)
                                last = descriptor
                            }
                        }
                    }
                }
                // Nobody can be ruled out before all nodes were looked through, so it is cheaper to
                // find those who are no nodes.
                for stranger in self.strangers {
                    var left = Self.strangerLimit.descriptors
                    stranger.handle.visitSockets { descriptor, inode in
                        if rest.contains(inode) { found(inode, at: descriptor, of: stranger) }
                        left -= 1
                        return !rest.isEmpty && left > 0
                    }
                    if rest.isEmpty { return owners }
                }
            }
            self.hidden = []
            for member in members {
                if rest.isEmpty { return owners }
                let isShown = member.handle.visitSockets { descriptor, inode in
                    if rest.contains(inode) { found(inode, at: descriptor, of: member) }
                    return !rest.isEmpty
                }
                if !isShown && member.handle.isHiding { self.hidden.append(member) }
            }
            return owners
        }

        private static func remember(_ descriptor: Int32, in member: NodeProcesses.Member) {
            member.likely.removeAll { $0 == descriptor }
            member.likely.insert(descriptor, at: 0)
            if member.likely.count > Self.likelyLimit { member.likely.removeLast() }
        }

        /// To whom the process with this number belongs; nil when it is not below the guardian.
        func owner(ofProcess pid: Int32) -> Owner? {
            if pid == self.chaos?.pid { return .chaos }
            self.processes.refresh()
            if let member = self.processes.member(pid) { return Owner(member) }
            self.processes.refresh(isForced: true)
            return self.processes.member(pid).map { Owner($0) }
        }

        /// Finds out who outside of the cluster has these sockets, and looks there first from now on.
        /// It goes through the processes of the machine, for a short time only: the next call goes on
        /// where this one had to stop.
        func learn(_ wanted: Set<UInt64>) {
            let deadline = ContinuousClock.now + Self.lessonTime
            var rest = wanted
            // The newest first: a client has often just come.
            let all = ProcessHandle.all().filter { self.processes.member($0) == nil }
            let start = all.lastIndex { $0 < self.lessonEnd } ?? all.count - 1
            for offset in all.indices {
                let pid = all[(start - offset + all.count) % all.count]
                self.lessonEnd = pid
                if rest.isEmpty || ContinuousClock.now > deadline { return }
                guard let handle = ProcessHandle(pid: pid) else { continue }
                let stranger = NodeProcesses.Member(handle, .client)
                handle.visitSockets { descriptor, inode in
                    if rest.remove(inode) != nil { Self.remember(descriptor, in: stranger) }
                    return !rest.isEmpty
                }
                if stranger.likely.isEmpty { continue }
                self.strangers.removeAll { $0.handle.pid == pid }
                self.strangers.insert(stranger, at: 0)
                if self.strangers.count > Self.strangerLimit.count { self.strangers.removeLast() }
                self.lessonEnd = .max
            }
        }

        /// Which of all processes have these sockets open. Those of other users do not tell.
        func others(_ wanted: Set<UInt64>) -> [UInt64: Owner] {
            var owners: [UInt64: Owner] = [:]
            for pid in ProcessHandle.all() {
                guard let process = ProcessHandle(pid: pid) else { continue }
                var found: [UInt64] = []
                process.visitSockets { _, inode in
                    if wanted.contains(inode) { found.append(inode) }
                    return true
                }
                guard !found.isEmpty, let status = process.status else { continue }
                for inode in found where owners[inode] == nil {
                    owners[inode] = .other("\(status.name) (process \(pid))")
                }
            }
            return owners
        }
    }

    extension SocketOwners.Owner {
        fileprivate init(_ member: NodeProcesses.Member) {
            switch member.owner {
            case .node(let node): self = .node(node)
            case .client: self = .client
            case .unplaced: self = .unplaced(process: member.handle.pid)
            }
        }
    }
#endif
