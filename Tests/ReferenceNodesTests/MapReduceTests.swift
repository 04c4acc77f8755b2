import ChaosCore
import NodeKit
import ReferenceNodes
import Testing

/// S10 and S11 in virtual time: `n1` is the master.
@Suite("Map-reduce in virtual time")
struct MapReduceTests {
    private static let input = (0..<60).map { "foo bar foo baz \($0)" }.joined(separator: "\n")

    private static func submit(_ input: String = MapReduceTests.input) -> JSONObject {
        ["type": "submit", "job": "j1", "fn": "words", "input": .string(input)]
    }

    private func cluster(_ system: String, _ variant: String, seed: UInt64 = 1) throws
        -> ClusterSimulation
    {
        try ClusterSimulation(system, variant, nodes: 4, seed: seed)
    }

    /// What a job comes to: its state, and how often it has counted `foo`; the input has 120.
    private func outcome(_ cluster: inout ClusterSimulation, within limit: Duration = .seconds(10))
        -> (state: JSONValue?, foo: Int64?)
    {
        let end = cluster.now + limit
        while cluster.now < end {
            let reply = cluster.ask("n1", ["type": "result", "job": "j1"])
            if let state = reply?["state"], state != "running" {
                return (state, reply?["counts"]?["foo"]?.intValue)
            }
            cluster.run(for: .milliseconds(50))
        }
        return ("running", nil)
    }

    private static let right = [
        ("map-reduce-manager", "merges-once"), ("map-reduce", "leases"), ("map-reduce", "commits"),
    ]

    @Test(arguments: Self.right)
    func aJobIsCountedExactly(_ system: String, _ variant: String) throws {
        var cluster = try self.cluster(system, variant)
        #expect(cluster.ask("n1", Self.submit())?.type == "submit_ok")
        #expect(cluster.ask("n1", Self.submit())?.type == "submit_ok")
        #expect(self.outcome(&cluster) == ("done", 120))
        #expect(cluster.ask("n1", ["type": "results"])?["results"] == ["j1": 1])
        #expect(cluster.ask("n1", ["type": "result", "job": "j2"])?["code"] == 20)
        #expect(cluster.ask("n1", ["type": "submit", "job": "j2"])?["code"] == 12)
        #expect(cluster.ask("n2", Self.submit())?["code"] == 11)
    }

    /// Workers die, one after the other and again and again; so does the master.
    @Test(arguments: Self.right, 1...UInt64(20))
    func isExactWhoeverDies(_ names: (system: String, variant: String), seed: UInt64) throws {
        var cluster = try self.cluster(names.system, names.variant, seed: seed)
        cluster.loss = Ratio(percent: 10)
        cluster.duplication = Ratio(percent: 10)
        cluster.disturb(Disturber(), for: .seconds(6))
        cluster.run(for: .milliseconds(10))
        while cluster.ask("n1", Self.submit(), within: .milliseconds(200)) == nil {
            cluster.run(for: .milliseconds(100))
        }
        cluster.run(for: .seconds(6))
        #expect(self.outcome(&cluster) == ("done", 120))
        #expect(cluster.ask("n1", ["type": "results"])?["results"] == ["j1": 1])
    }

    @Test(arguments: Self.right)
    func aPoisonedChunkIsGivenUp(_ system: String, _ variant: String) throws {
        var cluster = try self.cluster(system, variant)
        _ = cluster.ask("n1", Self.submit(Self.input + "\npoison"))
        let outcome = self.outcome(&cluster, within: .seconds(30))
        #expect(outcome.state == "failed")
        #expect(cluster.reports.count { $0.contains("ate poison") } == 5)
        // Others are not affected.
        var next = Self.submit()
        next["job"] = "j2"
        _ = cluster.ask("n1", next)
        cluster.run(for: .seconds(5))
        #expect(cluster.ask("n1", ["type": "result", "job": "j2"])?["state"] == "done")
    }

    @Test(arguments: ["map-reduce-manager", "map-reduce"])
    func aPoisonedChunkIsTriedForEver(_ system: String) throws {
        var cluster = try self.cluster(system, "tries-for-ever")
        _ = cluster.ask("n1", Self.submit(Self.input + "\npoison"))
        #expect(self.outcome(&cluster, within: .seconds(30)).state == "running")
        #expect(cluster.reports.count { $0.contains("ate poison") } > 5)
    }

    // MARK: - Results in messages

    @Test func theManagersLastChunkIsMissing() throws {
        var cluster = try self.cluster("map-reduce-manager", "last-chunk")
        _ = cluster.ask("n1", Self.submit())
        let outcome = self.outcome(&cluster)
        #expect(outcome.state == "done")
        #expect(try #require(outcome.foo) < 120)
    }

    @Test(arguments: [("answers-again", true), ("merges-once", false)])
    func aReportThatComesTwice(_ variant: String, hasSeveralResults: Bool) throws {
        var cluster = try self.cluster("map-reduce-manager", variant)
        cluster.fate = { $0.type == "finished" ? .arrivesTwice : nil }
        _ = cluster.ask("n1", Self.submit())
        #expect(self.outcome(&cluster) == ("done", 120))
        cluster.run(for: .seconds(1))
        let count = cluster.ask("n1", ["type": "results"])?["results"]?["j1"]?.intValue ?? 0
        #expect(count >= 1 && (count > 1) == hasSeveralResults)
    }

    @Test(arguments: [
        ("map-reduce-manager", "no-leases", "running"),
        ("map-reduce-manager", "merges-once", "done"),
        ("map-reduce", "no-leases", "running"), ("map-reduce", "leases", "done"),
    ])
    func aWorkerDiesWithItsTask(_ system: String, _ variant: String, state: String) throws {
        var cluster = try self.cluster(system, variant)
        _ = cluster.ask("n1", Self.submit())
        cluster.run { $0.type == "work" && $0.destination == "n2" }
        cluster.run(for: .milliseconds(5))
        cluster.restart("n2")
        #expect(self.outcome(&cluster).state == .string(state))
    }

    // MARK: - Chunks and results in a store

    /// Whether a job of map-reduce came to what its input has.
    private func isExact(_ cluster: inout ClusterSimulation) throws -> Bool {
        let outcome = self.outcome(&cluster)
        try #require(outcome.state == "done")
        var expected: [String: Int64] = [:]
        for word in Self.input.split(whereSeparator: \.isWhitespace) {
            expected[String(word), default: 0] += 1
        }
        let reply = cluster.ask("n1", ["type": "result", "job": "j1"])
        let members = reply?["counts"]?.objectValue?.members ?? []
        return members.count == expected.count
            && members.allSatisfy { $0.value.intValue == expected[$0.key] }
    }

    @Test(arguments: [("byte-chunks", false), ("leases", true)])
    func wordsAcrossTheEndsOfChunks(_ variant: String, isExact: Bool) throws {
        var cluster = try self.cluster("map-reduce", variant)
        _ = cluster.ask("n1", Self.submit())
        #expect(try self.isExact(&cluster) == isExact)
    }

    @Test(arguments: [("adds-reports", false), ("leases", true)])
    func aReportOfAReduceTaskThatComesTwice(_ variant: String, isExact: Bool) throws {
        var cluster = try self.cluster("map-reduce", variant)
        cluster.fate = { $0.type == "finished" ? .arrivesTwice : nil }
        _ = cluster.ask("n1", Self.submit())
        #expect(try self.isExact(&cluster) == isExact)
    }

    /// A report is lost, and its task is done again.
    @Test(arguments: [("appends", false), ("leases", true), ("commits", true), ("own-hash", true)])
    func aTaskIsDoneTwice(_ variant: String, isExact: Bool) throws {
        var cluster = try self.cluster("map-reduce", variant)
        cluster.fate = {
            $0.type == "finished" && $0["task"] == "j1/map/0" && $0["attempt"] == "1.1"
                ? .isLost : nil
        }
        _ = cluster.ask("n1", Self.submit())
        #expect(try self.isExact(&cluster) == isExact)
    }

    /// A worker is silent for longer than its lease, and reports its first task when it has the second one.
    @Test(arguments: [("re-lends", "failed"), ("leases", "done")])
    func aWorkerThatWasOnlySlow(_ variant: String, state: String) throws {
        var cluster = try self.cluster("map-reduce", variant)
        cluster.fate = {
            guard $0.source == "n2" else { return nil }
            if $0.type == "working" { return .isLost }
            return $0.type == "finished" ? .arrivesAfter(.milliseconds(750)) : nil
        }
        for job in ["j1", "j2", "j3"] {
            var submission = Self.submit()
            submission["job"] = .string(job)
            _ = cluster.ask("n1", submission)
        }
        #expect(self.outcome(&cluster).state == .string(state))
    }

    /// A worker wakes up when its task was done long ago, and writes its output between two reads of it.
    @Test(arguments: [("own-hash", false), ("leases", true), ("commits", true)])
    func aZombieWrites(_ variant: String, isExact: Bool) throws {
        var cluster = try self.cluster("map-reduce", variant)
        _ = cluster.ask("n1", Self.submit())
        cluster.run { $0.type == "work" && $0.destination == "n2" }
        cluster.run(for: .milliseconds(5))
        cluster.partition(["n2"], ["n1", "n3", "n4", "redis"])
        cluster.run { $0["task"] == "j1/reduce/2" }
        cluster.heal()
        cluster.partition(["n3", "n4"], ["redis"])
        cluster.run(for: .milliseconds(1500))
        cluster.heal()
        #expect(try self.isExact(&cluster) == isExact)
    }

    @Test(arguments: [("volatile-master", false), ("leases", true), ("commits", true)])
    func theMasterDies(_ variant: String, remembers: Bool) throws {
        var cluster = try self.cluster("map-reduce", variant)
        _ = cluster.ask("n1", Self.submit())
        cluster.run { $0["task"] == "j1/reduce/2" }
        cluster.restart("n1")
        let reply = cluster.ask("n1", ["type": "result", "job": "j1"])
        #expect((reply?.type == "result_ok") == remembers)
        if remembers { #expect(try self.isExact(&cluster)) }
    }

    /// Nobody reaches the store for a while: whoever is at a task stays at it.
    @Test(arguments: ["leases", "commits"])
    func theStoreIsAway(_ variant: String) throws {
        var cluster = try self.cluster("map-reduce", variant)
        _ = cluster.ask("n1", Self.submit())
        cluster.run { $0["task"] == "j1/map/4" }
        cluster.partition(["n1", "n2", "n3", "n4"], ["redis"])
        cluster.run(for: .seconds(4))
        #expect(cluster.ask("n1", ["type": "result", "job": "j1"])?["state"] == "running")
        cluster.heal()
        #expect(try self.isExact(&cluster))
    }

    // MARK: - Over HTTP

    @Test(arguments: Self.right)
    func takesJobsOverHTTP(_ system: String, _ variant: String) throws {
        var cluster = try self.cluster(system, variant)
        func ask(_ node: String, _ method: String, _ target: String, _ body: JSONValue = .null)
            -> (status: Int64?, body: JSONValue)
        {
            let reply = cluster.ask(
                node, HTTPRequest.body(method, target, body: body.text), within: .seconds(2))
            let text = reply?["body"]?.stringValue ?? ""
            return (
                reply?["status"]?.intValue ?? reply?["code"]?.intValue,
                (try? JSONValue(parsing: text)) ?? .string(text)
            )
        }
        let job: JSONValue = ["fn": "words", "input": "foo bar\nfoo baz\n"]
        let taken = ask("n1", "POST", "/jobs", job)
        #expect(taken.status == 202)
        let name = try #require(taken.body["job"]?.stringValue)
        cluster.run(for: .seconds(2))
        let done = ask("n1", "GET", "/jobs/\(name)")
        #expect(done.status == 200 && done.body["state"] == "done")
        #expect(done.body["counts"] == ["bar": 1, "baz": 1, "foo": 2])
        #expect(try #require(done.body["attempts"]?.intValue) >= 1)
        // The next one has another name, and a name that is given is one job.
        #expect(ask("n1", "POST", "/jobs", job).body["job"] != taken.body["job"])
        for _ in 1...2 {
            let named: JSONValue = ["job": "mine", "fn": "words", "input": "foo"]
            #expect(ask("n1", "POST", "/jobs", named) == (202, ["job": "mine"]))
        }
        cluster.run(for: .seconds(2))
        #expect(cluster.ask("n1", ["type": "results"])?["results"]?["mine"] == 1)
        #expect(ask("n1", "POST", "/jobs", "foo").status == 400)
        #expect(ask("n1", "GET", "/jobs/other").status == 404)
        #expect(ask("n1", "DELETE", "/jobs/mine").status == 404)
        #expect(ask("n2", "POST", "/jobs", job).status == ErrorCode.temporarilyUnavailable.rawValue)
    }
}
