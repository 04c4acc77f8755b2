import ChaosCore
import NodeKit

// How often a link was followed, where Redis counts (`views:CODE`).

extension CallingNode {
    /// Counts a visit; nobody waits for it.
    mutating func countVisit(of code: String) -> [Effect] {
        self.redis(["INCR", "views:\(code)"])
    }

    /// Tells how often a link was followed.
    mutating func views(of code: String, for request: HTTPRequest) -> [Effect] {
        self.redis(["GET", "views:\(code)"]) { _, answer, _ in
            switch answer {
            case .value(let count):
                [.views(count.stringValue.flatMap { Int64($0) } ?? 0, for: request)]
            case .refused(let reason), .unknown(let reason):
                [.unavailable(reason, for: request)]
            }
        }
    }
}
