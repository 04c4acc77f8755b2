import DequeModule
import NodeKit

// Commands on lists.

extension RedisCommand {
    static let lists: [String: RedisCommand] = [
        "lpush": RedisCommand(-3) { store, call throws(RedisStore.Refusal) in
            try store.push(call) { $0.prepend($1) }
        },
        "rpush": RedisCommand(-3) { store, call throws(RedisStore.Refusal) in
            try store.push(call) { $0.append($1) }
        },
        "lpop": RedisCommand(-2) { store, call throws(RedisStore.Refusal) in
            try store.pop(call) { $0.removeFirst() }
        },
        "rpop": RedisCommand(-2) { store, call throws(RedisStore.Refusal) in
            try store.pop(call) { $0.removeLast() }
        },
        "llen": RedisCommand(2) { store, call throws(RedisStore.Refusal) in
            .init(.integer(Int64(try store.list(call)?.count ?? 0)))
        },
        "lrange": RedisCommand(4) { store, call throws(RedisStore.Refusal) in
            var (first, last) = (try call.number(2), try call.number(3))
            guard let list = try store.list(call) else { return .init(.array([])) }
            let count = Int64(list.count)
            if first < 0 { first = max(0, first.addingReportingOverflow(count).partialValue) }
            if last < 0 { last = last.addingReportingOverflow(count).partialValue }
            last = min(last, count - 1)
            if first > last { return .init(.array([])) }
            return .init(.array(list[Int(first)...Int(last)].map { .bulk($0) }))
        },
    ]
}

extension RedisStore {
    fileprivate mutating func list(_ call: RedisCall) throws(Refusal) -> Deque<[UInt8]>? {
        switch self.databases[call.database].content(of: call.key, at: call.time) {
        case nil: return nil
        case .list(let elements)?: return elements
        case .string?: throw .wrongType
        }
    }

    /// Changes a list, where it lies, and not when it expires; an empty one is none.
    private mutating func change<Result>(
        _ call: RedisCall, _ change: (inout Deque<[UInt8]>) -> Result
    ) throws(Refusal) -> Result {
        var list = try self.list(call) ?? []
        let expiry = self.databases[call.database].expiry(of: call.key, at: call.time)
        // Taken out meanwhile, because a list that is held twice would be copied as a whole.
        self.databases[call.database].set(call.key, to: nil)
        let result = change(&list)
        let content = list.isEmpty ? nil : RedisDatabase.Content.list(list)
        self.databases[call.database].set(call.key, to: content, expiry: expiry)
        return result
    }

    fileprivate mutating func push(
        _ call: RedisCall, _ add: (inout Deque<[UInt8]>, [UInt8]) -> Void
    ) throws(Refusal) -> Outcome {
        let count = try self.change(call) { list in
            for element in call.words.dropFirst(2) { add(&list, element) }
            return list.count
        }
        return Outcome(.integer(Int64(count)), changes: [call.words])
    }

    fileprivate mutating func pop(
        _ call: RedisCall, _ remove: (inout Deque<[UInt8]>) -> [UInt8]
    ) throws(Refusal) -> Outcome {
        if call.words.count > 3 {
            throw Refusal("ERR wrong number of arguments for '\(call.name)' command")
        }
        var count: Int64?
        if call.words.count == 3 {
            guard let number = Int64(redis: call.words[2]), number >= 0 else {
                throw Refusal("ERR value is out of range, must be positive")
            }
            count = number
        }
        guard try self.list(call) != nil else {
            return Outcome(count == nil ? .absent : .absentArray)
        }
        let taken = try self.change(call) { list in
            (0..<min(Int(count ?? 1), list.count)).map { _ in RESPValue.bulk(remove(&list)) }
        }
        let changes = taken.isEmpty ? [] : [call.words]
        return Outcome(count == nil ? taken[0] : .array(taken), changes: changes)
    }
}
