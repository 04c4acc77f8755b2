import ChaosCheckers
import ChaosCore
import OrderedCollections
import Synchronization

/// Counts what clients see while a run goes on, so that people can watch it happen.
///
/// It costs a few additions for each operation, however long the history is.
package final class ProgressBoard: Sendable {
    private struct State {
        var counts: OrderedDictionary<String, Int64> = [
            "invoked": 0, "ok": 0, "fail": 0, "info": 0,
        ]
        var acknowledged: Int64 = 0
        /// How many values the latest read of each node had.
        var known: OrderedDictionary<String, Int>
    }

    private let kind: String
    private let state: Mutex<State>

    /// Makes an empty board for a workload on these nodes.
    package init(kind: String, nodes: [String]) {
        self.kind = kind
        self.state = Mutex(
            State(known: OrderedDictionary(uniqueKeysWithValues: nodes.map { ($0, 0) })))
    }

    /// Takes an operation down; quick, so that it may be a recorder's sink.
    package func note(_ operation: Operation) {
        self.state.withLock { state in
            let key = operation.kind == .invoke ? "invoked" : operation.kind.rawValue
            state.counts[key, default: 0] += 1
            guard operation.kind == .ok else { return }
            if let values = operation.value.arrayValue, let node = operation.node {
                state.known[node] = values.count
            } else if operation.function == "broadcast" {
                state.acknowledged += 1
            }
        }
    }

    /// The counts, for the control protocol.
    package var json: JSONObject {
        self.state.withLock { state in
            JSONObject(
                [(key: "kind", value: .string(self.kind))]
                    + state.counts.map { (key: $0.key, value: .int($0.value)) })
        }
    }

    /// The counts on one line: what was acknowledged, and how much of it each node has shown.
    package var text: String {
        self.state.withLock { state in
            if state.acknowledged > 0 {
                let nodes = state.known.map { "\($0.key) \($0.value)" }.joined(separator: "  ")
                return "\(state.acknowledged) messages acknowledged, nodes know  \(nodes)"
            }
            return state.counts.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        }
    }
}
