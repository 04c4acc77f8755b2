import ChaosCore
import NodeKit

/// Requests to a bank in virtual time, and its answers as `curl -i` would show them.
extension ClusterSimulation {
    struct BankAnswer {
        let status: Int64
        let headers: JSONObject
        let body: String

        /// The body as JSON; null where it is none.
        var json: JSONValue { (try? JSONValue(parsing: self.body)) ?? nil }
        var balance: Int64? { self.json["balance"]?.intValue }
        var title: String? { self.json["title"]?.stringValue }
    }

    /// Sends a request, and waits for the answer; `nil` where none came.
    mutating func bank(
        _ method: String, _ target: String, _ body: JSONValue? = nil, key: String? = nil,
        headers: JSONObject = [:], on node: String = "n1", within limit: Duration = .seconds(2)
    ) -> BankAnswer? {
        var headers = headers
        if let key { headers["idempotency-key"] = .string(key) }
        let request = HTTPRequest.body(
            method, target, headers: headers, body: body?.text ?? "")
        guard let reply = self.ask(node, request, within: limit) else { return nil }
        return BankAnswer(
            status: reply["status"]?.intValue ?? -1,
            headers: reply["headers"]?.objectValue ?? [:],
            body: reply["body"]?.stringValue ?? "")
    }

    @discardableResult
    mutating func open(_ account: String, _ initial: Int64) -> BankAnswer? {
        self.bank("POST", "/accounts", ["id": .string(account), "initial": .int(initial)])
    }

    @discardableResult
    mutating func deposit(
        _ amount: Int64, to account: String, key: String? = nil, on node: String = "n1"
    ) -> BankAnswer? {
        self.bank(
            "POST", "/accounts/\(account)/deposits", ["amount": .int(amount)], key: key, on: node)
    }

    @discardableResult
    mutating func withdraw(
        _ amount: Int64, from account: String, key: String? = nil, on node: String = "n1"
    ) -> BankAnswer? {
        self.bank(
            "POST", "/accounts/\(account)/withdrawals", ["amount": .int(amount)], key: key,
            on: node)
    }

    @discardableResult
    mutating func transfer(
        _ amount: Int64, from: String, to: String, key: String? = nil, on node: String = "n1"
    ) -> BankAnswer? {
        self.bank(
            "POST", "/transfers",
            ["from": .string(from), "to": .string(to), "amount": .int(amount)], key: key, on: node)
    }

    mutating func balance(_ account: String, on node: String = "n1") -> Int64? {
        self.bank("GET", "/accounts/\(account)", on: node)?.balance
    }

    /// The node on which a process runs, if it does.
    mutating func home(of process: String) -> String? {
        for node in self.names {
            let id = self.request(node, ["type": "tree"], from: Administration.name)
            self.run(for: .milliseconds(5))
            let processes = self.replies[id]?["processes"]?.arrayValue ?? []
            if processes.contains(where: { $0["name"]?.stringValue == process }) { return node }
        }
        return nil
    }

    /// Crashes a process; `false` where no node that lives has it.
    @discardableResult
    mutating func crash(process: String) -> Bool {
        guard let node = self.home(of: process) else { return false }
        let id = self.request(
            node, ["type": "crash", "process": .string(process)], from: Administration.name)
        self.run(for: .milliseconds(5))
        return self.replies[id]?.type == "crash_ok"
    }
}
