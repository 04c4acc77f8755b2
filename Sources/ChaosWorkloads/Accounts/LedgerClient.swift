import ChaosCheckers
import ChaosCore
import NIOHTTP1

/// A client of a bank over HTTP, who asks again under the same `Idempotency-Key` where no answer comes.
///
///     open {account, initial}              POST /accounts                       201
///     deposit {account, amount, note}      POST /accounts/ACCOUNT/deposits      201
///     withdraw {account, amount, note}     POST /accounts/ACCOUNT/withdrawals   201
///     transfer {from, to, amount, note}    POST /transfers                      201
///     read {account}                       GET /accounts/ACCOUNT                {account, balance}
///     statement {account}                  GET /accounts/ACCOUNT/transactions   {account, entries: [[number, change, balance, note], …]}
///
/// A note is the description that the bank keeps, so each operation is found again in the account. Statements are read page by page.
struct LedgerClient: OperationTranslator {
    /// How many entries a page has: few, so that there are several.
    private static let pageLimit = 50

    let name: String
    let node: ClientAddress
    private let connection: RepeatedRequests

    init(name: String, node: ClientAddress) {
        self.name = name
        self.node = node
        self.connection = RepeatedRequests(node)
    }

    var nodeName: String { self.node.node }

    func carryOut(
        _ function: String, _ argument: JSONValue, timeout: Duration
    ) async -> Conclusion {
        let account = argument["account"]?.stringValue ?? ""
        switch function {
        case "open":
            let body: JSONValue = [
                "id": .string(account), "initial": argument["initial"] ?? nil,
            ]
            return await self.post("/accounts", body, timeout)
        case "deposit", "withdraw":
            let body: JSONValue = [
                "amount": argument["amount"] ?? nil, "description": argument["note"] ?? nil,
            ]
            let place = function == "deposit" ? "deposits" : "withdrawals"
            return await self.post("/accounts/\(account)/\(place)", body, timeout)
        case "transfer":
            let body: JSONValue = [
                "from": argument["from"] ?? nil, "to": argument["to"] ?? nil,
                "amount": argument["amount"] ?? nil, "description": argument["note"] ?? nil,
            ]
            return await self.post("/transfers", body, timeout)
        case "read":
            return await self.get("/accounts/\(account)", timeout) { answer in
                answer["balance"]?.intValue.map {
                    ["account": .string(account), "balance": .int($0)]
                }
            }
        default: return await self.statement(account, timeout)
        }
    }

    private func post(
        _ path: String, _ body: JSONValue, _ timeout: Duration
    ) async -> Conclusion {
        let key = "\(self.name)-\(await self.connection.sentCount)"
        let request = RepeatedRequests.Request(
            method: .POST, path: path, headers: [("idempotency-key", key)],
            body: ("application/json", body.text))
        return await self.connection.exchange(request, timeout: timeout) { reply in
            switch reply.status {
            case 201: (.ok, nil, nil)
            case 400...499: (.fail, nil, Self.reason(reply))
            case 503, 504: nil
            default: (.info, nil, Self.reason(reply))
            }
        }
    }

    private func get(
        _ path: String, _ timeout: Duration, _ value: (JSONValue) -> JSONValue?
    ) async -> Conclusion {
        let request = RepeatedRequests.Request(method: .GET, path: path)
        let end = await self.connection.exchange(request, timeout: timeout) { reply in
            if [503, 504].contains(reply.status) { return nil }
            let answer = try? JSONValue(parsing: reply.body)
            guard reply.status == 200, let answer, let value = value(answer) else {
                return (.fail, nil, Self.reason(reply))
            }
            return (.ok, value, nil)
        }
        // Whatever happened, nothing was changed.
        return end.kind == .info ? (.fail, nil, end.error) : end
    }

    private func statement(_ account: String, _ timeout: Duration) async -> Conclusion {
        var entries: [JSONValue] = []
        var path: String? = "/accounts/\(account)/transactions?limit=\(Self.pageLimit)"
        while let page = path {
            var next: String?
            let end = await self.get(page, timeout) { answer in
                next = answer["next"]?.stringValue
                return answer["transactions"]
            }
            guard end.kind == .ok else { return end }
            entries += (end.value?.arrayValue ?? []).map(Self.entry)
            path = next
        }
        return (.ok, ["account": .string(account), "entries": .array(entries)], nil)
    }

    /// What a checker wants to know of a transaction.
    private static func entry(_ transaction: JSONValue) -> JSONValue {
        let amount = transaction["amount"]?.intValue ?? 0
        let isOutgoing = ["withdrawal", "transfer_out"].contains(transaction["type"]?.stringValue)
        return [
            transaction["number"] ?? nil, .int(isOutgoing ? -amount : amount),
            transaction["balance"] ?? nil, transaction["description"] ?? nil,
        ]
    }

    private static func reason(_ reply: HTTPReply) -> String {
        let detail = (try? JSONValue(parsing: reply.body))?["detail"]?.stringValue
        return "status \(reply.status): \(detail ?? String(reply.body.prefix(200)))"
    }

    func close() async { await self.connection.close() }
}
