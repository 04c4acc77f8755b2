import NodeKit

// Commands on keys of any type.

extension RedisCommand {
    static let keys: [String: RedisCommand] = [
        "del": RedisCommand(-2) { store, call in
            var removed: [[UInt8]] = []
            for key in call.words.dropFirst()
            where store.databases[call.database].remove(key, at: call.time) {
                removed.append(key)
            }
            let changes = removed.isEmpty ? [] : [[Array("DEL".utf8)] + removed]
            return .init(.integer(Int64(removed.count)), changes: changes)
        },
        "exists": RedisCommand(-2) { store, call in
            var count: Int64 = 0
            for key in call.words.dropFirst()
            where store.databases[call.database].content(of: key, at: call.time) != nil {
                count += 1
            }
            return .init(.integer(count))
        },
        "type": RedisCommand(2) { store, call in
            let content = store.databases[call.database].content(of: call.key, at: call.time)
            return .init(.line(content?.name ?? "none"))
        },
        "expire": RedisCommand(-3) { store, call throws(RedisStore.Refusal) in
            try store.expire(call, unit: 1000, isRelative: true)
        },
        "pexpire": RedisCommand(-3) { store, call throws(RedisStore.Refusal) in
            try store.expire(call, unit: 1, isRelative: true)
        },
        "pexpireat": RedisCommand(-3) { store, call throws(RedisStore.Refusal) in
            try store.expire(call, unit: 1, isRelative: false)
        },
        "persist": RedisCommand(2) { store, call in
            guard store.databases[call.database].expiry(of: call.key, at: call.time) != nil else {
                return .init(.integer(0))
            }
            store.databases[call.database].setExpiry(of: call.key, to: nil)
            return .init(.integer(1), changes: [call.words])
        },
        "ttl": RedisCommand(2) { store, call in
            let rest = store.timeLeft(call)
            return .init(.integer(rest < 0 ? rest : (rest + 500) / 1000))
        },
        "pttl": RedisCommand(2) { store, call in .init(.integer(store.timeLeft(call))) },
        "dbsize": RedisCommand(1) { store, call in
            .init(.integer(Int64(store.databases[call.database].count(at: call.time))))
        },
        "flushdb": RedisCommand(-1) { store, call throws(RedisStore.Refusal) in
            try Self.checkFlush(call)
            store.databases[call.database] = RedisDatabase()
            return .init(.ok, changes: [[Array("FLUSHDB".utf8)]])
        },
        "flushall": RedisCommand(-1) { store, call throws(RedisStore.Refusal) in
            try Self.checkFlush(call)
            store.databases = RedisStore().databases
            return .init(.ok, changes: [[Array("FLUSHALL".utf8)]])
        },
    ]

    private static func checkFlush(_ call: RedisCall) throws(RedisStore.Refusal) {
        if call.words.count == 1 { return }
        let mode = RedisText.lowercased(call.words[1])
        guard call.words.count == 2, mode == "sync" || mode == "async" else { throw .syntax }
    }
}

extension RedisStore {
    /// How long a key still lives, in milliseconds; −1 for ever, −2 not at all.
    fileprivate mutating func timeLeft(_ call: RedisCall) -> Int64 {
        let database = call.database
        guard self.databases[database].content(of: call.key, at: call.time) != nil else {
            return -2
        }
        return self.databases[database].expiry(of: call.key, at: call.time).map { $0 - call.time }
            ?? -1
    }

    fileprivate mutating func expire(
        _ call: RedisCall, unit: Int64, isRelative: Bool
    ) throws(Refusal) -> Outcome {
        if let option = call.words.dropFirst(3).first {
            throw Refusal("ERR Unsupported option \(String(decoding: option, as: UTF8.self))")
        }
        let value = try call.number(2)
        let (milliseconds, isTooLarge) = value.multipliedReportingOverflow(by: unit)
        let (expiry, isTooLate) = milliseconds.addingReportingOverflow(isRelative ? call.time : 0)
        if isTooLarge || isTooLate {
            throw Refusal("ERR invalid expire time in '\(call.name)' command")
        }
        guard self.databases[call.database].content(of: call.key, at: call.time) != nil else {
            return Outcome(.integer(0))
        }
        if expiry <= call.time {
            _ = self.databases[call.database].remove(call.key, at: call.time)
            return Outcome(.integer(1), changes: [[Array("DEL".utf8), call.key]])
        }
        self.databases[call.database].setExpiry(of: call.key, to: expiry)
        let change = [Array("PEXPIREAT".utf8), call.key, RedisText.bytes(expiry)]
        return Outcome(.integer(1), changes: [change])
    }
}
