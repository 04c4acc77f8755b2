/// The strongly connected components of a graph, in linear time and without recursion (Tarjan: Depth-First Search and
/// Linear Graph Algorithms, 1972).
struct StronglyConnected {
    /// The component of every node.
    private(set) var component: [Int32]
    /// How many nodes each component has.
    private(set) var sizes: [Int32] = []

    /// Finds the components over the edges of some kinds.
    init(
        nodeCount: Int, _ list: [DependencyGraph.Edge], _ adjacency: Adjacency,
        _ kinds: DependencyKinds
    ) {
        self.component = [Int32](repeating: -1, count: nodeCount)
        var index = [Int32](repeating: -1, count: nodeCount)
        var low = [Int32](repeating: 0, count: nodeCount)
        var next = adjacency.starts
        var stack: [Int32] = []
        var calls: [Int32] = []
        var counter: Int32 = 0
        for root in 0..<nodeCount where index[root] < 0 {
            calls.append(Int32(root))
            while let node = calls.last {
                let position = Int(node)
                if index[position] < 0 {
                    index[position] = counter
                    low[position] = counter
                    counter += 1
                    stack.append(node)
                }
                var descends = false
                while next[position] < adjacency.starts[position + 1] {
                    let edge = list[Int(adjacency.edges[Int(next[position])])]
                    next[position] += 1
                    guard kinds.contains(edge.kind) else { continue }
                    let target = Int(edge.to)
                    if index[target] < 0 {
                        calls.append(edge.to)
                        descends = true
                        break
                    }
                    if self.component[target] < 0 {
                        low[position] = min(low[position], index[target])
                    }
                }
                if descends { continue }
                calls.removeLast()
                if let parent = calls.last {
                    low[Int(parent)] = min(low[Int(parent)], low[position])
                }
                guard low[position] == index[position] else { continue }
                let number = Int32(self.sizes.count)
                var size: Int32 = 0
                while let member = stack.popLast() {
                    self.component[Int(member)] = number
                    size += 1
                    if member == node { break }
                }
                self.sizes.append(size)
            }
        }
    }

    /// Whether an edge lies on a cycle.
    func isOnCycle(_ edge: DependencyGraph.Edge) -> Bool {
        self.component[Int(edge.from)] == self.component[Int(edge.to)]
    }
}
