/// Why one transaction must come before another.
enum DependencyKind: UInt8, CaseIterable {
    /// It wrote a version, and the other the next one.
    case ww
    /// It wrote what the other read.
    case wr
    /// It read a version, and the other wrote the next one (an anti-dependency).
    case rw
    /// The same process ran it earlier.
    case process
    /// It had returned before the other was called.
    case realtime

    /// The kind as a bit of a ``DependencyKinds``.
    var bit: UInt8 { 1 << self.rawValue }
}

/// A set of kinds of dependencies.
struct DependencyKinds: OptionSet {
    let rawValue: UInt8

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init(_ kinds: DependencyKind...) { self.rawValue = kinds.reduce(0) { $0 | $1.bit } }

    func contains(_ kind: DependencyKind) -> Bool { self.rawValue & kind.bit != 0 }

    static let data = DependencyKinds(.ww, .wr)
}

/// Which transactions depend on which.
///
/// Nodes from 0 are transactions. Above them are *relays*, that stand between many sources and many targets so that
/// the number of edges stays linear: an edge through relays is one dependency, of the kind of its first piece.
struct DependencyGraph {
    struct Edge {
        let from: Int32
        let to: Int32
        let kind: DependencyKind
        /// What the edge is about: a key, and the versions before and after it (-1 for none).
        var key: Int32 = -1
        var first: Int32 = -1
        var second: Int32 = -1
    }

    let transactionCount: Int
    private(set) var nodeCount: Int
    private(set) var edges: [Edge] = []

    init(transactionCount: Int) {
        self.transactionCount = transactionCount
        self.nodeCount = transactionCount
    }

    func isRelay(_ node: Int32) -> Bool { Int(node) >= self.transactionCount }

    mutating func add(_ edge: Edge) {
        if edge.from != edge.to { self.edges.append(edge) }
    }

    mutating func addRelay() -> Int32 {
        self.nodeCount += 1
        return Int32(self.nodeCount - 1)
    }

    /// Adds an edge from every source to every target, through a relay where that is fewer.
    mutating func add(
        from sources: [Int32], to targets: [(node: Int32, second: Int32)], kind: DependencyKind,
        key: Int32, first: Int32
    ) {
        // A transaction on both sides must not reach itself.
        let both = Set(sources).intersection(targets.map(\.node))
        if sources.count * targets.count <= sources.count + targets.count || !both.isEmpty {
            for source in sources {
                for target in targets {
                    self.add(
                        Edge(
                            from: source, to: target.node, kind: kind, key: key, first: first,
                            second: target.second))
                }
            }
            return
        }
        let relay = self.addRelay()
        for source in sources {
            self.add(Edge(from: source, to: relay, kind: kind, key: key, first: first))
        }
        for target in targets {
            self.add(
                Edge(
                    from: relay, to: target.node, kind: kind, key: key, first: first,
                    second: target.second))
        }
    }

    /// Adds the order of time and of processes: linear in the number of transactions.
    ///
    /// Time goes through a chain of relays: a transaction that returned leads to the current relay, and the
    /// current relay leads to every transaction that is called from then on.
    ///
    /// - Parameter spans: For each transaction its process, call and return; without return it has no successor.
    mutating func addOrders(_ spans: [(process: Int, begin: Int, end: Int?)]) {
        var marks: [(place: Int, node: Int32, isReturn: Bool)] = []
        for (node, span) in spans.enumerated() {
            marks.append((span.begin, Int32(node), false))
            if let end = span.end { marks.append((end, Int32(node), true)) }
        }
        marks.sort { $0.place < $1.place }
        var relay: Int32?
        var isUsed = false
        var last: [Int: Int32] = [:]
        for mark in marks {
            let process = spans[Int(mark.node)].process
            if !mark.isReturn {
                if let relay {
                    self.add(Edge(from: relay, to: mark.node, kind: .realtime))
                    isUsed = true
                }
                if let previous = last[process] {
                    self.add(Edge(from: previous, to: mark.node, kind: .process))
                }
                continue
            }
            last[process] = mark.node
            if relay == nil || isUsed {
                let next = self.addRelay()
                if let relay { self.add(Edge(from: relay, to: next, kind: .realtime)) }
                relay = next
                isUsed = false
            }
            if let relay { self.add(Edge(from: mark.node, to: relay, kind: .realtime)) }
        }
    }
}
