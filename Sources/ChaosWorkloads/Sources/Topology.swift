import ChaosCore

/// Who should talk to whom, as Maelstrom's `topology` message says it.
package enum Topology: String, Hashable, Sendable, CaseIterable {
    /// A square, as full as the number of nodes allows; up to four neighbours.
    case grid
    /// Each with the one before and the one behind.
    case line
    /// Everybody with everybody.
    case total
    /// A binary tree, filled breadth-first.
    case tree
    /// The same under its longer name.
    case tree2
    /// A tree in which every node has three children.
    case tree3
    /// A tree in which every node has four children.
    case tree4

    /// The neighbours of each node, in the order of the nodes; every edge goes both ways.
    package func neighbours(of nodes: [String]) -> [(node: String, neighbours: [String])] {
        nodes.indices.map { index in
            let neighbours = nodes.indices.filter { other in
                other != index && self.joins(min(index, other), max(index, other), of: nodes.count)
            }
            return (nodes[index], neighbours.map { nodes[$0] })
        }
    }

    /// Whether there is an edge between two nodes, the first of which has the smaller number.
    private func joins(_ lower: Int, _ upper: Int, of count: Int) -> Bool {
        switch self {
        case .total: return true
        case .line: return upper == lower + 1
        case .tree, .tree2: return (upper - 1) / 2 == lower
        case .tree3: return (upper - 1) / 3 == lower
        case .tree4: return (upper - 1) / 4 == lower
        case .grid:
            // The smallest square that holds all nodes.
            let side = (1...count).first { $0 * $0 >= count } ?? 1
            let isBeside = upper == lower + 1 && upper / side == lower / side
            return isBeside || upper == lower + side
        }
    }

    /// The topology as the body of a message.
    func body(of nodes: [String]) -> JSONObject {
        let members = self.neighbours(of: nodes).map { entry in
            (key: entry.node, value: JSONValue.array(entry.neighbours.map { .string($0) }))
        }
        return ["type": "topology", "topology": .object(JSONObject(members))]
    }
}
