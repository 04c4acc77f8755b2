import ChaosCore
import NodeKit

// S21: a text is cut into letters, workers on all nodes say each of them again, and what they say is put
// together.
//
//     echo{echo} -> echo_ok{echo}
//     map{items} -> map_ok{items}
//
// Between nodes: item{ref, index, value, desk} to a worker, mapped{ref, index, value} to the desk.

extension ReferenceSystem {
    static let parallelMap = ReferenceSystem(
        name: "parallel-map", summary: "a map over a list, by workers on all nodes",
        variants: [
            Variant("indexed", "results go where their items were; a lost one is asked for again") {
                ParallelMap.node([])
            },
            Variant("arrival-order", "results stand in the order in which they came") {
                ParallelMap.node([.takesArrivalOrder])
            },
            Variant("waits-for-ever", "waits for every result, and for nothing else") {
                ParallelMap.node([.waitsForEver])
            },
            Variant("unbounded", "hands out all items at once") {
                ParallelMap.node([.handsOutEverything])
            },
        ])
}

enum ParallelMap {
    /// What is wrong with a variant.
    enum Flaw: Sendable {
        case takesArrivalOrder
        case waitsForEver
        case handsOutEverything
    }

    static let desk = "desk"
    static let worker = "worker"

    static func node(_ flaws: Set<Flaw>) -> ProcessNode {
        ProcessNode(requests: ["echo": Self.desk, "map": Self.desk]) {
            Supervisor(
                .oneForOne,
                [
                    Supervisor.Child(Self.worker) { MapWorker() },
                    Supervisor.Child(Self.desk) { MapDesk(flaws: flaws) },
                ])
        }
    }
}

/// Works on one item after the other. It has room for so many, and dies of more.
private struct MapWorker: Behaviour {
    private static let room = 7
    private static let work = Duration.milliseconds(4)

    private var items: [JSONObject] = []

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .cast(let item):
            if self.items.count == Self.room { throw .crash("out of memory") }
            self.items.append(item)
            if self.items.count == 1 { context.setTimer("work", after: Self.work) }
        case .timer:
            let item = self.items.removeFirst()
            if let desk = item["desk"]?.stringValue {
                context.cast(
                    .name(ParallelMap.desk, on: desk),
                    [
                        "type": "mapped", "ref": item["ref"] ?? nil, "index": item["index"] ?? nil,
                        "value": item["value"] ?? nil,
                    ])
            }
            if !self.items.isEmpty { context.setTimer("work", after: Self.work) }
        default: break
        }
    }
}
