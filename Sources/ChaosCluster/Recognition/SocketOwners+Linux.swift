#if os(Linux)
    import ChaosCore
    import ChaosSockets
    import Dispatch

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

        /// How many looks through the strangers in turn were in vain, and how many were left out since.
        private var vainLooks = 0
        private var looksLeftOut = 0

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
        /// After how many such looks in vain they are rare, and how rare: a process with thousands of
        /// descriptors takes milliseconds.
        private static let strangerPatience = (looks: 4, questions: 64)

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

        /// Sockets that are looked for, and whose were found.
        private struct Search {
            private(set) var rest: Set<UInt64>
            private(set) var owners: [UInt64: Owner] = [:]

            init(_ wanted: Set<UInt64>) { self.rest = wanted }

            var isOver: Bool { self.rest.isEmpty }

            /// Notes that a process has this socket open, if it is one of those.
            mutating func take(
                _ inode: UInt64, at descriptor: Int32, of member: NodeProcesses.Member
            ) -> Bool {
                if self.rest.remove(inode) == nil { return false }
                self.owners[inode] = Owner(member)
                SocketOwners.remember(descriptor, in: member)
                return true
            }

            /// Looks behind one descriptor.
            mutating func look(at descriptor: Int32, of member: NodeProcesses.Member) -> Bool {
                guard let inode = member.handle.socket(at: descriptor) else { return false }
                return self.take(inode, at: descriptor, of: member)
            }
        }

        /// Whose these sockets are, as far as that shows where sockets were found lately; the others are
        /// left out, whosever they are.
        func lately(_ wanted: Set<UInt64>) -> [UInt64: Owner] {
            if wanted.isEmpty { return [:] }
            self.processes.refresh()
            self.strangers.removeAll { !$0.handle.exists }
            let candidates = (self.processes.members + self.strangers)
                .filter { !$0.likely.isEmpty }.sorted { $0.lastFound > $1.lastFound }
            var search = Search(wanted)
            for member in candidates {
                for descriptor in member.likely where !search.isOver {
                    _ = search.look(at: descriptor, of: member)
                }
                Self.lookAhead(in: member, &search)
            }
            if !search.isOver && !self.strangers.isEmpty && self.isTimeForStrangers {
                self.lookAtStrangers(&search)
            }
            return search.owners
        }

        /// Whether looking through the strangers is worth it.
        private var isTimeForStrangers: Bool {
            if self.vainLooks < Self.strangerPatience.looks { return true }
            self.looksLeftOut += 1
            return self.looksLeftOut >= Self.strangerPatience.questions
        }

        /// Looks through the strangers: nobody can be ruled out before all nodes were looked through, so it
        /// may be cheaper to find those who are no nodes.
        private func lookAtStrangers(_ search: inout Search) {
            let count = search.rest.count
            self.looksLeftOut = 0
            for stranger in self.strangers where !search.isOver {
                var left = Self.strangerLimit.descriptors
                stranger.handle.visitSockets { descriptor, inode in
                    _ = search.take(inode, at: descriptor, of: stranger)
                    left -= 1
                    return !search.isOver && left > 0
                }
            }
            self.vainLooks = search.rest.count == count ? self.vainLooks + 1 : 0
        }

        /// Looks behind the descriptors that come next: many sockets at once have many numbers, one behind
        /// the other, behind the last one's or the highest.
        private static func lookAhead(in member: NodeProcesses.Member, _ search: inout Search) {
            for start in Set([member.likely[0], member.likely.max() ?? 0]) {
                var (descriptor, last) = (start, start)
                while descriptor < last + Self.ahead && !search.isOver {
                    descriptor += 1
                    if search.look(at: descriptor, of: member) { last = descriptor }
                }
            }
        }

        /// Who of the nodes' and the wrapped command's processes has these sockets open; the others are
        /// left out. Where several have one, it is the one's that is found first.
        ///
        /// - Parameter isAgain: Whether they were looked for just now: then new processes are looked for,
        ///   too.
        func cluster(_ wanted: Set<UInt64>, isAgain: Bool = false) -> [UInt64: Owner] {
            if wanted.isEmpty { return [:] }
            self.processes.refresh(isForced: isAgain)
            var search = Search(wanted)
            self.hidden = []
            for member in self.processes.members {
                if search.isOver { break }
                let isShown = member.handle.visitSockets { descriptor, inode in
                    _ = search.take(inode, at: descriptor, of: member)
                    return !search.isOver
                }
                if !isShown && member.handle.isHiding { self.hidden.append(member) }
            }
            return search.owners
        }

        private static func remember(_ descriptor: Int32, in member: NodeProcesses.Member) {
            member.likely.removeAll { $0 == descriptor }
            member.likely.insert(descriptor, at: 0)
            if member.likely.count > Self.likelyLimit { member.likely.removeLast() }
            member.lastFound = DispatchTime.now().uptimeNanoseconds
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
