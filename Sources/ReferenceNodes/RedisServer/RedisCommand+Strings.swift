import NodeKit

// Commands on strings, which numbers are too.

extension RedisCommand {
    static let strings: [String: RedisCommand] = [
        "get": RedisCommand(2) { store, call throws(RedisStore.Refusal) in
            .init(try store.string(call.key, call).map { .bulk($0) } ?? .absent)
        },
        "set": RedisCommand(-3) { store, call throws(RedisStore.Refusal) in
            try store.set(call, options: try RedisSetOptions(call))
        },
        "setnx": RedisCommand(3) { store, call in
            guard store.databases[call.database].content(of: call.key, at: call.time) == nil else {
                return .init(.integer(0))
            }
            store.databases[call.database].set(call.key, to: .string(call.words[2]))
            return .init(.integer(1), changes: [call.words])
        },
        "mset": RedisCommand(-3) { store, call throws(RedisStore.Refusal) in
            if call.words.count % 2 == 0 {
                throw RedisStore.Refusal("ERR wrong number of arguments for 'mset' command")
            }
            for index in stride(from: 1, to: call.words.count, by: 2) {
                store.databases[call.database].set(
                    call.words[index], to: .string(call.words[index + 1]))
            }
            return .init(.ok, changes: [call.words])
        },
        "mget": RedisCommand(-2) { store, call in
            var values: [RESPValue] = []
            for key in call.words.dropFirst() {
                let content = store.databases[call.database].content(of: key, at: call.time)
                if case .string(let bytes)? = content {
                    values.append(.bulk(bytes))
                } else {
                    values.append(.absent)
                }
            }
            return .init(.array(values))
        },
        "append": RedisCommand(3) { store, call throws(RedisStore.Refusal) in
            let value = (try store.string(call.key, call) ?? []) + call.words[2]
            store.replace(call, with: value)
            return .init(.integer(Int64(value.count)), changes: [call.words])
        },
        "strlen": RedisCommand(2) { store, call throws(RedisStore.Refusal) in
            .init(.integer(Int64(try store.string(call.key, call)?.count ?? 0)))
        },
        "incr": RedisCommand(2) { store, call throws(RedisStore.Refusal) in
            try store.add(1, call)
        },
        "decr": RedisCommand(2) { store, call throws(RedisStore.Refusal) in
            try store.add(-1, call)
        },
        "incrby": RedisCommand(3) { store, call throws(RedisStore.Refusal) in
            try store.add(try call.number(2), call)
        },
        "decrby": RedisCommand(3) { store, call throws(RedisStore.Refusal) in
            let number = try call.number(2)
            if number == .min { throw RedisStore.Refusal("ERR decrement would overflow") }
            return try store.add(-number, call)
        },
    ]
}

/// What stands behind key and value of `SET`.
struct RedisSetOptions {
    var onlyIfAbsent = false
    var onlyIfPresent = false
    var answersOld = false
    var keepsExpiry = false
    /// Milliseconds since 1970.
    var expiry: Int64?

    init(_ call: RedisCall) throws(RedisStore.Refusal) {
        var index = 3
        var time: (word: String, argument: Int)?
        while index < call.words.count {
            let word = RedisText.lowercased(call.words[index])
            switch word {
            case "nx" where !self.onlyIfPresent: self.onlyIfAbsent = true
            case "xx" where !self.onlyIfAbsent: self.onlyIfPresent = true
            case "get": self.answersOld = true
            case "keepttl" where time == nil: self.keepsExpiry = true
            case "ex", "px", "exat", "pxat":
                guard time == nil, !self.keepsExpiry, index + 1 < call.words.count else {
                    throw .syntax
                }
                index += 1
                time = (word, index)
            default: throw .syntax
            }
            index += 1
        }
        guard let time else { return }
        self.expiry = try Self.expiry(time.word, try call.number(time.argument), call)
    }

    private static func expiry(
        _ word: String, _ number: Int64, _ call: RedisCall
    ) throws(RedisStore.Refusal) -> Int64 {
        let invalid = RedisStore.Refusal("ERR invalid expire time in '\(call.name)' command")
        let unit: Int64 = word.hasPrefix("e") ? 1000 : 1
        let (milliseconds, isTooLarge) = number.multipliedReportingOverflow(by: unit)
        let base = word.hasSuffix("at") ? 0 : call.time
        let (expiry, isTooLate) = milliseconds.addingReportingOverflow(base)
        if number <= 0 || isTooLarge || isTooLate { throw invalid }
        return expiry
    }
}

extension RedisStore {
    /// The string that a key holds.
    mutating func string(_ key: [UInt8], _ call: RedisCall) throws(Refusal) -> [UInt8]? {
        switch self.databases[call.database].content(of: key, at: call.time) {
        case nil: return nil
        case .string(let bytes)?: return bytes
        case .list?: throw .wrongType
        }
    }

    /// Changes a value, and not when it expires.
    fileprivate mutating func replace(_ call: RedisCall, with value: [UInt8]) {
        let expiry = self.databases[call.database].expiry(of: call.key, at: call.time)
        self.databases[call.database].set(call.key, to: .string(value), expiry: expiry)
    }

    fileprivate mutating func add(_ delta: Int64, _ call: RedisCall) throws(Refusal) -> Outcome {
        var number: Int64 = 0
        if let text = try self.string(call.key, call) {
            guard let found = Int64(redis: text) else { throw .notAnInteger }
            number = found
        }
        let (sum, isTooLarge) = number.addingReportingOverflow(delta)
        if isTooLarge { throw Refusal("ERR increment or decrement would overflow") }
        self.replace(call, with: RedisText.bytes(sum))
        return Outcome(.integer(sum), changes: [call.words])
    }

    fileprivate mutating func set(
        _ call: RedisCall, options: RedisSetOptions
    ) throws(Refusal) -> Outcome {
        let database = call.database
        let old = options.answersOld ? try self.string(call.key, call) : nil
        let answer = old.map { RESPValue.bulk($0) } ?? .absent
        let isThere = self.databases[database].content(of: call.key, at: call.time) != nil
        if options.onlyIfAbsent && isThere || options.onlyIfPresent && !isThere {
            return Outcome(answer)
        }
        var expiry = options.expiry
        if options.keepsExpiry {
            expiry = self.databases[database].expiry(of: call.key, at: call.time)
        }
        let value = call.words[2]
        var change = [Array("SET".utf8), call.key, value]
        if let expiry { change += [Array("PXAT".utf8), RedisText.bytes(expiry)] }
        self.databases[database].set(call.key, to: .string(value), expiry: expiry)
        return Outcome(options.answersOld ? answer : .ok, changes: [change])
    }
}
