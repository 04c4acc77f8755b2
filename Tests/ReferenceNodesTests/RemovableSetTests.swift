import ChaosCheckers
import ChaosCore
import NodeKit
import OrderedCollections
import Synchronization
import Testing

@testable import ReferenceNodes

/// S19: the laws of joins, and sets with removals in virtual time.
@Suite("Joins")
struct JoinLawTests {
    /// Random parts of a lattice, with few keys so that they meet.
    private func parts(_ kind: String, _ generator: inout Generator) -> [JSONValue] {
        (0..<12).map { _ in
            let number = Int64(generator.next(below: 3))
            let name: JSONValue = .string("n\(generator.next(below: 3))")
            switch kind {
            case "set": return .int(number)
            case "slots":
                return [name, .int(number), .int(Int64(generator.next(below: 3)))]
            case "writes": return [.int(number), .int(number), .int(number), name]
            default:
                // What belongs to a dot is always the same element.
                return [
                    name, 1, .int(number), .int(number), .bool(generator.next(below: 2) == 0),
                ]
            }
        }
    }

    private func joined<State: Lattice>(_ type: State.Type, _ parts: [JSONValue]) -> [JSONValue] {
        var state = State()
        for part in parts { _ = state.join(part) }
        let keys = Set(parts.compactMap { State.key(of: $0) }).sorted { $0.text < $1.text }
        return keys.compactMap { state.part(of: $0) }
    }

    private func laws<State: Lattice>(_ type: State.Type, _ kind: String, _ seed: UInt64) {
        var generator = Seed(seed).generator
        let parts = self.parts(kind, &generator)
        let once = self.joined(type, parts)
        #expect(self.joined(type, generator.shuffled(parts)) == once, "order")
        #expect(self.joined(type, parts + generator.shuffled(parts)) == once, "doubles")
        let split = generator.next(below: parts.count)
        let left = self.joined(type, Array(parts[..<split]))
        let right = self.joined(type, Array(parts[split...]))
        #expect(self.joined(type, left + right) == once, "grouping")
    }

    @Test(arguments: 1...UInt64(100))
    func areAssociativeCommutativeAndIdempotent(seed: UInt64) {
        self.laws(GrowingSet.self, "set", seed)
        self.laws(SlotCounter.self, "slots", seed)
        self.laws(LatestWrites.self, "writes", seed)
        self.laws(ObservedRemoveSet.self, "dots", seed)
    }

    /// The vector of the course: {foo: 1, bar: 2} and {bar: 1, baz: 1} are 4, however often they meet.
    @Test func countersMeet() {
        var counter = SlotCounter()
        for _ in 0..<3 {
            for part: JSONValue in [["foo", 1, 0], ["bar", 2, 0], ["bar", 1, 0], ["baz", 1, 0]] {
                _ = counter.join(part)
            }
        }
        #expect(counter.total == 4)
    }

    /// Whoever did not see an addition does not remove it.
    @Test func additionsWin() {
        var left = ObservedRemoveSet()
        var right = ObservedRemoveSet()
        let first = ObservedRemoveSet.part(["n1", 1, 1], "x", isRemoved: false)
        _ = left.join(first)
        _ = right.join(first)
        let again = ObservedRemoveSet.part(["n2", 1, 1], "x", isRemoved: false)
        let removals = left.removals(of: "x")
        _ = right.join(again)
        for part in removals + [again] { _ = left.join(part) }
        for part in removals { _ = right.join(part) }
        #expect(left.elements == ["x"] && right.elements == ["x"])
        for part in left.removals(of: "x") { _ = left.join(part) }
        #expect(left.elements.isEmpty)
    }
}

@Suite("Sets with removals in virtual time")
struct RemovableSetTests {
    private func ask(
        _ cluster: inout ClusterSimulation, _ node: String, _ body: JSONObject
    ) -> Message? {
        let id = cluster.request(node, body)
        cluster.run(for: .milliseconds(50))
        return cluster.replies[id]
    }

    /// x is everywhere; n1 removes it behind a cut, which then heals.
    @Test(arguments: [("dots", 0), ("no-tombstones", 1)])
    func aRemovalBehindACut(_ variant: String, left: Int) throws {
        var cluster = try ClusterSimulation("or-set", variant, nodes: 3)
        _ = self.ask(&cluster, "n1", ["type": "add", "element": "x"])
        cluster.run(for: .seconds(2))
        cluster.partition(["n1"], ["n2", "n3"])
        #expect(self.ask(&cluster, "n1", ["type": "remove", "element": "x"])?.type == "remove_ok")
        cluster.run(for: .seconds(1))
        cluster.heal()
        cluster.run(for: .seconds(5))
        for node in cluster.names {
            let read = self.ask(&cluster, node, ["type": "read"])
            #expect(read?["value"]?.arrayValue?.count == left, "\(node)")
        }
    }

    /// n2 hears first that x was removed, and then that it was added.
    @Test(arguments: [("deltas", 0), ("deltas-no-context", 1)])
    func aRemovalThatOvertakesItsAddition(_ variant: String, left: Int) throws {
        var cluster = try ClusterSimulation("or-set", variant, nodes: 2)
        cluster.run(for: .seconds(1))
        let addition = Mutex<Message?>(nil)
        cluster.fate = { message in
            guard message.type == "delta", message.destination == "n2" else { return nil }
            return addition.withLock { first in
                if first == nil { first = message }
                return .isLost
            }
        }
        _ = self.ask(&cluster, "n1", ["type": "add", "element": "x"])
        cluster.run(for: .milliseconds(200))
        _ = self.ask(&cluster, "n1", ["type": "remove", "element": "x"])
        cluster.fate = nil
        cluster.run(for: .seconds(1))
        cluster.deliverAgain(try #require(addition.withLock { $0 }))
        cluster.run(for: .seconds(1))
        let read = self.ask(&cluster, "n2", ["type": "read"])
        #expect(read?["value"]?.arrayValue?.count == left)
    }
}
