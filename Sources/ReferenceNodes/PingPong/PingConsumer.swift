import ChaosCore
import NodeKit

/// Counts the pings of each producer: of what it hears of one, the furthest.
struct PingConsumer: Behaviour {
    /// How far a producer has come; a later life is further than an earlier one.
    private struct Progress: Comparable {
        var epoch: Int64 = 0
        var index: Int64 = 0

        static func < (left: Progress, right: Progress) -> Bool {
            (left.epoch, left.index) < (right.epoch, right.index)
        }
    }

    let flaws: Set<PingPong.Flaw>
    private var counts: [String: Progress] = [:]

    init(flaws: Set<PingPong.Flaw>) { self.flaws = flaws }

    private var total: Int64 { self.counts.values.reduce(0) { $0 + $1.index } }

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .started:
            if self.flaws.contains(.neverAsks) { return }
            let question: JSONObject = [
                "type": "catch_up", "node": .string(context.membership.id),
            ]
            for node in context.membership.members {
                context.cast(.name(PingPong.producer, on: node), question)
            }
        case .cast(let body) where body["type"]?.stringValue == "ping": self.note(body)
        case .call(_, let caller): context.reply(caller, ["value": .int(self.total)])
        case .request(let request):
            switch request.type {
            case "read": context.answer(.readOk(to: request, self.total))
            case "count_for_node":
                let count = self.counts[request["node"]?.stringValue ?? ""]?.index ?? 0
                context.answer(
                    .reply(to: request, ["type": "count_for_node_ok", "value": .int(count)]))
            default:
                context.answer(
                    .reply(to: request, ["type": "total_pings_ok", "value": .int(self.total)]))
            }
        default: break
        }
    }

    private mutating func note(_ ping: JSONObject) {
        guard let node = ping["node"]?.stringValue else { return }
        // Not a number: a mistake that a type would have found; here it counts as nothing known.
        let heard = Progress(
            epoch: ping["epoch"]?.intValue ?? 0, index: ping["index"]?.intValue ?? 0)
        let known = self.counts[node] ?? Progress()
        if self.flaws.contains(.countsArrivals) {
            self.counts[node] = Progress(epoch: known.epoch, index: known.index + 1)
        } else if self.flaws.contains(.takesTheLast) || ping["index"]?.intValue == nil {
            self.counts[node] = heard
        } else {
            self.counts[node] = max(known, heard)
        }
    }
}
