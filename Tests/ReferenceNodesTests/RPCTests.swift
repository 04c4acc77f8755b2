import ChaosCheckers
import ChaosCore
import NodeKit
import Synchronization
import Testing

/// S06 in virtual time: three guarantees under four faults, one call each.
@Suite("Remote procedure calls in virtual time")
struct RPCTests {
    /// Strikes the first message between nodes of a type.
    private final class Once: Sendable {
        private let isDone = Mutex(false)

        func strike(_ message: Message, _ type: String, _ fate: ClusterSimulation.Fate)
            -> ClusterSimulation.Fate?
        {
            guard message.type == type else { return nil }
            return self.isDone.withLock { isDone in
                defer { isDone = true }
                return isDone ? nil : fate
            }
        }
    }

    /// What the caller hears, and how often the server has done it.
    private func outcome(
        _ variant: String, _ type: String, _ fate: ClusterSimulation.Fate
    ) throws -> (answer: String?, count: Int64?) {
        var cluster = try ClusterSimulation("rpc", variant, nodes: 2)
        let once = Once()
        cluster.fate = { once.strike($0, type, fate) }
        let id = cluster.request("n2", ["type": "add", "delta": 1])
        cluster.run(for: .seconds(5))
        let read = cluster.request("n1", ["type": "read"])
        cluster.run(for: .seconds(1))
        return (cluster.replies[id]?.type, cluster.replies[read]?["value"]?.intValue)
    }

    @Test(arguments: [
        ("exactly-once", "add_ok", Int64(1)), ("at-least-once", "add_ok", 1),
        ("at-most-once", "error", 0), ("one-slot", "error", 0),
    ])
    func aRequestIsLost(_ variant: String, answer: String, count: Int64) throws {
        let outcome = try self.outcome(variant, "rpc", .isLost)
        #expect(outcome.answer == answer && outcome.count == count)
    }

    @Test(arguments: [
        ("exactly-once", "add_ok", Int64(1)), ("at-least-once", "add_ok", 2),
        ("at-most-once", "error", 1), ("one-slot", "error", 1),
    ])
    func anAnswerIsLost(_ variant: String, answer: String, count: Int64) throws {
        let outcome = try self.outcome(variant, "rpc_ok", .isLost)
        #expect(outcome.answer == answer && outcome.count == count)
    }

    @Test(arguments: [
        ("exactly-once", Int64(1)), ("at-least-once", 2), ("at-most-once", 2), ("one-slot", 2),
    ])
    func aRequestIsDoubled(_ variant: String, count: Int64) throws {
        let outcome = try self.outcome(variant, "rpc", .arrivesTwice)
        #expect(outcome.answer == "add_ok" && outcome.count == count)
    }

    /// The answer to the first call comes after its caller gave up, while a second one waits.
    @Test(arguments: [("at-most-once", "second"), ("one-slot", "first")])
    func anAnswerIsLate(_ variant: String, second: String) throws {
        var cluster = try ClusterSimulation("rpc", variant, nodes: 2)
        let once = Once()
        cluster.fate = { once.strike($0, "rpc_ok", .arrivesAfter(.milliseconds(501))) }
        let first = cluster.request("n2", ["type": "echo", "echo": "first"])
        cluster.run(for: .milliseconds(501))
        #expect(cluster.replies[first]?.type == "error")
        cluster.fate = { $0.type == "rpc_ok" ? .arrivesAfter(.milliseconds(100)) : nil }
        let id = cluster.request("n2", ["type": "echo", "echo": "second"])
        cluster.run(for: .seconds(1))
        #expect(cluster.replies[id]?["echo"] == .string(second))
    }

    @Test(arguments: 1...UInt64(20))
    func exactlyOnceSurvivesEverything(seed: UInt64) throws {
        var cluster = try ClusterSimulation("rpc", "exactly-once", nodes: 3, seed: seed)
        cluster.loss = Ratio(percent: 20)
        cluster.duplication = Ratio(percent: 20)
        cluster.latency = .zero...Duration.milliseconds(50)
        cluster.crashChance = Ratio(billionths: 1_000_000)
        cluster.disturb(Disturber(), for: .seconds(7))
        cluster.load(
            CounterWorkload(isGrowOnly: false), clients: 6, pause: .milliseconds(80),
            for: .seconds(8))
        cluster.run(for: .seconds(5))
        cluster.finish()
        let finding = try cluster.finding("pn-counter")
        #expect(finding.verdict == .valid, "\(finding.summary)")
    }
}
