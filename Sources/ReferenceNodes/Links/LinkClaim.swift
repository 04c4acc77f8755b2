import ChaosCore
import NodeKit

/// How a link got into the store of all nodes, Redis.
enum LinkClaim: Hashable, Sendable {
    /// The code belongs to this URL, for ever.
    case owned(String)
    /// The code wished for belongs to another URL, or no code is free.
    case taken
    /// Nobody knows.
    case unknown(String)
}

/// What to think of a code that is taken.
enum TakenRule: Sendable {
    /// Look by whom: the same link may be made again, and a URL without a wish gets another code.
    case compare
    /// It is somebody else's.
    case refuse
    /// Never mind.
    case ignore
}

extension CallingNode {
    /// Claims a code for a URL:
    ///
    ///     SET links:CODE URL NX ──OK──▶ owned
    ///          └─taken─▶ GET links:CODE ──same URL──▶ owned
    ///                         └─another─▶ taken, or the next code where none was wished for
    mutating func claim(
        _ url: String, as wish: String?, hash: LinkCode = .sha256, salt: Int = 0,
        whenTaken rule: TakenRule = .compare,
        then: @escaping @Sendable (inout Self, LinkClaim) -> [Effect]
    ) -> [Effect] {
        let code = wish ?? hash.code(of: url, salt: salt)
        return self.redis(["SET", "links:\(code)", url, "NX"]) { node, answer, _ in
            switch (answer, rule) {
            case (.value(.null), .ignore): return then(&node, .owned(code))
            case (.value(.null), .refuse): return then(&node, .taken)
            case (.value(.null), .compare):
                return node.redis(["GET", "links:\(code)"]) { node, answer, _ in
                    switch answer {
                    case .value(let owner) where owner.stringValue == url:
                        return then(&node, .owned(code))
                    case .value where wish == nil && salt < 8:
                        return node.claim(
                            url, as: nil, hash: hash, salt: salt + 1, whenTaken: rule, then: then)
                    case .value: return then(&node, .taken)
                    case .refused(let reason), .unknown(let reason):
                        return then(&node, .unknown(reason))
                    }
                }
            case (.value, _): return then(&node, .owned(code))
            case (.refused(let reason), _), (.unknown(let reason), _):
                return then(&node, .unknown(reason))
            }
        }
    }
}
