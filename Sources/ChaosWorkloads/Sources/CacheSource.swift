import ChaosCore

extension SharedSource {
    /// A cache: puts under new and recent keys, for ever or for a while, and gets of recent ones. Each
    /// value is put once.
    static func cache(_ seed: Seed) -> SharedSource {
        let numbers = Numbers()
        return SharedSource(seed: seed) { generator in
            // One key in four operations is new.
            let newest = Int(numbers.next()) / 4
            if generator.next(below: 5) < 2 {
                let isNew = generator.next(below: 2) == 0
                let key = isNew ? newest : max(0, newest - generator.next(below: 10))
                return Self.put(
                    key, value: numbers.next(), for: generator.pick(Self.lifetimes) ?? nil)
            }
            return Self.get(max(0, newest - generator.next(below: 60)))
        }
    }

    /// In milliseconds; `nil` is for ever.
    private static let lifetimes: [Int64?] = [nil, nil, 300, 1000, 3000]

    private static func put(_ key: Int, value: Int64, for lifetime: Int64?) -> PlannedOperation {
        let key = JSONValue.int(Int64(key))
        var body: JSONObject = ["type": "put", "key": key, "value": .int(value)]
        if let lifetime { body["ttl"] = .int(lifetime) }
        let argument: JSONValue = [key, .int(value), lifetime.map { .int($0) } ?? .null]
        return PlannedRequest(
            function: "put", argument: argument, body: body, replyType: "put_ok",
            result: { _ in argument }
        ).operation
    }

    private static func get(_ key: Int) -> PlannedOperation {
        let key = JSONValue.int(Int64(key))
        return PlannedRequest(
            function: "get", argument: [key, nil], body: ["type": "get", "key": key],
            replyType: "get_ok", result: { reply in reply["value"].map { [key, $0] } }
        ).operation
    }
}
