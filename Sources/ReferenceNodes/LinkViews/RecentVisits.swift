import ChaosCore
import DequeModule

/// The visitors that were counted, by what they call their visit, so that one who asks again is not counted again. The oldest are forgotten
/// beyond a limit: who asks again later than that counts twice.
struct RecentVisits: Sendable {
    private static let limit = 4096

    private var names: Set<String> = []
    private var order: Deque<String> = []

    /// Takes note of a visit. What comes back belongs into the node's log; `nil` where the visit was known.
    mutating func note(_ visit: String) -> JSONValue? {
        guard self.names.insert(visit).inserted else { return nil }
        self.order.append(visit)
        if self.order.count > Self.limit, let oldest = self.order.popFirst() {
            self.names.remove(oldest)
        }
        return ["visit", .string(visit)]
    }

    /// The visits that are known, as records, the oldest first.
    var records: [JSONValue] { self.order.map { ["visit", .string($0)] } }

    /// Takes note of a visit that an earlier life has logged; other records are not its business.
    mutating func restore(_ record: JSONValue) {
        guard let words = record.arrayValue, words.count == 2, words[0] == "visit",
            let visit = words[1].stringValue
        else { return }
        _ = self.note(visit)
    }
}
