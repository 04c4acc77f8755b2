import ChaosCore
import OrderedCollections

/// How much of a cluster is out of order: nodes that are down, and cut links.
struct Disturbance {
    /// Nodes that are killed, stopped or paused.
    var down: Set<NodeName> = []
    /// Cut links.
    var cuts: Set<DirectedPair> = []

    /// How many nodes are not among the largest part of the cluster whose nodes are up and reach
    /// each other both ways, directly or through others.
    func disturbed(among nodes: [NodeName]) -> Int {
        var unseen = OrderedSet(nodes.filter { !self.down.contains($0) })
        var largest = 0
        while let first = unseen.first {
            unseen.removeFirst()
            var part = [first]
            var index = 0
            while index < part.count {
                let node = part[index]
                index += 1
                let neighbours = unseen.filter { self.isConnected(node, $0) }
                part += neighbours
                unseen.subtract(neighbours)
            }
            largest = max(largest, part.count)
        }
        return nodes.count - largest
    }

    private func isConnected(_ left: NodeName, _ right: NodeName) -> Bool {
        !self.cuts.contains(DirectedPair(left, right))
            && !self.cuts.contains(DirectedPair(right, left))
    }
}
