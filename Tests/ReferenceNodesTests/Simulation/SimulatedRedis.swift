import ChaosCore
import NodeKit

/// The Redis server of nodes in the simulation, as far as they use it: GET, MGET, SET, INCR, and whole lists.
struct SimulatedRedis: Node {
    private var values: [String: String] = [:]
    private var lists: [String: [String]] = [:]

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        guard case .message(let message) = input, message.type == "command" else { return [] }
        let words = (message["words"]?.arrayValue ?? []).compactMap(\.stringValue)
        guard let value = self.run(words) else {
            return [.error(to: message, .abort, "ERR unknown command '\(words)'")]
        }
        return [.reply(to: message, ["type": "command_ok", "value": value])]
    }

    private mutating func run(_ words: [String]) -> JSONValue? {
        switch (words.first, words.count) {
        case ("GET", 2): return self.value(words[1])
        case ("MGET", 2...): return .array(words.dropFirst().map { self.value($0) })
        case ("SET", 3):
            self.values[words[1]] = words[2]
            return "OK"
        case ("SET", 4) where words[3] == "NX":
            if self.values[words[1]] != nil { return .null }
            self.values[words[1]] = words[2]
            return "OK"
        case ("INCR", 2):
            let count = (Int64(self.values[words[1]] ?? "0") ?? 0) + 1
            self.values[words[1]] = String(count)
            return .int(count)
        case ("RPUSH", 3):
            self.lists[words[1], default: []].append(words[2])
            return .int(Int64(self.lists[words[1]]?.count ?? 0))
        case ("LRANGE", 4) where words[2...] == ["0", "-1"]:
            return .array((self.lists[words[1]] ?? []).map { .string($0) })
        default: return nil
        }
    }

    private func value(_ key: String) -> JSONValue {
        self.values[key].map { .string($0) } ?? .null
    }
}
