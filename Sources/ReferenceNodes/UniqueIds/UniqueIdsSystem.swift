import ChaosCore
import NodeKit

// S02: every node hands out ids, and no two are alike, whatever happens to the network and the nodes.
//
//     generate -> generate_ok{id}

extension ReferenceSystem {
    static let uniqueIds = ReferenceSystem(
        name: "unique-ids", summary: "ids that nobody hands out twice, without asking anybody",
        variants: [
            Variant("lives", "name, life and number: unique for ever, and always available") {
                LocalIds(.perLife)
            },
            Variant("central", "the first node counts for all: unique, and not always available") {
                CentralIds()
            },
            Variant("counter", "a number: every node begins with 1") { LocalIds(.anonymous) },
            Variant("volatile", "name and number: begins with 1 again after a restart") {
                LocalIds(.perNode)
            },
            Variant("clock", "name and time: a clock set back comes by the same time again") {
                LocalIds(.perMoment)
            },
        ])
}

/// Makes ids from what the node itself knows.
struct LocalIds: Node {
    /// What an id is made of.
    enum Recipe: Sendable {
        /// `1`: the node's count.
        case anonymous
        /// `n1-1`: the node's name and count.
        case perNode
        /// `n1-1700000000000-0`: the name, the clock's milliseconds, and a count within them.
        case perMoment
        /// `n1-7-1`: the name, the life that the node is in, and a count. The number of a life is on
        /// disk before the life begins.
        case perLife
    }

    private let recipe: Recipe
    private var id = ""
    private var life = NodeLife()
    private var count = 0
    private var moment: Int64 = 0

    init(_ recipe: Recipe) { self.recipe = recipe }

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.id = membership.id
            self.life = membership.life
            return []
        case .message(let request) where request.type == "generate":
            return [.reply(to: request, ["type": "generate_ok", "id": self.next(at: now)])]
        case .message(let request):
            return [.unsupported(request)]
        case .timer:
            return []
        }
    }

    private mutating func next(at now: Duration) -> JSONValue {
        self.count += 1
        switch self.recipe {
        case .anonymous: return .int(Int64(self.count))
        case .perNode: return .string("\(self.id)-\(self.count)")
        case .perLife: return .string("\(self.id)-\(self.life.incarnation)-\(self.count)")
        case .perMoment:
            let moment = (self.life.date + now).wholeNanoseconds / 1_000_000
            if moment != self.moment { self.count = 0 }
            self.moment = moment
            return .string("\(self.id)-\(moment)-\(self.count)")
        }
    }
}

/// Asks the first node, which counts. Its count goes on after a restart, since it is in its log before
/// the id goes out.
///
///     next -> next_ok{number}
struct CentralIds: CallingNode {
    var calls = Calls<CentralIds>()
    private var counter = ""
    private var isCounter = false
    private var count: Int64 = 0
    private var log = LogCompaction()

    mutating func receive(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.counter = membership.members.first ?? membership.id
            self.isCounter = self.counter == membership.id
            self.count = membership.life.records.last?.intValue ?? 0
            self.log.start(membership.life)
            return []
        case .message(let request) where request.type == "generate":
            return self.generate(request)
        case .message(let request) where request.type == "next" && self.isCounter:
            let answer: JSONObject = ["type": "next_ok", "number": .int(self.count + 1)]
            return self.countOn() + [.reply(to: request, answer)]
        case .message(let request):
            return [.unsupported(request)]
        case .timer:
            return []
        }
    }

    private mutating func countOn() -> [Effect] {
        self.count += 1
        let record = JSONValue.int(self.count)
        return self.log.compacting([.append(record)]) { [record] }
    }

    private mutating func generate(_ request: Message) -> [Effect] {
        if self.isCounter {
            let effects = self.countOn()
            return effects + [.reply(to: request, ["type": "generate_ok", "id": .int(self.count)])]
        }
        // Asking twice wastes a number, which does no harm.
        let policy = CallPolicy.repeated(within: .seconds(1))
        return self.call(self.counter, ["type": "next"], policy) { _, answer, _ in
            guard let number = answer.message?["number"] else {
                return [.error(to: request, .temporarilyUnavailable, "the counter is not reached")]
            }
            return [.reply(to: request, ["type": "generate_ok", "id": number])]
        }
    }
}
