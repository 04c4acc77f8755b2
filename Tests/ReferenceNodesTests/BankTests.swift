import ChaosCheckers
import ChaosCore
import NodeKit
import ReferenceNodes
import Testing

/// S39 in virtual time: what the bank promises to those who send requests, and what breaks each wrong variant.
@Suite("The bank in virtual time")
struct BankTests {
    private func bank(_ variant: String = "event-sourced", seed: UInt64 = 1) throws
        -> ClusterSimulation
    {
        var cluster = try ClusterSimulation("bank", variant, nodes: 3, seed: seed)
        cluster.run(for: .seconds(1))
        return cluster
    }

    // MARK: - The course's numbers

    @Test func deposits() throws {
        var bank = try self.bank()
        #expect(bank.open("alice", 500)?.status == 201)
        let answer = try there(bank.deposit(200, to: "alice"))
        #expect(answer.status == 201)
        #expect(answer.balance == 700)
        #expect(bank.balance("alice") == 700)
    }

    @Test func withdraws() throws {
        var bank = try self.bank()
        bank.open("alice", 1000)
        #expect(bank.withdraw(200, from: "alice")?.balance == 800)
        var other = try self.bank()
        other.open("bob", 1000)
        let refusal = try there(other.withdraw(1500, from: "bob"))
        #expect(refusal.status == 409)
        #expect(refusal.title == "Insufficient Funds")
        #expect(other.balance("bob") == 1000)
    }

    /// All at once, on all nodes.
    @Test(arguments: [(10, Int64(1500)), (5, 1250)])
    func manyAtOnce(_ tasks: Int, result: Int64) throws {
        var bank = try self.bank()
        bank.open("alice", 1000)
        for task in 0..<tasks {
            for (place, amount) in [("deposits", 100), ("withdrawals", 50)] {
                let body: JSONValue = ["amount": .int(Int64(amount))]
                bank.request(
                    bank.names[task % 3],
                    HTTPRequest.body("POST", "/accounts/alice/\(place)", body: body.text))
            }
        }
        bank.run(for: .seconds(2))
        for node in bank.names { #expect(bank.balance("alice", on: node) == result) }
        let statement = bank.bank("GET", "/accounts/alice/transactions")?.json
        #expect(statement?["transactions"]?.arrayValue?.count == 2 * tasks)
    }

    @Test func transfers() throws {
        var bank = try self.bank()
        bank.open("alice", 500)
        bank.open("bob", 0)
        let answer = try there(bank.transfer(200, from: "alice", to: "bob", on: "n3"))
        #expect(answer.status == 201)
        #expect(answer.json == ["from": "alice", "to": "bob", "amount": 200])
        #expect([bank.balance("alice"), bank.balance("bob")] == [300, 200])
        #expect(bank.transfer(301, from: "alice", to: "bob")?.title == "Insufficient Funds")
        #expect(bank.transfer(1, from: "alice", to: "carol")?.status == 404)
        #expect(bank.transfer(1, from: "carol", to: "alice")?.status == 404)
        #expect(bank.transfer(1, from: "alice", to: "alice")?.status == 422)
        #expect([bank.balance("alice"), bank.balance("bob")] == [300, 200])
    }

    // MARK: - Looking

    @Test func accountsAreListedInPages() throws {
        var bank = try self.bank()
        #expect(bank.bank("GET", "/accounts")?.json == ["accounts": [], "next": nil])
        for name in ["dora", "alice", "carol", "bob"] { bank.open(name, 1) }
        let all = bank.bank("GET", "/accounts", on: "n2")
        #expect(all?.json == ["accounts": ["alice", "bob", "carol", "dora"], "next": nil])
        let page = try there(bank.bank("GET", "/accounts?limit=3"))
        #expect(page.json["accounts"] == ["alice", "bob", "carol"])
        let next = try #require(page.json["next"]?.stringValue)
        #expect(page.headers["link"]?.stringValue == "<\(next)>; rel=\"next\"")
        #expect(bank.bank("GET", next)?.json == ["accounts": ["dora"], "next": nil])
        #expect(bank.bank("GET", "/accounts?limit=0")?.status == 400)
        let wrong = bank.bank("DELETE", "/accounts")
        #expect(wrong?.status == 405 && wrong?.headers["allow"] == "GET, POST")
        // An account that nobody can see is not left out without a word.
        bank.kill("n3")
        let refusal = try there(bank.bank("GET", "/accounts", within: .seconds(5)))
        #expect(refusal.status == 503)
        #expect(refusal.body.contains("'n3' does not say which accounts it has"))
    }

    /// Who waits for what comes next is told when it comes, or that nothing came.
    @Test func newsAreWaitedFor() throws {
        var bank = try self.bank()
        bank.open("alice", 500)
        let path = "/accounts/alice/transactions?cursor=0&wait=10"
        let waiting = bank.request("n2", HTTPRequest.body("GET", path))
        bank.run(for: .seconds(3))
        #expect(bank.replies[waiting] == nil)
        // Even where the account's process ends meanwhile.
        let hasCrashed = bank.crash(process: "account alice")
        #expect(hasCrashed)
        bank.run(for: .seconds(1))
        bank.deposit(200, to: "alice", on: "n3")
        bank.run(for: .milliseconds(200))
        let told = try #require(bank.replies[waiting]?["body"]?.stringValue)
        let entries = try JSONValue(parsing: told)["transactions"]?.arrayValue
        #expect(entries?.count == 1 && entries?.first?["amount"] == 200)
        // At once where there is something, and never for longer than asked for.
        #expect(bank.bank("GET", path)?.status == 200)
        let began = bank.now
        let nothing = bank.bank(
            "GET", "/accounts/alice/transactions?cursor=1&wait=2", within: .seconds(5))
        #expect(nothing?.json["transactions"] == [])
        #expect((.seconds(2)...(.milliseconds(2200))).contains(bank.now - began))
        let wrong = bank.bank("GET", "/accounts/alice/transactions?wait=31")
        #expect(wrong?.status == 400)
    }

    // MARK: - Keys

    @Test func aKeyIsAnsweredOnce() throws {
        var bank = try self.bank()
        bank.open("alice", 500)
        bank.open("bob", 0)
        let first = try there(bank.withdraw(100, from: "alice", key: "k1"))
        // Asked again, elsewhere, and after all processes of the account and its node began anew.
        for node in bank.names {
            let again = try there(bank.withdraw(100, from: "alice", key: "k1", on: node))
            #expect(again.status == 201)
            #expect(again.body == first.body)
            #expect(again.headers["idempotency-replayed"] == "true")
        }
        #expect(first.headers["idempotency-replayed"] == nil)
        let moved = try there(bank.transfer(150, from: "alice", to: "bob", key: "k1"))
        #expect(moved.status == 201, "a key of a transfer is another one: \(moved.body)")
        for node in bank.names { bank.restart(node) }
        bank.run(for: .seconds(2))
        #expect(bank.withdraw(100, from: "alice", key: "k1")?.body == first.body)
        let again = try there(bank.transfer(150, from: "alice", to: "bob", key: "k1"))
        #expect(again.body == moved.body)
        #expect(again.headers["idempotency-replayed"] == "true")
        #expect([bank.balance("alice"), bank.balance("bob")] == [250, 150])
        // The same key for something else is a mistake of the client's.
        #expect(bank.withdraw(101, from: "alice", key: "k1")?.status == 422)
        #expect(bank.deposit(100, to: "alice", key: "k1")?.status == 422)
        #expect(bank.transfer(151, from: "alice", to: "bob", key: "k1")?.status == 422)
        #expect([bank.balance("alice"), bank.balance("bob")] == [250, 150])
    }

    /// A refusal is an answer, too: it is the same when there is money again.
    @Test func aRefusalIsKept() throws {
        var bank = try self.bank()
        bank.open("alice", 50)
        bank.open("bob", 0)
        let refused = try there(bank.withdraw(100, from: "alice", key: "w"))
        #expect(bank.transfer(100, from: "alice", to: "bob", key: "t")?.status == 409)
        bank.deposit(1000, to: "alice")
        let hasCrashed = bank.crash(process: "account alice")
        #expect(hasCrashed)
        #expect(bank.withdraw(100, from: "alice", key: "w")?.body == refused.body)
        #expect(bank.transfer(100, from: "alice", to: "bob", key: "t")?.status == 409)
        #expect(bank.withdraw(100, from: "alice", key: "w2")?.status == 201)
        #expect(bank.open("alice", 50)?.status == 409)
    }

    @Test func keysAreRead() throws {
        var bank = try self.bank()
        bank.open("alice", 0)
        bank.deposit(1, to: "alice", key: "\"quoted\"")
        #expect(bank.deposit(1, to: "alice", key: "quoted")?.balance == 1)
        #expect(bank.deposit(1, to: "alice", key: "")?.status == 400)
        #expect(
            bank.deposit(1, to: "alice", key: String(repeating: "k", count: 256))?.status == 400)
    }

    // MARK: - Statements

    private func entries(_ answer: ClusterSimulation.BankAnswer?) -> [Int64] {
        (answer?.json["transactions"]?.arrayValue ?? []).compactMap { $0["number"]?.intValue }
    }

    private func withHistory() throws -> ClusterSimulation {
        var bank = try self.bank()
        bank.open("alice", 100)
        bank.open("bob", 100)
        for amount in 1...5 as ClosedRange<Int64> { bank.deposit(amount, to: "alice") }
        bank.withdraw(7, from: "alice")
        bank.transfer(10, from: "alice", to: "bob")
        bank.transfer(3, from: "bob", to: "alice")
        return bank
    }

    @Test func pages() throws {
        var bank = try self.withHistory()
        var path: String? = "/accounts/alice/transactions?limit=3"
        var pages: [[Int64]] = []
        while let page = path {
            let answer = bank.bank("GET", page, on: bank.names[pages.count % 3])
            pages.append(self.entries(answer))
            // What is added meanwhile comes at the end.
            if pages.count == 1 { bank.deposit(1, to: "alice") }
            path = answer?.json["next"]?.stringValue
            #expect(
                answer?.headers["link"]?.stringValue == path.map { "<\($0)>; rel=\"next\"" })
        }
        #expect(pages == [[1, 2, 3], [4, 5, 6], [7, 8, 9]])
        let all = bank.bank("GET", "/accounts/alice/transactions")?.json
        let balances = all?["transactions"]?.arrayValue?.compactMap { $0["balance"]?.intValue }
        #expect(balances == [101, 103, 106, 110, 115, 108, 98, 101, 102])
        #expect(bank.balance("alice") == 102)
    }

    @Test func filters() throws {
        var bank = try self.withHistory()
        func numbers(_ query: String) -> [Int64] {
            self.entries(bank.bank("GET", "/accounts/alice/transactions?\(query)"))
        }
        #expect(numbers("type=deposit") == [1, 2, 3, 4, 5])
        #expect(numbers("type=withdrawal") == [6])
        #expect(numbers("type=transfer") == [7, 8])
        #expect(numbers("type=transfer_in") == [8])
        #expect(numbers("type=deposit&limit=2&cursor=2") == [3, 4])
        // The simulated clock began in 2023.
        #expect(numbers("since=2023-01-01") == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(numbers("since=2030-01-01T00:00:00%2B01:00") == [])
    }

    @Test func exports() throws {
        var bank = try self.bank()
        bank.open("alice", 100)
        _ = bank.bank(
            "POST", "/accounts/alice/deposits", ["amount": 5, "description": "a \"gift\", late"])
        let csv = try there(bank.bank("GET", "/accounts/alice/transactions?format=csv"))
        #expect(csv.headers["content-type"] == "text/csv; charset=utf-8; header=present")
        let lines = csv.body.split(separator: "\r\n", omittingEmptySubsequences: false)
        #expect(lines[0] == "number,date,type,amount,balance,counterparty,description")
        let date = "2023-11-14T22:13:21"
        #expect(lines[1].hasPrefix("1,\(date)"), "\(lines[1])")
        #expect(lines[1].hasSuffix("Z,deposit,5,105,,\"a \"\"gift\"\", late\""), "\(lines[1])")
        #expect(lines.count == 3 && lines[2].isEmpty)
        let accepted = bank.bank(
            "GET", "/accounts/alice/transactions", headers: ["accept": "text/csv"])
        #expect(accepted?.body == csv.body)
        let table = try there(bank.bank("GET", "/accounts/alice/transactions?format=table"))
        let rows = table.body.split(separator: "\n")
        #expect(rows[0].split(separator: " ").first == "NUMBER")
        #expect(rows[1].hasSuffix("105                a \"gift\", late"), "\(rows[1])")
    }

    // MARK: - Mistakes of clients

    @Test func refusesWhatMakesNoSense() throws {
        var bank = try self.bank()
        bank.open("alice", 100)
        let cases: [(method: String, target: String, body: JSONValue?, status: Int64)] = [
            ("GET", "/", nil, 404), ("GET", "/nothing", nil, 404), ("PUT", "/accounts", nil, 405),
            ("DELETE", "/accounts/alice", nil, 405), ("GET", "/transfers", nil, 405),
            ("GET", "/accounts/bob", nil, 404), ("GET", "/accounts/bob/transactions", nil, 404),
            ("GET", "/accounts/a%2Fb", nil, 400), ("POST", "/accounts", [:], 400),
            ("POST", "/accounts", [1], 400), ("POST", "/accounts", ["id": "a b"], 400),
            ("POST", "/accounts", ["id": "x", "initial": -1], 422),
            ("POST", "/accounts/alice/deposits", [:], 400),
            ("POST", "/accounts/alice/deposits", ["amount": 0], 422),
            ("POST", "/accounts/alice/deposits", ["amount": 1.5], 422),
            ("POST", "/accounts/alice/deposits", ["amount": "5"], 422),
            ("POST", "/accounts/alice/deposits", ["amount": 1_000_000_000_001], 422),
            ("POST", "/accounts/bob/deposits", ["amount": 1], 404),
            ("POST", "/transfers", ["from": "alice", "amount": 1], 400),
            ("GET", "/accounts/alice/transactions?limit=0", nil, 400),
            ("GET", "/accounts/alice/transactions?cursor=-1", nil, 400),
            ("GET", "/accounts/alice/transactions?since=yesterday", nil, 400),
            ("GET", "/accounts/alice/transactions?type=gift", nil, 400),
            ("GET", "/accounts/alice/transactions?format=xml", nil, 400),
        ]
        for (method, target, body, status) in cases {
            let answer = try there(bank.bank(method, target, body))
            let what = "\(method) \(target) \(body?.text ?? "")"
            #expect(answer.status == status, "\(what)")
            #expect(answer.headers["content-type"] == "application/problem+json", "\(what)")
            #expect(answer.json["status"]?.intValue == status, "\(what)")
            #expect(answer.json["detail"]?.stringValue?.isEmpty == false, "\(what)")
            if status == 405 { #expect(answer.headers["allow"] != nil, "\(what)") }
        }
        #expect(bank.balance("alice") == 100)
    }

    /// `curl -d amount=5` sends a form, and `curl -d '{"amount":5}'` calls its JSON one.
    @Test(arguments: [
        "amount=5&description=two+words", "{\"amount\":5,\"description\":\"two words\"}",
    ])
    func takesFormsAndJSON(_ body: String) throws {
        var bank = try self.bank()
        bank.open("alice", 0)
        let request = HTTPRequest.body(
            "POST", "/accounts/alice/deposits",
            headers: ["content-type": "application/x-www-form-urlencoded"], body: body)
        let reply = try there(bank.ask("n2", request))
        let entry = try JSONValue(parsing: try #require(reply["body"]?.stringValue))
        #expect(entry["amount"] == 5)
        #expect(entry["description"] == "two words")
    }

    @Test func nobodyKnowsWhileANodeIsAway() throws {
        var bank = try self.bank()
        for account in ["a", "b", "c", "d", "e", "f"] { bank.open(account, 100) }
        bank.partition(["n1"], ["n2", "n3"])
        let answers = ["a", "b", "c", "d", "e", "f"].compactMap {
            bank.deposit(1, to: $0, key: "k")?.status
        }
        #expect(Set(answers) == [201, 504])
        bank.heal()
        bank.run(for: .seconds(2))
        for account in ["a", "b", "c", "d", "e", "f"] {
            #expect(bank.deposit(1, to: account, key: "k")?.status == 201)
            #expect(bank.balance(account) == 101)
        }
    }

    // MARK: - Wrong variants

    @Test(arguments: [("event-sourced", Int64(150)), ("in-memory", 100)])
    func anAccountThatCrashes(_ variant: String, balance: Int64) throws {
        var bank = try self.bank(variant)
        bank.open("alice", 100)
        bank.deposit(50, to: "alice")
        let hasCrashed = bank.crash(process: "account alice")
        #expect(hasCrashed)
        #expect(bank.balance("alice") == balance)
    }

    @Test(arguments: [("event-sourced", Int64(90)), ("no-keys", 80)])
    func aKeyThatIsNotLookedAt(_ variant: String, balance: Int64) throws {
        var bank = try self.bank(variant)
        bank.open("alice", 100)
        for _ in 1...2 { #expect(bank.withdraw(10, from: "alice", key: "k")?.status == 201) }
        #expect(bank.balance("alice") == balance)
    }

    /// An account with 100 that is on another node than some, so that what is said to it crosses the network.
    private func account(
        notOn node: String, _ bank: inout ClusterSimulation
    ) throws -> String {
        for account in ["a", "b", "c", "d", "e", "f"] {
            bank.open(account, 100)
            if bank.home(of: "account \(account)") != node { return account }
        }
        throw NoAccount()
    }

    private struct NoAccount: Error {}

    @Test(arguments: [("event-sourced", Int64(110)), ("cast", 100)])
    func aDepositThatIsLost(_ variant: String, balance: Int64) throws {
        var bank = try self.bank(variant)
        let account = try self.account(notOn: "n1", &bank)
        bank.fate = { $0.type == "order" ? .isLost : nil }
        let body: JSONValue = ["amount": 10]
        bank.request(
            "n1", HTTPRequest.body("POST", "/accounts/\(account)/deposits", body: body.text))
        bank.run(for: .milliseconds(50))
        bank.fate = nil
        bank.run(for: .seconds(2))
        #expect(bank.balance(account) == balance)
    }

    @Test(arguments: [
        ("event-sourced", Int64(201), [Int64(70), 130]), ("two-steps", 201, [70, 130]),
        ("ok-is-error", 422, [70, 130]), ("half-way", 500, [70, 100]),
    ])
    func aTransferInPeace(_ variant: String, status: Int64, balances: [Int64]) throws {
        var bank = try self.bank(variant)
        bank.open("alice", 100)
        bank.open("bob", 100)
        #expect(bank.transfer(30, from: "alice", to: "bob", key: "k")?.status == status)
        #expect(bank.transfer(30, from: "alice", to: "bob", key: "k")?.status == status)
        #expect([bank.balance("alice"), bank.balance("bob")] == balances)
    }

    @Test(arguments: [("event-sourced", Int64(110)), ("two-steps", 100)])
    func theSecondHalfIsLost(_ variant: String, balance: Int64) throws {
        var bank = try self.bank(variant)
        bank.open("payer", 100)
        let home = try there(bank.home(of: "account payer"))
        let account = try self.account(notOn: home, &bank)
        bank.fate = { message in
            let isDecision = message.type == "decide"
            let isCast = message.type == "order" && message["mail"]?["op"] == "cast"
            return isDecision || isCast ? .isLost : nil
        }
        let body: JSONValue = ["from": "payer", "to": .string(account), "amount": 10]
        bank.request("n1", HTTPRequest.body("POST", "/transfers", body: body.text))
        bank.run(for: .milliseconds(100))
        bank.fate = nil
        bank.run(for: .seconds(2))
        #expect(bank.balance("payer") == 90)
        #expect(bank.balance(account) == balance)
    }

    // MARK: - Everything at once

    /// One client after the other, who asks again under the same key until somebody answers, while messages get lost, doubled and late, nodes
    /// are cut off and die between any two effects, and processes crash. Every order is there once.
    @Test(arguments: 1...UInt64(15))
    func survivesEverything(seed: UInt64) throws {
        var bank = try self.bank(seed: seed)
        var client = BankClient(seed: seed)
        let accounts = ["a", "b", "c", "d"]
        for account in accounts { client.open(account, 1000, &bank) }
        bank.loss = Ratio(percent: 10)
        bank.duplication = Ratio(percent: 10)
        bank.latency = .zero...Duration.milliseconds(20)
        bank.crashChance = Ratio(billionths: 2_000_000)
        bank.disturb(Disturber(), for: .seconds(20))
        let end = bank.now + .seconds(20)
        while bank.now < end { client.order(accounts, &bank) }
        bank.crashChance = .zero
        bank.loss = .zero
        bank.duplication = .zero
        bank.run(for: .seconds(5))
        for account in accounts { client.look(account, &bank) }
        let finding = try makeChecker(name: "ledger").check(client.history)
        #expect(finding.verdict == .valid, "\(finding.summary) \(finding.evidence)")
    }
}

/// What came, which must be there; `#require` cannot take what changes a cluster.
private func there<Value>(_ value: Value?) throws -> Value { try #require(value) }

/// A client of the bank who writes down what it did.
private struct BankClient {
    private(set) var history = History()
    private var randomness: Randomness
    private var count = 0

    init(seed: UInt64) { self.randomness = Randomness(seed: seed, label: "client") }

    private mutating func note(
        _ kind: Operation.Kind, _ function: String, _ value: JSONValue, _ bank: ClusterSimulation,
        isFinal: Bool = false
    ) {
        self.history.append(
            Operation(
                index: self.history.operations.count, process: self.count, kind: kind,
                function: function, value: value,
                time: Instant(nanoseconds: bank.now.wholeNanoseconds), node: "n1",
                isFinal: isFinal))
    }

    private mutating func post(
        _ function: String, _ value: JSONValue, _ target: String, _ body: JSONValue,
        _ bank: inout ClusterSimulation
    ) {
        self.count += 1
        self.note(.invoke, function, value, bank)
        var end = Operation.Kind.info
        for _ in 1...3 {
            let node = bank.names[self.randomness.next(below: 3)]
            guard let answer = bank.bank("POST", target, body, key: "k\(self.count)", on: node),
                ![503, 504].contains(answer.status)
            else { continue }
            end = answer.status == 201 ? .ok : answer.status < 500 ? .fail : .info
            break
        }
        self.note(end, function, value, bank)
    }

    mutating func open(_ account: String, _ initial: Int64, _ bank: inout ClusterSimulation) {
        self.post(
            "open", ["account": .string(account), "initial": .int(initial)], "/accounts",
            ["id": .string(account), "initial": .int(initial)], &bank)
    }

    mutating func order(_ accounts: [String], _ bank: inout ClusterSimulation) {
        let from = self.randomness.next(below: accounts.count)
        let to = (from + 1 + self.randomness.next(below: accounts.count - 1)) % accounts.count
        let amount = JSONValue.int(Int64(1 + self.randomness.next(below: 400)))
        let note = JSONValue.string("op \(self.count + 1)")
        let account = JSONValue.string(accounts[from])
        switch self.randomness.next(below: 3) {
        case 0:
            let target: JSONValue = .string(accounts[to])
            self.post(
                "transfer", ["from": account, "to": target, "amount": amount, "note": note],
                "/transfers",
                ["from": account, "to": target, "amount": amount, "description": note],
                &bank)
        case let kind:
            let (function, place) =
                kind == 1 ? ("deposit", "deposits") : ("withdraw", "withdrawals")
            self.post(
                function, ["account": account, "amount": amount, "note": note],
                "/accounts/\(accounts[from])/\(place)", ["amount": amount, "description": note],
                &bank)
        }
        // Where its node is down it crashes no more.
        if self.randomness.next(below: 10) == 0 { bank.crash(process: "account \(accounts[to])") }
    }

    mutating func look(_ account: String, _ bank: inout ClusterSimulation) {
        self.count += 1
        let name = JSONValue.string(account)
        self.note(.invoke, "statement", ["account": name], bank, isFinal: true)
        let answer = bank.bank("GET", "/accounts/\(account)/transactions?limit=1000")
        let entries = (answer?.json["transactions"]?.arrayValue ?? []).map { entry -> JSONValue in
            let amount = entry["amount"]?.intValue ?? 0
            let isOutgoing = ["withdrawal", "transfer_out"].contains(entry["type"]?.stringValue)
            return [
                entry["number"] ?? nil, .int(isOutgoing ? -amount : amount),
                entry["balance"] ?? nil, entry["description"] ?? nil,
            ]
        }
        self.note(
            answer?.status == 200 ? .ok : .fail, "statement",
            ["account": name, "entries": .array(entries)], bank, isFinal: true)
    }
}
