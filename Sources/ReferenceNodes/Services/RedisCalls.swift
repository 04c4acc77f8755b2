import ChaosCore
import NodeKit

/// How a command to the Redis server of a node (`--redis`) ended.
enum RedisAnswer: Hashable, Sendable {
    /// Its reply; null for nothing.
    case value(JSONValue)
    /// It was not done.
    case refused(String)
    /// Nobody knows.
    case unknown(String)
}

extension CallingNode {
    /// Sends a command to the node's Redis server, once: a second time it might be done twice.
    mutating func redis(
        _ words: [String], within deadline: Duration = .milliseconds(500),
        then: @escaping @Sendable (inout Self, RedisAnswer, Duration) -> [Effect] = { _, _, _ in []
        }
    ) -> [Effect] {
        let body: JSONObject = [
            "type": "command", "words": .array(words.map { .string($0) }),
        ]
        return self.call("redis", body, .once(within: deadline)) { node, answer, now in
            switch answer {
            case .reply(let message): then(&node, .value(message["value"] ?? nil), now)
            case .error(let code, let text) where code.isDefinite:
                then(&node, .refused(text), now)
            case .error(_, let text): then(&node, .unknown(text), now)
            case .timeout: then(&node, .unknown("Redis did not answer in time"), now)
            }
        }
    }
}
