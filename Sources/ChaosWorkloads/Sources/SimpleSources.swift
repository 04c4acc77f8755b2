import ChaosCore

// Maelstrom's workloads whose operations need no memory: echo, unique-ids, sets and counters.

extension SharedSource {
    /// `echo`: a text of its own that must come back. Numbered through rather than drawn, so that a
    /// reply to another request is noticed.
    static func echo(_ seed: Seed, final: PlannedOperation? = nil) -> SharedSource {
        let numbers = Numbers()
        return SharedSource(seed: seed, final: final) { _ in
            let text: JSONValue = .string("Please echo \(numbers.next())")
            return PlannedRequest(
                function: "echo", argument: text, body: ["type": "echo", "echo": text],
                replyType: "echo_ok", result: { $0["echo"] }
            ).operation
        }
    }

    /// `stack`: a share of the operations pushes 0, 1, 2, …, the others pop; `null` is finding it empty.
    static func stack(pushes: Ratio, _ seed: Seed) -> SharedSource {
        let pop = PlannedRequest(
            function: "pop", argument: .null, body: ["type": "pop"], replyType: "pop_ok",
            result: { $0["value"] }
        ).operation
        let numbers = Numbers()
        return SharedSource(seed: seed) { generator in
            if !pushes.isHit(by: UInt32(truncatingIfNeeded: generator.next() >> 32)) { return pop }
            let number: JSONValue = .int(numbers.next())
            return PlannedRequest(
                function: "push", argument: number, body: ["type": "push", "value": number],
                replyType: "push_ok", result: { _ in number }
            ).operation
        }
    }

    /// `observer`: two in three operations echo, the others look at what the node's observer shows.
    static func observation(_ seed: Seed) -> SharedSource {
        let observe = PlannedRequest(
            function: "observe", argument: .null, body: ["type": "observe"],
            replyType: "observe_ok",
            result: { reply in
                guard let tree = reply["tree"], let nodes = reply["nodes"],
                    let time = reply["at_us"]
                else { return nil }
                return ["tree": tree, "nodes": nodes, "at_us": time]
            }
        ).operation
        let numbers = Numbers()
        return SharedSource(seed: seed, final: .trace) { generator in
            if generator.next(below: 3) == 0 { return observe }
            let text: JSONValue = .string("Please echo \(numbers.next())")
            return PlannedRequest(
                function: "echo", argument: text, body: ["type": "echo", "echo": text],
                replyType: "echo_ok", result: { $0["echo"] }
            ).operation
        }
    }

    /// `configuration`: one in ten operations changes a setting to 1, 2, 3, …, the others read what nodes go by.
    static func configuration(_ seed: Seed) -> SharedSource {
        let read = PlannedRequest(
            function: "read", argument: .null, body: ["type": "read"], replyType: "read_ok",
            result: { reply in
                guard let version = reply["version"], let value = reply["value"] else { return nil }
                return ["version": version, "value": value]
            }
        ).operation
        let numbers = Numbers()
        return SharedSource(seed: seed, final: read) { generator in
            if generator.next(below: 10) > 0 { return read }
            let number: JSONValue = .int(numbers.next() + 1)
            return PlannedRequest(
                function: "configure", argument: number,
                body: ["type": "configure", "value": number], replyType: "configure_ok",
                result: { reply in reply["version"].map { ["version": $0] } }
            ).operation
        }
    }

    /// `unique-ids`: a request for an id of any kind.
    static func uniqueIDs(_ seed: Seed) -> SharedSource {
        let generate = PlannedRequest(
            function: "generate", argument: .null, body: ["type": "generate"],
            replyType: "generate_ok", result: { $0["id"] }
        ).operation
        return SharedSource(seed: seed) { _ in generate }
    }

    /// `members`: who is there, asked again and again.
    static func members(_ seed: Seed) -> SharedSource {
        let ask = PlannedRequest(
            function: "members", argument: .null, body: ["type": "members"],
            replyType: "members_ok",
            result: { reply in reply["members"]?.arrayValue.map { .array($0) } }
        ).operation
        return SharedSource(seed: seed, final: ask) { _ in ask }
    }

    /// The names that a growing set has on the wire.
    struct SetWords: Sendable {
        let add: String
        let element: String
        let elements: String

        /// `broadcast`: messages that spread.
        static let broadcast = SetWords(
            add: "broadcast", element: "message", elements: "messages")
        /// `g-set`: elements that are added.
        static let growOnly = SetWords(add: "add", element: "element", elements: "value")
    }

    /// A growing set: one half adds 0, 1, 2, …, the other half reads.
    static func set(_ words: SetWords, _ seed: Seed) -> SharedSource {
        let read = PlannedRequest(
            function: "read", argument: .null, body: ["type": "read"], replyType: "read_ok",
            result: { reply in reply[words.elements]?.arrayValue.map { .array($0) } }
        ).operation
        let numbers = Numbers()
        return SharedSource(seed: seed, final: read) { generator in
            if generator.next(below: 2) == 0 { return read }
            let number: JSONValue = .int(numbers.next())
            return PlannedRequest(
                function: words.add, argument: number,
                body: JSONObject([("type", .string(words.add)), (words.element, number)]),
                replyType: words.add + "_ok", result: { _ in number }
            ).operation
        }
    }

    /// A counter: one half adds −5 to 4, the other half reads. Of one that only grows, the additions
    /// below 0 are left out, as Maelstrom does, so it is read twice as often as added to.
    static func counter(isGrowOnly: Bool, _ seed: Seed) -> SharedSource {
        let read = PlannedRequest(
            function: "read", argument: .null, body: ["type": "read"], replyType: "read_ok",
            result: { reply in reply["value"]?.intValue.map { .int($0) } }
        ).operation
        return SharedSource(seed: seed, final: read) { generator in
            while true {
                if generator.next(below: 2) == 0 { return read }
                let delta = Int64(generator.next(below: 10)) - 5
                if isGrowOnly && delta < 0 { continue }
                return PlannedRequest(
                    function: "add", argument: .int(delta),
                    body: ["type": "add", "delta": .int(delta)], replyType: "add_ok",
                    result: { _ in .int(delta) }
                ).operation
            }
        }
    }
}

extension PlannedOperation {
    /// What a node's supervisors promise, and what became of its processes.
    static let trace = PlannedRequest(
        function: "trace", argument: .null, body: ["type": "trace"], replyType: "trace_ok",
        result: { reply in
            guard let events = reply["events"], let tree = reply["tree"] else { return nil }
            var value: JSONObject = ["tree": tree, "events": events]
            value["count"] = reply["count"]
            value["at_us"] = reply["at_us"]
            return .object(value)
        }
    ).operation
}
