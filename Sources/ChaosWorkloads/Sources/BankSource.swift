import ChaosCore

extension SharedSource {
    /// A bank: transfers of 1 to 50 between two of the accounts `a1`, `a2`, …, each with a name of its own, and
    /// one read of all balances for two of them.
    static func bank(accounts: Int, _ seed: Seed) -> SharedSource {
        let read = PlannedRequest(
            function: "read", argument: .null, body: ["type": "read"], replyType: "read_ok",
            result: { reply in reply["value"]?.objectValue.map { .object($0) } }
        ).operation
        let numbers = Numbers()
        return SharedSource(seed: seed, final: read) { generator in
            if generator.next(below: 3) == 0 { return read }
            let from = generator.next(below: accounts)
            let to = (from + 1 + generator.next(below: accounts - 1)) % accounts
            let amount = Int64(1 + generator.next(below: 50))
            let argument: JSONObject = [
                "from": .string("a\(from + 1)"), "to": .string("a\(to + 1)"),
                "amount": .int(amount),
            ]
            var body = argument
            body["type"] = "transfer"
            body["id"] = .string("t\(numbers.next() + 1)")
            return PlannedRequest(
                function: "transfer", argument: .object(argument), body: body,
                replyType: "transfer_ok", result: { _ in .object(argument) }
            ).operation
        }
    }
}
