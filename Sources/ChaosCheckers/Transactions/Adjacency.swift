/// The outgoing edges of every node of a graph, packed (compressed sparse rows).
struct Adjacency {
    /// The edges of node `n` are `edges[starts[n]..<starts[n + 1]]`.
    let starts: [Int32]
    /// Positions in the list of edges that it was made from.
    let edges: [Int32]

    init(nodeCount: Int, _ list: [DependencyGraph.Edge]) {
        var starts = [Int32](repeating: 0, count: nodeCount + 1)
        for edge in list { starts[Int(edge.from) + 1] += 1 }
        for node in 0..<nodeCount { starts[node + 1] += starts[node] }
        var next = starts
        var edges = [Int32](repeating: 0, count: list.count)
        for (index, edge) in list.enumerated() {
            edges[Int(next[Int(edge.from)])] = Int32(index)
            next[Int(edge.from)] += 1
        }
        self.starts = starts
        self.edges = edges
    }

    func edges(of node: Int32) -> ArraySlice<Int32> {
        self.edges[Int(self.starts[Int(node)])..<Int(self.starts[Int(node) + 1])]
    }
}
