import ChaosCore
import Testing

@testable import NodeKit
@testable import ReferenceNodes

/// Processes on other nodes, in virtual time.
@Suite("Remote processes")
struct RemoteProcessesTests {
    private func cluster(_ variant: String = "monitored") throws -> ClusterSimulation {
        var cluster = try ClusterSimulation("remote-processes", variant, nodes: 3)
        // As over one connection, nothing overtakes anything.
        cluster.latency = .milliseconds(1)...(.milliseconds(1))
        cluster.run(for: .seconds(2))
        return cluster
    }

    private func ask(
        _ cluster: inout ClusterSimulation, _ node: String, _ body: JSONObject,
        for time: Duration = .milliseconds(100)
    ) -> Message? {
        let id = cluster.request(node, body)
        cluster.run(for: time)
        return cluster.replies[id]
    }

    private func spawn(
        _ cluster: inout ClusterSimulation, on node: String, _ more: JSONObject = [:]
    ) throws -> String {
        var body: JSONObject = ["type": "spawn", "node": .string(node)]
        for member in more.members { body[member.key] = member.value }
        return try #require(self.ask(&cluster, "n1", body)?["pid"]?.stringValue)
    }

    private func reasons(_ cluster: inout ClusterSimulation, _ node: String) -> [String] {
        self.ask(&cluster, node, ["type": "downs"])?["downs"]?.arrayValue?
            .compactMap { $0["reason"]?.stringValue } ?? []
    }

    private func epochs(_ cluster: inout ClusterSimulation) -> [Int64?] {
        ["n1", "n2", "n3"].map { node in
            self.ask(&cluster, node, ["type": "service"])?["epoch"]?.intValue
        }
    }

    @Test(arguments: ["monitored", "looks-first", "uncounted", "respawns"])
    func aMonitorIsToldOnceAndWhy(variant: String) throws {
        var cluster = try self.cluster(variant)
        for reason in ["killed", "normal", "crash: a bug"] {
            let pid = try self.spawn(&cluster, on: "n2")
            #expect(pid.hasPrefix("<n2."))
            for node in ["n1", "n2", "n3"] {
                _ = self.ask(&cluster, node, ["type": "monitor", "pid": .string(pid)])
            }
            let exit: JSONObject = [
                "type": "exit", "pid": .string(pid), "reason": .string(reason),
            ]
            #expect(self.ask(&cluster, "n3", exit)?.type == "exit_ok")
            #expect(self.ask(&cluster, "n3", exit)?["code"] == 20)
            // There is nobody any more.
            _ = self.ask(&cluster, "n1", ["type": "monitor", "pid": .string(pid)])
        }
        for node in ["n2", "n3"] {
            #expect(self.reasons(&cluster, node) == ["killed", "normal", "crash: a bug"])
        }
        #expect(
            self.reasons(&cluster, "n1")
                == ["killed", "noproc", "normal", "noproc", "crash: a bug", "noproc"])
        #expect(self.epochs(&cluster) == [1, nil, nil])
    }

    /// What OTP's `Process.list` shows of another node, and where somebody starts who may run anywhere.
    @Test func processesAreListedAndSpread() throws {
        var cluster = try self.cluster()
        func list(_ node: String) -> [String]? {
            self.ask(&cluster, "n1", ["type": "list", "node": .string(node)])?["processes"]?
                .arrayValue?.compactMap(\.stringValue)
        }
        #expect(list("n2") == [])
        let first = try self.spawn(&cluster, on: "n2")
        let second = try self.spawn(&cluster, on: "n2")
        #expect(list("n2") == [first, second])
        #expect(self.ask(&cluster, "n2", ["type": "list"])?["processes"]?.arrayValue?.count == 2)
        var placed: [String] = []
        for _ in 0..<7 {
            let pid = try self.spawn(&cluster, on: "any")
            placed.append(String(pid.dropFirst().prefix(2)))
        }
        #expect(placed == ["n1", "n3", "n1", "n3", "n1", "n2", "n3"])
        let exit: JSONObject = ["type": "exit", "pid": .string(first), "reason": "normal"]
        _ = self.ask(&cluster, "n1", exit)
        #expect(list("n2")?.contains(first) == false)
        #expect(try self.spawn(&cluster, on: "any").hasPrefix("<n2."))
        // Who cannot be heard gets none.
        cluster.kill("n2")
        cluster.run(for: .seconds(2))
        for _ in 0..<4 { #expect(try !self.spawn(&cluster, on: "any").hasPrefix("<n2.")) }
    }

    @Test func whoEndsBetweenTwoMessagesIsMissedByThoseWhoNeedTwo() throws {
        for (variant, told) in [("monitored", ["noproc"]), ("looks-first", [])] {
            var cluster = try self.cluster(variant)
            let pid = try self.spawn(&cluster, on: "n2")
            cluster.latency = .milliseconds(100)...(.milliseconds(100))
            _ = cluster.request("n1", ["type": "monitor", "pid": .string(pid)])
            cluster.run(for: .milliseconds(variant == "monitored" ? 50 : 150))
            cluster.latency = .milliseconds(1)...(.milliseconds(1))
            _ = cluster.request(
                "n2", ["type": "exit", "pid": .string(pid), "reason": "killed"])
            cluster.run(for: .seconds(3))
            #expect(self.reasons(&cluster, "n1") == told, "\(variant)")
        }
    }

    @Test func aNodeThatCannotBeHeardIsToldOnce() throws {
        var cluster = try self.cluster()
        let pid = try self.spawn(&cluster, on: "n2")
        _ = self.ask(&cluster, "n1", ["type": "monitor", "pid": .string(pid)])
        cluster.partition(["n1"], ["n2", "n3"])
        cluster.run(for: .seconds(2))
        #expect(self.reasons(&cluster, "n1") == ["noconnection"])
        cluster.heal()
        cluster.run(for: .seconds(2))
        let exit: JSONObject = ["type": "exit", "pid": .string(pid), "reason": "killed"]
        #expect(self.ask(&cluster, "n1", exit)?.type == "exit_ok")
        cluster.run(for: .seconds(2))
        #expect(self.reasons(&cluster, "n1") == ["noconnection"])
    }

    @Test func theServiceMovesAwayFromADeadNode() throws {
        var cluster = try self.cluster()
        #expect(self.epochs(&cluster) == [1, nil, nil])
        cluster.kill("n1")
        cluster.run(for: .seconds(3))
        #expect(self.epochs(&cluster) == [nil, 2, nil])
        cluster.restart("n1")
        cluster.run(for: .seconds(3))
        #expect(self.epochs(&cluster) == [nil, 2, nil])
    }

    @Test func afterAHealOneInstanceIsLeft() throws {
        for (variant, count) in [("monitored", 1), ("respawns", 2)] {
            var cluster = try self.cluster(variant)
            cluster.partition(["n1"], ["n2", "n3"])
            cluster.run(for: .seconds(3))
            #expect(self.epochs(&cluster) == [1, 2, nil])
            cluster.heal()
            cluster.run(for: .seconds(3))
            #expect(self.epochs(&cluster).compactMap { $0 }.count == count, "\(variant)")
        }
    }

    /// Of three nodes two do not hear each other, and both hear the third one: it tells them that all is well.
    @Test func aCutBetweenTwoOfThreeMovesNothing() throws {
        var cluster = try self.cluster()
        cluster.partition(["n1"], ["n2"])
        cluster.run(for: .seconds(5))
        #expect(self.epochs(&cluster) == [1, nil, nil])
    }
}
