import ChaosCore
import NodeKit
import Testing

/// Nodes whose logs grow with traffic write them anew, and the next life knows what it has to know. In virtual time, and with the real
/// limit of 1000 records.
@Suite("Long logs in virtual time")
struct LongLogTests {
    private static let least = LogCompaction().least

    private func recordCount(_ cluster: ClusterSimulation, _ node: String) -> Int {
        cluster.disks[node]?.bytes.count { $0 == UInt8(ascii: "\n") } ?? 0
    }

    /// 600 transfers, of which a coordinator writes two records each and a participant two or three, through restarts.
    @Test(arguments: [("presumed-abort", 12), ("saga", nil)])
    func transfers(_ variant: String, codeOfAnother: Int64?) throws {
        var cluster = try ClusterSimulation("two-phase-commit", variant, nodes: 3)
        func transfer(_ index: Int, amount: Int64 = 7) -> JSONObject {
            let there = index % 2 == 0
            return [
                "type": "transfer", "id": .string("t\(index)"),
                "from": .string(there ? "a1" : "a2"), "to": .string(there ? "a2" : "a1"),
                "amount": .int(amount),
            ]
        }
        for index in 0..<600 {
            if index % 97 == 96 { for node in cluster.names { cluster.restart(node) } }
            let reply = cluster.ask("n1", transfer(index), within: .seconds(5))
            try #require(reply?.type == "transfer_ok", "\(index): \(String(describing: reply))")
        }
        cluster.run(for: .seconds(2))
        for node in cluster.names {
            #expect(self.recordCount(cluster, node) <= Self.least + 10, "\(node)")
            cluster.restart(node)
        }
        cluster.run(for: .seconds(1))
        let balances = try #require(cluster.ask("n2", ["type": "read"])?["value"])
        #expect(["a1", "a2", "a3", "a4"].map { balances[$0] } == [100, 100, 100, 100])
        // Done is done, also where it was done before the log was written anew.
        #expect(cluster.ask("n1", transfer(100))?.type == "transfer_ok")
        #expect(cluster.ask("n1", transfer(100, amount: 8))?["code"]?.intValue == codeOfAnother)
        #expect(cluster.ask("n2", ["type": "read"])?["value"] == balances)
    }

    @Test func aCollectorOfWeather() throws {
        var cluster = try ClusterSimulation("weather", "numbered", nodes: 3)
        cluster.run(for: .seconds(2))
        for index in 0..<1500 {
            _ = cluster.request(
                index % 3 == 0 ? "n3" : "n2",
                [
                    "type": "measure", "id": .string("m\(index)"),
                    "temperature": .int(index % 100 == 0 ? 35 : 20), "humidity": 50,
                ])
            cluster.run(for: .milliseconds(5))
        }
        cluster.run(for: .seconds(1))
        for node in cluster.names { #expect(self.recordCount(cluster, node) <= Self.least + 10) }
        func counts(_ report: JSONValue?) -> [Int64?] {
            ["n2", "n3"].flatMap { node in
                ["received", "dropped", "missing"].map {
                    report?["stations"]?[node]?[$0]?.intValue
                }
            }
        }
        let before = cluster.ask("n1", ["type": "report"])?["report"]
        #expect(counts(before) == [1000, 0, 0, 500, 0, 0])
        for node in cluster.names { cluster.restart(node) }
        cluster.run(for: .seconds(1))
        let after = cluster.ask("n1", ["type": "report"])?["report"]
        #expect(counts(after) == counts(before))
        #expect(after?["alerts"] == before?["alerts"])
        #expect(after?["alerts"]?.arrayValue?.count == 15)
    }

    @Test(arguments: [("link-views", "slots"), ("link-deltas", "acked")])
    func viewsOfLinks(_ system: String, _ variant: String) throws {
        var cluster = try ClusterSimulation(system, variant, nodes: 3)
        cluster.shorten("https://example.com/", as: "x", on: "n1")
        cluster.run(for: .seconds(1))
        for index in 0..<1300 {
            let answer = cluster.follow("x", on: "n2", visit: "v\(index)")
            try #require(answer?.status == 302)
        }
        #expect(self.recordCount(cluster, "n2") < (system == "link-views" ? 2600 : 1300))
        cluster.kill("n1")
        cluster.kill("n3")
        cluster.restart("n2")
        // From its own disk; and the visitors of link-views are known again.
        #expect(cluster.follow("x", on: "n2", visit: "v7")?.status == 302)
        let views = system == "link-views" ? 1300 : 1301
        for node in ["n1", "n3"] { cluster.restart(node) }
        cluster.run(for: .seconds(2))
        let all = Array(repeating: Optional("Redirects: \(views)"), count: 3)
        #expect(cluster.views(of: "x") == all)
    }

    @Test(arguments: ["map-reduce-manager", "map-reduce"])
    func jobs(_ system: String) throws {
        let variant = system == "map-reduce" ? "leases" : "merges-once"
        var cluster = try ClusterSimulation(system, variant, nodes: 4)
        let input = (0..<20).map { "foo bar \($0)\n" }.joined()
        func submit(_ index: Int) {
            let job: JSONObject = [
                "type": "submit", "job": .string("j\(index)"), "fn": "words",
                "input": .string(input),
            ]
            #expect(cluster.ask("n1", job)?.type == "submit_ok")
        }
        for index in 0..<130 {
            submit(index)
            cluster.run(for: .milliseconds(300))
            if index % 40 == 39 { cluster.restart("n1") }
        }
        cluster.run(for: .seconds(60))
        #expect(self.recordCount(cluster, "n1") <= Self.least + 20)
        cluster.restart("n1")
        for index in 0..<130 {
            let result = cluster.ask("n1", ["type": "result", "job": .string("j\(index)")])
            #expect(result?["state"] == "done", "j\(index)")
            #expect(result?["counts"]?["foo"] == 20)
        }
        let results = cluster.ask("n1", ["type": "results"])?["results"]?.objectValue?.members
        #expect(results?.count == 130 && results?.allSatisfy { $0.value == 1 } == true)
    }

    /// Deposits, transfers and refusals of one account, and its statement, which is never cut short.
    @Test func anAccount() throws {
        var bank = try ClusterSimulation("bank", "event-sourced", nodes: 3)
        bank.run(for: .seconds(1))
        bank.open("alice", 500)
        bank.open("bob", 0)
        for index in 0..<250 {
            #expect(bank.deposit(3, to: "alice", key: "d\(index)")?.status == 201)
            let key = "t\(index)"
            #expect(bank.transfer(3, from: "alice", to: "bob", key: key)?.status == 201)
        }
        #expect(bank.withdraw(9999, from: "alice", key: "too much")?.status == 409)
        func statement(_ account: String) -> String? {
            bank.bank("GET", "/accounts/\(account)/transactions?limit=1000")?.body
        }
        let before = ["alice", "bob"].map(statement)
        let home = bank.home(of: "account alice") ?? ""
        #expect((1..<1 + 250 * 5).contains(self.recordCount(bank, home)))
        for node in bank.names { bank.restart(node) }
        bank.run(for: .seconds(2))
        #expect(["alice", "bob"].map(statement) == before)
        #expect([bank.balance("alice"), bank.balance("bob")] == [500, 750])
        // Keys are known again, whatever was answered.
        for (answer, status) in [
            (bank.deposit(3, to: "alice", key: "d7"), 201),
            (bank.transfer(3, from: "alice", to: "bob", key: "t7"), 201),
            (bank.withdraw(9999, from: "alice", key: "too much"), 409),
        ] as [(ClusterSimulation.BankAnswer?, Int64)] {
            #expect(answer?.status == status)
            #expect(answer?.headers["idempotency-replayed"] == "true")
        }
        #expect([bank.balance("alice"), bank.balance("bob")] == [500, 750])
    }

    @Test func aCounter() throws {
        var cluster = try ClusterSimulation("g-counter", "crdt", nodes: 3)
        for _ in 0..<1500 { _ = cluster.ask("n1", ["type": "add", "delta": 1]) }
        #expect(self.recordCount(cluster, "n1") <= Self.least)
        for node in cluster.names { cluster.restart(node) }
        #expect(cluster.ask("n1", ["type": "read"])?["value"] == 1500)
    }

    /// A number and a stack behind a generic server, pings, tasks and central ids: whatever a process or node counts goes on.
    @Test func smallOnes() throws {
        var state = try ClusterSimulation("shared-state", "in-the-loop", nodes: 2)
        for _ in 0..<1500 {
            let reply = state.ask("n2", ["type": "add", "delta": 2])
            #expect(reply?.type == "add_ok")
        }
        #expect((1...1499).contains(self.recordCount(state, "n1")))
        state.restart("n1")
        #expect(state.ask("n2", ["type": "read"], within: .seconds(5))?["value"] == 3000)

        var stack = try ClusterSimulation("stack", "numbered", nodes: 2)
        for value in 0..<700 {
            _ = stack.ask("n2", ["type": "push", "value": .int(Int64(value))])
            if value % 2 == 1 { _ = stack.ask("n2", ["type": "pop"]) }
        }
        stack.restart("n1")
        #expect(stack.ask("n2", ["type": "info"], within: .seconds(5))?["value"] == 350)
        #expect(stack.ask("n2", ["type": "pop"])?["value"] == 698)
        #expect(stack.ask("n2", ["type": "pop"])?["value"] == 696)

        var pings = try ClusterSimulation("ping-pong", "epochs", nodes: 2)
        for _ in 0..<1500 { _ = pings.ask("n1", ["type": "send_ping"]) }
        #expect(self.recordCount(pings, "n1") <= Self.least)
        pings.restart("n1")
        #expect(pings.ask("n1", ["type": "send_ping"])?["index"] == 1501)

        var ids = try ClusterSimulation("unique-ids", "central", nodes: 2)
        for _ in 0..<1500 { _ = ids.ask("n2", ["type": "generate"]) }
        #expect(self.recordCount(ids, "n1") <= Self.least)
        ids.restart("n1")
        #expect(ids.ask("n1", ["type": "generate"])?["id"] == 1501)
    }
}
