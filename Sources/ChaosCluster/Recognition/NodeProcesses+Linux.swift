#if os(Linux)
    import ChaosCore
    import ChaosSockets
    import Dispatch

    /// The processes of the nodes, kept up to date: everything that descends from the guardian.
    ///
    /// What a node starts belongs to the node, and so does what those start. An orphan is adopted by
    /// the guardian; if its node was known before it stays so, and otherwise its environment or its
    /// session tells. Every process is held by an open directory of /proc, so that another one that
    /// gets its number is never taken for it.
    ///
    /// Keeping up costs one short file while no process is created on the machine, and a walk through
    /// the cluster's own processes otherwise; never one through all processes.
    final class NodeProcesses {
        /// To whom a process below the guardian belongs.
        enum Owner: Hashable {
            case node(NodeName)
            /// A command that chaos wraps.
            case client
            /// It has left its node's session, with an emptied environment and without its parents,
            /// before anybody looked.
            case unplaced
        }

        /// A process below the guardian.
        final class Member {
            let handle: ProcessHandle
            fileprivate(set) var owner: Owner
            /// Descriptors behind which sockets were found lately, the last one first.
            var likely: [Int32] = []
            /// When one was, in nanoseconds since boot.
            var lastFound: UInt64 = 0

            init(_ handle: ProcessHandle, _ owner: Owner) {
                self.handle = handle
                self.owner = owner
            }
        }

        private let host: ProcessHost
        private let guardian: ProcessHandle?
        private let nodes: Set<NodeName>
        private let families: [String: NodeName]
        private var byPID: [Int32: Member] = [:]
        /// The number of the newest process of the machine, and since when it has been that.
        private var newest: (pid: Int32, since: UInt64)?
        private var lastLook: UInt64 = 0
        private var lastWalk: UInt64 = 0
        /// Whether some process could not be told whose it is: it may become clear.
        private var hasUnplaced = false

        /// A process may have its number some time before it is to be seen.
        private static let birth: UInt64 = 200_000_000
        /// In that time the numbers of processes cannot have gone around once.
        private static let round: UInt64 = 1_000_000_000

        init(host: ProcessHost, nodes: [NodeName]) {
            self.host = host
            self.guardian = ProcessHandle(pid: host.guardian.rawValue)
            self.nodes = Set(nodes)
            self.families = Dictionary(nodes.map { (host.familyValue($0.text), $0) }) { first, _ in
                first
            }
        }

        /// All processes known, in the order of their numbers.
        var members: [Member] { self.byPID.values.sorted { $0.handle.pid < $1.handle.pid } }

        /// The process with this number.
        func member(_ pid: Int32) -> Member? {
            guard let member = self.byPID[pid], member.handle.exists else { return nil }
            return member
        }

        /// Brings the list up to date.
        ///
        /// - Parameter isForced: Whether to look again even if no process seems to be new.
        func refresh(isForced: Bool = false) {
            let now = DispatchTime.now().uptimeNanoseconds
            let pid = ProcessCount.last()
            defer { self.lastLook = now }
            if let pid, let newest, newest.pid == pid, now - self.lastLook < Self.round {
                let isSettled = self.lastWalk > newest.since + Self.birth && !self.hasUnplaced
                if isSettled && !isForced { return }
            } else {
                self.newest = pid.map { ($0, now) }
            }
            self.lastWalk = now
            self.walk()
        }

        // MARK: - The walk

        private func walk() {
            let roots = self.host.families
            let all = self.allChildren()
            func children(of handle: ProcessHandle) -> [Int32] {
                all.map { $0[handle.pid] ?? [] } ?? handle.children ?? []
            }
            var seen: Set<Int32> = []
            var line: [(pid: Int32, parent: Owner?)] =
                self.guardian.map { children(of: $0).map { ($0, nil) } } ?? []
            func visit() {
                while let (pid, parent) = line.popLast() {
                    guard seen.insert(pid).inserted,
                        let member = self.place(pid, parent, roots)
                    else { continue }
                    line += children(of: member.handle).map { ($0, member.owner) }
                }
            }
            visit()
            // The list of children may leave one out; whoever was known stays known.
            for (pid, member) in self.byPID where !seen.contains(pid) {
                if !member.handle.exists {
                    self.byPID.removeValue(forKey: pid)
                } else {
                    line += children(of: member.handle).map { ($0, member.owner) }
                    seen.insert(pid)
                }
            }
            visit()
            self.hasUnplaced = self.byPID.values.contains { $0.owner == .unplaced }
        }

        /// Who has which children, where the processes do not tell themselves (a kernel without
        /// CONFIG_PROC_CHILDREN): read from all processes of the machine.
        private func allChildren() -> [Int32: [Int32]]? {
            if self.guardian?.children != nil { return nil }
            var children: [Int32: [Int32]] = [:]
            for pid in ProcessHandle.all() {
                guard let parent = ProcessHandle(pid: pid)?.status?.parent else { continue }
                children[parent, default: []].append(pid)
            }
            return children
        }

        private func place(_ pid: Int32, _ parent: Owner?, _ roots: [Int32: String]) -> Member? {
            if let known = self.byPID[pid], known.handle.exists {
                if known.owner == .unplaced {
                    known.owner = self.owner(of: known.handle, parent, roots)
                }
                return known
            }
            guard let handle = ProcessHandle(pid: pid) else {
                self.byPID.removeValue(forKey: pid)
                return nil
            }
            let member = Member(handle, self.owner(of: handle, parent, roots))
            self.byPID[pid] = member
            return member
        }

        private func owner(
            of handle: ProcessHandle, _ parent: Owner?, _ roots: [Int32: String]
        ) -> Owner {
            if let parent, parent != .unplaced { return parent }
            if let family = roots[handle.pid] { return self.owner(of: family) }
            if let entry = handle.variable(ProcessHost.familyVariable) {
                if let node = self.families[entry] { return .node(node) }
                if self.host.isFamilyValue(entry) { return .client }
            }
            if let session = handle.status?.session, let family = roots[session] {
                return self.owner(of: family)
            }
            return .unplaced
        }

        private func owner(of family: String) -> Owner {
            guard let name = try? NodeName(parsing: family), self.nodes.contains(name) else {
                return .client
            }
            return .node(name)
        }
    }
#endif
