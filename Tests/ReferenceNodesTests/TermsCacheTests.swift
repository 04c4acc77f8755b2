import ChaosCheckers
import ChaosCore
import NodeKit
import Testing

@testable import ReferenceNodes

/// Puts with lifetimes and gets, of keys that are new or recent.
private struct CacheWorkload: SimulatedWorkload {
    private var count: Int64 = 0

    mutating func next(process: Int, _ randomness: inout Randomness) -> SimulatedOperation? {
        self.count += 1
        let newest = Int(self.count / 4)
        if randomness.next(below: 5) < 2 {
            let key = JSONValue.int(Int64(max(0, newest - randomness.next(below: 10))))
            let lifetimes: [JSONValue] = [.null, .null, 300, 1000, 3000]
            let lifetime = randomness.pick(lifetimes) ?? .null
            let body: JSONObject = [
                "type": "put", "key": key, "value": .int(self.count), "ttl": lifetime,
            ]
            return SimulatedOperation("put", [key, .int(self.count), lifetime], body)
        }
        let key = JSONValue.int(Int64(max(0, newest - randomness.next(below: 60))))
        return SimulatedOperation("get", [key, .null], ["type": "get", "key": key])
    }

    func last(process: Int) -> SimulatedOperation {
        SimulatedOperation("get", [0, .null], ["type": "get", "key": 0])
    }

    func result(
        of operation: SimulatedOperation, process: Int, _ reply: Message
    ) -> JSONValue {
        guard operation.function == "get", let key = operation.value.arrayValue?.first else {
            return operation.value
        }
        return [key, reply["value"] ?? .null]
    }
}

@Suite("Terms cache in virtual time")
struct TermsCacheTests {
    private func finding(
        _ variant: String, seed: UInt64 = 1, _ change: (inout ClusterSimulation) -> Void = { _ in }
    ) throws -> Finding {
        var cluster = try ClusterSimulation("terms-cache", variant, nodes: 3, seed: seed)
        change(&cluster)
        cluster.load(CacheWorkload(), clients: 6, pause: .milliseconds(40), for: .seconds(12))
        return try cluster.finding("ttl")
    }

    /// What the course's own cache gets wrong shows without any fault.
    @Test(arguments: [
        ("call", []), ("cast", []), ("never-sweeps", []), ("wall-clock", []),
        ("sweep-only", ["late-hit"]), ("sweeps-eternal", ["early-miss"]),
    ])
    func withoutFaults(variant: String, anomalies: [String]) throws {
        let finding = try self.finding(variant)
        #expect(finding.anomalies == anomalies, "\(finding.summary)")
        #expect(finding.verdict == (anomalies.isEmpty ? .valid : .invalid))
    }

    @Test(arguments: 1...UInt64(20))
    func whatIsAcknowledgedIsThereForAsLongAsItWasPutFor(seed: UInt64) throws {
        let finding = try self.finding("call", seed: seed) { cluster in
            cluster.latency = .zero...Duration.milliseconds(60)
            cluster.loss = Ratio(percent: 10)
        }
        #expect(finding.verdict == .valid, "\(finding.summary)")
    }

    /// The way to the owner takes a while, and somebody else is quicker.
    @Test(arguments: [("cast", false), ("call", true)])
    func anAcknowledgementBeforeTheWriteIsNone(variant: String, isRight: Bool) throws {
        let finding = try self.finding(variant) { cluster in
            cluster.fate = { message in
                message.source == "n2" && message.destination == "n1"
                    ? .arrivesAfter(.milliseconds(300)) : nil
            }
        }
        #expect((finding.verdict == .valid) == isRight, "\(finding.summary)")
        if !isRight {
            #expect(!Set(finding.anomalies).isDisjoint(with: ["early-miss", "stale-hit"]))
        }
    }

    /// An hour forward drops what lives, an hour back keeps what is dead.
    @Test(arguments: [3_600_000, -3_600_000] as [Int64])
    func theMachinesClockIsSet(jump: Int64) throws {
        for (variant, isRight) in [("wall-clock", false), ("call", true)] {
            var cluster = try ClusterSimulation("terms-cache", variant, nodes: 1)
            for (key, ttl) in [("long", 60_000), ("short", 100)] as [(JSONValue, Int64)] {
                let put: JSONObject = ["type": "put", "key": key, "value": 1, "ttl": .int(ttl)]
                #expect(cluster.ask("n1", put)?.type == "put_ok")
            }
            let order: JSONObject = ["type": "set_clock", "jump": .int(jump)]
            // Clients have no clocks to set.
            #expect(cluster.ask("n1", order)?["code"] == 10)
            let id = cluster.request("n1", order, from: Administration.name)
            cluster.run(for: .milliseconds(200))
            #expect(cluster.replies[id]?.type == "set_clock_ok")
            let long = cluster.ask("n1", ["type": "get", "key": "long"])?["value"]
            let short = cluster.ask("n1", ["type": "get", "key": "short"])?["value"]
            #expect((long == 1 && short == .null) == isRight)
        }
    }

    /// Memory goes back to what it was within a sweep's interval.
    @Test(arguments: [("call", 0), ("never-sweeps", 100)] as [(String, Int64)])
    func whatExpiredLeavesMemory(variant: String, left: Int64) throws {
        var cluster = try ClusterSimulation("terms-cache", variant, nodes: 1)
        for key in 0..<100 {
            let put: JSONObject = ["type": "put", "key": .int(Int64(key)), "value": 1, "ttl": 10]
            #expect(cluster.ask("n1", put)?.type == "put_ok")
        }
        cluster.run(for: .seconds(6))
        #expect(cluster.ask("n1", ["type": "stats"])?["entries"] == .int(left))
    }

    @Test func aValueHasALimit() throws {
        var cluster = try ClusterSimulation("terms-cache", "call", nodes: 1)
        let text = String(repeating: "x", count: 1 << 20)
        let reply = cluster.ask("n1", ["type": "put", "key": 1, "value": .string(text)])
        #expect(reply?["code"] == 12)
    }

    @Test func aFullTableLosesWhatWasUsedLongestAgo() {
        var table = CacheTable(capacity: 16)
        for key in 0..<16 {
            table.put(.int(Int64(key)), under: .int(Int64(key)), for: nil, at: .zero)
        }
        #expect(table.get(0, at: .zero) == 0)
        table.put(16, under: 16, for: nil, at: .zero)
        #expect(table.count == 16)
        #expect(table.get(0, at: .zero) == 0 && table.get(1, at: .zero) == nil)
    }
}
