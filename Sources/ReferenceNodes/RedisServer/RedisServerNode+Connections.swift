import ChaosCore
import NodeKit

// Commands on connections and on the server: those that are not about data.

extension RedisServerNode {
    private static let arities: [String: Int] = [
        "ping": -1, "echo": 2, "select": 2, "quit": -1, "client": -2, "command": -1,
        "config": -2, "debug": -2,
    ]

    /// Carries out a command that the store does not have.
    mutating func serve(_ words: [[UInt8]], on stream: StreamID) -> [StreamEffect] {
        let name = RedisText.lowercased(words[0])
        guard let arity = Self.arities[name] else {
            return [.write(stream, RedisText.unknownCommand(words).bytes)]
        }
        guard RedisText.accepts(arity, words.count) else {
            return [.write(stream, RedisText.wrongArity(name).bytes)]
        }
        switch name {
        case "ping":
            if words.count > 2 { return [.write(stream, RedisText.wrongArity(name).bytes)] }
            return self.answer(words.count == 2 ? .bulk(words[1]) : .line("PONG"), stream)
        case "echo": return self.answer(.bulk(words[1]), stream)
        case "quit":
            self.sessions[stream] = nil
            return [.write(stream, RESPValue.ok.bytes), .close(stream)]
        case "select":
            guard let number = Int64(redis: words[1]), number >= Int32.min, number <= Int32.max
            else { return self.answer(RedisStore.Refusal.notAnInteger.reply, stream) }
            guard (0..<Int64(RedisStore.databaseCount)).contains(number) else {
                return self.answer(.failure("ERR DB index is out of range"), stream)
            }
            self.sessions[stream]?.database = Int(number)
            return self.answer(.ok, stream)
        // Nobody needs the list; an empty one is what tools can live with.
        case "command": return self.answer(.array([]), stream)
        case "client": return self.client(words, on: stream)
        case "config": return self.config(words, on: stream)
        default: return self.debug(words, on: stream)
        }
    }

    private func answer(_ value: RESPValue, _ stream: StreamID) -> [StreamEffect] {
        [.write(stream, value.bytes)]
    }

    private mutating func client(_ words: [[UInt8]], on stream: StreamID) -> [StreamEffect] {
        let subcommand = RedisText.lowercased(words[1])
        switch (subcommand, words.count) {
        case ("id", 2): return self.answer(.integer(self.sessions[stream]?.id ?? 0), stream)
        case ("getname", 2):
            let name = self.sessions[stream]?.name ?? []
            return self.answer(name.isEmpty ? .absent : .bulk(name), stream)
        case ("setname", 3):
            guard words[2].allSatisfy({ (0x21...0x7E).contains($0) }) else {
                let rule = "ERR Client names cannot contain spaces, newlines or special characters."
                return self.answer(.failure(rule), stream)
            }
            self.sessions[stream]?.name = words[2]
            return self.answer(.ok, stream)
        case ("kill", 4) where RedisText.lowercased(words[2]) == "id":
            return self.kill(words[3], from: stream)
        case ("kill", 3): return self.answer(.failure("ERR No such client"), stream)
        case ("kill", 4...): return self.answer(RedisStore.Refusal.syntax.reply, stream)
        case ("id", _), ("getname", _), ("setname", _), ("kill", _):
            return self.answer(RedisText.wrongArity("client|\(subcommand)"), stream)
        default: return self.answer(RedisText.unknownSubcommand(words), stream)
        }
    }

    /// Ends the connection of this number; as Redis does, never the asker's own this way.
    private mutating func kill(_ number: [UInt8], from stream: StreamID) -> [StreamEffect] {
        guard let id = Int64(redis: number), id > 0 else {
            return self.answer(.failure("ERR client-id should be greater than 0"), stream)
        }
        let victims = self.sessions.filter { $0.value.id == id && $0.key != stream }.map(\.key)
        for victim in victims { self.sessions[victim] = nil }
        return victims.map { .close($0) } + self.answer(.integer(Int64(victims.count)), stream)
    }

    /// What tools ask for before they begin: whether anything is kept.
    private func config(_ words: [[UInt8]], on stream: StreamID) -> [StreamEffect] {
        guard RedisText.lowercased(words[1]) == "get", words.count > 2 else {
            return self.answer(RedisText.unknownSubcommand(words), stream)
        }
        let settings = ["save": "", "appendonly": "yes", "appendfsync": self.persistence.setting]
        var pairs: [RESPValue] = []
        for name in words.dropFirst(2).map(RedisText.lowercased) {
            if let value = settings[name] { pairs += [.text(name), .text(value)] }
        }
        return self.answer(.array(pairs), stream)
    }

    private func debug(_ words: [[UInt8]], on stream: StreamID) -> [StreamEffect] {
        guard RedisText.lowercased(words[1]) == "sleep", words.count == 3,
            let seconds = Double(String(decoding: words[2], as: UTF8.self)),
            (0...3600).contains(seconds)
        else { return self.answer(RedisText.unknownSubcommand(words), stream) }
        return [.stall(.nanoseconds(Int64(seconds * 1e9)))] + self.answer(.ok, stream)
    }
}

extension RedisServerNode.Persistence {
    /// Redis's word for it (`appendfsync`).
    fileprivate var setting: String {
        switch self {
        case .always: "always"
        case .everySecond: "everysec"
        case .kernel, .buffered: "no"
        }
    }
}
