import ChaosCore

/// A guess at the order in which a register's values stood in it.
///
/// A write and the reads that are credited to it are a cluster. It must hold the register from the first of its returns, *f*, to the
/// last of its calls, *s*, where f is before s; such zones cannot overlap. A cluster with s before f fits at any moment
/// between them that lies in nobody's zone (Gibbons and Korach: Testing Shared Memories, 1997). Where every value is
/// written once the guess is right whenever there is an order; otherwise reads are credited to the last write of their value
/// that was called before they returned, which is only likely.
struct RegisterZones {
    /// For each operation where it belongs, smaller first.
    private(set) var ranks: [Int]

    private struct Cluster {
        var firstReturn: Int
        var lastCall: Int
        var moment = 0
    }

    init(_ operations: [(invocation: Invocation, action: RegisterModel.Action)]) {
        // Each write's cluster has the write's position; each reader's source is such a position.
        var clusters: [Int: Cluster] = [:]
        var sources = Array(repeating: -1, count: operations.count)
        var latest: [JSONValue: Int] = [:]
        for mark in Self.marks(operations) {
            let invocation = operations[mark.position].invocation
            let end =
                invocation.outcome == .info ? Int.max : invocation.end?.index ?? Int.max
            switch (operations[mark.position].action, mark.isReturn) {
            case (.write(let value), false), (.compareAndSet(_, let value), false):
                latest[value] = mark.position
                clusters[mark.position] = Cluster(
                    firstReturn: end, lastCall: invocation.begin.index)
            case (.read(let value), true), (.compareAndSet(let value, _), true):
                guard let source = latest[value], source != mark.position,
                    var cluster = clusters[source]
                else { continue }
                sources[mark.position] = source
                cluster.firstReturn = min(cluster.firstReturn, end)
                cluster.lastCall = max(cluster.lastCall, invocation.begin.index)
                clusters[source] = cluster
            default: continue
            }
        }
        Self.place(&clusters)
        // A compare-and-set comes after what it found.
        for _ in 0..<2 {
            for (position, source) in sources.enumerated() where source >= 0 {
                guard let found = clusters[source]?.moment, var cluster = clusters[position] else {
                    continue
                }
                cluster.moment = max(cluster.moment, found)
                clusters[position] = cluster
            }
        }
        self.ranks = operations.indices.map { position in
            if let cluster = clusters[position] {
                // What may have happened and what nobody saw is best left out.
                if cluster.firstReturn == .max { return .max }
                let source = sources[position]
                let found = source < 0 ? -1 : clusters[source]?.moment ?? -1
                return 3 * cluster.moment + (found == cluster.moment ? 2 : 0)
            }
            let source = sources[position]
            return source < 0 ? 0 : 3 * (clusters[source]?.moment ?? 0) + 1
        }
    }

    private static func marks(
        _ operations: [(invocation: Invocation, action: RegisterModel.Action)]
    ) -> [(place: Int, position: Int, isReturn: Bool)] {
        var marks: [(place: Int, position: Int, isReturn: Bool)] = []
        for (position, operation) in operations.enumerated() {
            marks.append((operation.invocation.begin.index, position, false))
            if operation.invocation.outcome == .ok, let end = operation.invocation.end {
                marks.append((end.index, position, true))
            }
        }
        return marks.sorted { $0.place < $1.place }
    }

    /// Gives every cluster a moment: its zone's beginning, or the first moment that is in no zone.
    private static func place(_ clusters: inout [Int: Cluster]) {
        let zones = clusters.values.filter { $0.firstReturn < $0.lastCall }.sorted {
            $0.firstReturn < $1.firstReturn
        }
        for (position, cluster) in clusters {
            if cluster.firstReturn < cluster.lastCall {
                clusters[position]?.moment = cluster.firstReturn
                continue
            }
            var low = 0
            var high = zones.count
            while low < high {
                let middle = (low + high) / 2
                if zones[middle].firstReturn < cluster.lastCall {
                    low = middle + 1
                } else {
                    high = middle
                }
            }
            let isInside = low > 0 && zones[low - 1].lastCall > cluster.lastCall
            clusters[position]?.moment = isInside ? zones[low - 1].lastCall : cluster.lastCall
        }
    }
}
