/// A cycle of dependencies, and the name of the anomaly that it is.
struct DependencyCycle {
    let anomaly: String
    /// The edges between transactions, in order; one that went through relays is one edge.
    let edges: [DependencyGraph.Edge]
}

/// Finds a telling cycle of each kind in each component of a dependency graph.
///
/// A cycle is named by its anti-dependencies (rw): none is G0, or G1c when it has a wr; exactly one is G-single; several, no
/// two of them next to each other, is G-nonadjacent; otherwise G2-item (Adya 1999; Kingsbury and Alvaro 2020). The suffix
/// says that it also needs the order of processes, or of time. The components are found in linear time; in
/// each the worst anomalies are looked for first, by breadth-first search, so that what is shown is short. Milder
/// ones of the same component are implied and left out.
struct CycleSearch {
    private let graph: DependencyGraph
    /// How many edges may be followed in all.
    private let budget: Int
    private(set) var steps = 0
    /// Whether some search was cut short, so that a cycle may have a worse name than was found.
    private(set) var isExhausted = false
    private(set) var cycles: [DependencyCycle] = []

    /// Which orders beyond the data count.
    enum Stage: Int, CaseIterable {
        case data
        case process
        case realtime

        var suffix: String {
            switch self {
            case .data: ""
            case .process: "-process"
            case .realtime: "-realtime"
            }
        }

        var kinds: DependencyKinds {
            switch self {
            case .data: []
            case .process: DependencyKinds(.process)
            case .realtime: DependencyKinds(.realtime)
            }
        }
    }

    private enum Shape: Int, CaseIterable {
        case g0
        case g1c
        case single
        case nonadjacent
        case g2

        var name: String {
            switch self {
            case .g0: "G0"
            case .g1c: "G1c"
            case .single: "G-single"
            case .nonadjacent: "G-nonadjacent"
            case .g2: "G2-item"
            }
        }
    }

    /// How many edges of a component are tried for a shorter cycle once there is one.
    private static let tries = 24
    /// How many cycles of one anomaly are kept.
    private static let kept = 8

    init(_ graph: DependencyGraph, stages: [Stage], budget: Int) {
        self.graph = graph
        self.budget = budget
        var all = DependencyKinds(.ww, .wr, .rw)
        for stage in stages { all.formUnion(stage.kinds) }
        let adjacency = Adjacency(nodeCount: graph.nodeCount, graph.edges)
        let whole = StronglyConnected(
            nodeCount: graph.nodeCount, graph.edges, adjacency, all)
        self.steps += graph.edges.count

        // The edges inside each component that has a cycle.
        var members: [Int32: [DependencyGraph.Edge]] = [:]
        var order: [Int32] = []
        for edge in graph.edges
        where all.contains(edge.kind) && whole.isOnCycle(edge) {
            let component = whole.component[Int(edge.from)]
            if members[component] == nil { order.append(component) }
            members[component, default: []].append(edge)
        }
        for component in order {
            guard let edges = members[component] else { continue }
            self.search(LocalGraph(edges, graph), stages)
        }
    }

    // MARK: - One component

    /// A component with nodes numbered from 0.
    private struct LocalGraph {
        let nodes: [Int32]
        let edges: [DependencyGraph.Edge]
        let adjacency: Adjacency
        let isRelay: [Bool]

        init(_ edges: [DependencyGraph.Edge], _ graph: DependencyGraph) {
            var numbers: [Int32: Int32] = [:]
            var nodes: [Int32] = []
            func number(_ node: Int32) -> Int32 {
                if let number = numbers[node] { return number }
                numbers[node] = Int32(nodes.count)
                nodes.append(node)
                return Int32(nodes.count - 1)
            }
            self.edges = edges.map { edge in
                DependencyGraph.Edge(
                    from: number(edge.from), to: number(edge.to), kind: edge.kind, key: edge.key,
                    first: edge.first, second: edge.second)
            }
            self.nodes = nodes
            self.isRelay = nodes.map { graph.isRelay($0) }
            self.adjacency = Adjacency(nodeCount: nodes.count, self.edges)
        }
    }

    private mutating func search(_ local: LocalGraph, _ stages: [Stage]) {
        var worst = Shape.allCases.count
        for stage in stages {
            for shape in Shape.allCases where shape.rawValue < worst {
                guard let cycle = self.find(shape, stage, local) else { continue }
                worst = shape.rawValue
                let name = shape.name + stage.suffix
                if self.cycles.count(where: { $0.anomaly == name }) < Self.kept {
                    self.cycles.append(
                        DependencyCycle(
                            anomaly: name, edges: self.joined(cycle, local)))
                }
            }
        }
    }

    /// The shortest cycle of a shape among those through a sample of its edges.
    private mutating func find(_ shape: Shape, _ stage: Stage, _ local: LocalGraph) -> [Int32]? {
        let data: DependencyKinds = shape == .g0 ? DependencyKinds(.ww) : .data
        var kinds = data.union(stage.kinds)
        let hasAnti = shape.rawValue >= Shape.single.rawValue
        let span = hasAnti ? kinds.union(DependencyKinds(.rw)) : kinds
        if !hasAnti || shape == .g2 { kinds = span }
        // The edge that the cycle must have.
        let must: DependencyKind =
            switch (shape, stage) {
            case (.g0, .data): .ww
            case (.g0, .process), (.g1c, .process): .process
            case (.g0, .realtime), (.g1c, .realtime): .realtime
            case (.g1c, .data): .wr
            case (.single, _), (.nonadjacent, _), (.g2, _): .rw
            }
        let components = StronglyConnected(
            nodeCount: local.nodes.count, local.edges, local.adjacency, span)
        self.steps += local.edges.count
        var best: [Int32]?
        var tries = 0
        for (index, edge) in local.edges.enumerated() {
            guard edge.kind == must, !local.isRelay[Int(edge.from)], components.isOnCycle(edge)
            else { continue }
            if self.steps > self.budget {
                if best == nil { self.isExhausted = true }
                break
            }
            guard
                let path = self.path(
                    from: edge, local, kinds, within: components.component,
                    alternates: shape == .nonadjacent)
            else { continue }
            if path.count + 1 < best?.count ?? .max { best = [Int32(index)] + path }
            tries += 1
            if tries >= Self.tries || best?.count ?? 0 <= 2 { break }
        }
        return best
    }

    /// The shortest way from an edge's end to its start, as edges; `nil` when there is none.
    ///
    /// - Parameter alternates: Whether anti-dependencies may be used, no two of them in a row, the given edge included.
    private mutating func path(
        from edge: DependencyGraph.Edge, _ local: LocalGraph, _ kinds: DependencyKinds,
        within component: [Int32], alternates: Bool
    ) -> [Int32]? {
        // A place is a node and, doubled, whether the way came in by an anti-dependency.
        var via = [Int32](repeating: -1, count: local.nodes.count * 2)
        var previous = [Int32](repeating: -1, count: local.nodes.count * 2)
        let width = Int32(local.nodes.count)
        let start = alternates ? edge.to + width : edge.to
        let goal = edge.from
        let home = component[Int(edge.from)]
        var queue = [start]
        previous[Int(start)] = start
        var head = 0
        while head < queue.count {
            let place = queue[head]
            head += 1
            let node = place >= width ? place - width : place
            let cameByAnti = place >= width
            let isRelay = local.isRelay[Int(node)]
            for index in local.adjacency.edges(of: node) {
                self.steps += 1
                let next = local.edges[Int(index)]
                guard component[Int(next.to)] == home else { continue }
                let isAnti = next.kind == .rw
                // What a relay leads to is the rest of an edge that was allowed already.
                if !isRelay {
                    guard kinds.contains(next.kind) || alternates && isAnti else { continue }
                    if alternates && isAnti && cameByAnti { continue }
                }
                let endsByAnti = alternates && (isRelay ? cameByAnti : isAnti)
                let target = endsByAnti ? next.to + width : next.to
                if previous[Int(target)] >= 0 { continue }
                previous[Int(target)] = place
                via[Int(target)] = index
                if target == goal {
                    var path: [Int32] = []
                    var at = target
                    while at != start {
                        path.append(via[Int(at)])
                        at = previous[Int(at)]
                    }
                    return path.reversed()
                }
                queue.append(target)
            }
        }
        return nil
    }

    /// The cycle's edges between transactions, in the numbers of the whole graph.
    private func joined(_ cycle: [Int32], _ local: LocalGraph) -> [DependencyGraph.Edge] {
        var joined: [DependencyGraph.Edge] = []
        var open: DependencyGraph.Edge?
        for index in cycle {
            let edge = local.edges[Int(index)]
            let first = open ?? edge
            if local.isRelay[Int(edge.to)] {
                open = first
                continue
            }
            joined.append(
                DependencyGraph.Edge(
                    from: local.nodes[Int(first.from)], to: local.nodes[Int(edge.to)],
                    kind: first.kind, key: first.key, first: first.first, second: edge.second))
            open = nil
        }
        return joined
    }
}
