import ChaosCore
import NodeKit
import Testing

@Suite("Replicas that tell deltas")
struct DeltaReplicaTests {
    /// Three replicas that tell each other when a test says so.
    private struct Trio {
        typealias Copy = DeltaReplica<LargestValues>

        static let names = ["a", "b", "c"]
        let flaw: Copy.Flaw?
        let bufferMax: Int
        var copies: [String: Copy] = [:]
        /// Which messages get lost.
        var isLost: (Message) -> Bool = { _ in false }
        /// The bytes of all messages so far.
        var byteCount = 0

        init(_ flaw: Copy.Flaw? = nil, bufferMax: Int = 1000) {
            self.flaw = flaw
            self.bufferMax = bufferMax
            for name in Self.names { self.start(name, incarnation: 1) }
        }

        /// Begins a life without memory.
        mutating func start(_ name: String, incarnation: UInt64) {
            var copy = Copy(bufferMax: self.bufferMax, flaw: self.flaw)
            let life = NodeLife(incarnation: incarnation)
            _ = copy.start(Membership(id: name, members: Self.names, seed: 1, life: life))
            self.copies[name] = copy
        }

        mutating func write(_ key: JSONValue, _ value: Int64, on name: String) {
            self.copies[name]?.learn([key, .int(value)])
        }

        /// Lets everybody tell and answer, so many times.
        mutating func run(rounds: Int = 1) {
            for _ in 0..<rounds {
                var queue: [Message] = []
                for name in Self.names {
                    queue += Self.messages(self.copies[name]?.tell() ?? [], from: name)
                }
                while !queue.isEmpty {
                    let message = queue.removeFirst()
                    self.byteCount += message.line.utf8.count
                    if self.isLost(message) { continue }
                    let name = message.destination
                    let effects = self.copies[name]?.receive(message) ?? []
                    queue += Self.messages(effects, from: name)
                }
            }
        }

        private static func messages(_ effects: [Effect], from source: String) -> [Message] {
            effects.compactMap { effect in
                guard case .send(let to, let body) = effect else { return nil }
                return Message(from: source, to: to, body: body)
            }
        }

        /// What everybody knows of a key.
        func values(of key: JSONValue) -> [Int64?] {
            Self.names.map { self.copies[$0]?.state.values[key] }
        }
    }

    @Test func changesReachEverybodyAndAreForgotten() {
        var trio = Trio()
        trio.run()
        trio.write("x", 1, on: "a")
        trio.write("y", 2, on: "b")
        trio.run(rounds: 3)
        #expect(trio.values(of: "x") == [1, 1, 1])
        #expect(trio.values(of: "y") == [2, 2, 2])
        #expect(trio.copies.values.allSatisfy { $0.bufferCount == 0 })
        // Then there is nothing to say.
        let before = trio.byteCount
        trio.run(rounds: 3)
        #expect(trio.byteCount == before)
    }

    /// The newest part of a key stands for all changes before.
    @Test func manyChangesOfOneKeyAreOne() {
        var trio = Trio()
        for value in 0..<Int64(100) { trio.write("x", value, on: "a") }
        #expect(trio.copies["a"]?.bufferCount == 1)
    }

    /// The third message from A to B is lost.
    @Test(
        arguments: [(nil, 3), (.forgetsWhenSent, nil)]
            as [(DeltaReplica<LargestValues>.Flaw?, Int64?)])
    func whatIsLostIsToldAgain(_ flaw: DeltaReplica<LargestValues>.Flaw?, seen: Int64?) {
        var trio = Trio(flaw)
        trio.run()
        trio.isLost = { ["b", "c"].contains($0.destination) && $0.source == "a" }
        trio.write("x", 3, on: "a")
        trio.run()
        trio.isLost = { _ in false }
        trio.write("y", 1, on: "a")
        trio.run(rounds: 3)
        #expect(trio.values(of: "y") == [1, 1, 1])
        #expect(trio.values(of: "x") == [3, seen, seen])
    }

    /// C is cut off while A and B agree.
    @Test(
        arguments: [(nil, 3), (.dropsAtFirstAck, nil)]
            as [(DeltaReplica<LargestValues>.Flaw?, Int64?)])
    func aChangeIsKeptUntilAllHaveIt(_ flaw: DeltaReplica<LargestValues>.Flaw?, seen: Int64?) {
        var trio = Trio(flaw)
        trio.run()
        trio.isLost = { $0.destination == "c" || $0.source == "c" }
        trio.write("x", 3, on: "a")
        trio.run(rounds: 3)
        trio.isLost = { _ in false }
        trio.run(rounds: 3)
        #expect(trio.values(of: "x") == [3, 3, seen])
    }

    /// A peer that was away for longer than the buffer is told everything, and so is one that forgot.
    @Test func whoMissedTooMuchIsToldEverything() {
        var trio = Trio(bufferMax: 10)
        trio.run()
        trio.isLost = { $0.destination == "c" || $0.source == "c" }
        for number in 0..<Int64(50) { trio.write(.int(number), 1, on: "a") }
        trio.run(rounds: 2)
        #expect(trio.copies["a"]?.bufferCount ?? 0 <= 10)
        trio.isLost = { _ in false }
        trio.run(rounds: 2)
        #expect(trio.copies["c"]?.state.values.count == 50)
        trio.start("b", incarnation: 2)
        trio.run(rounds: 3)
        #expect(trio.copies["b"]?.state.values.count == 50)
    }

    /// With ten thousand keys one change costs a fifth of everything at most; here far less.
    @Test func aChangeCostsWhatChanged() {
        func cost(_ flaw: DeltaReplica<LargestValues>.Flaw?) -> Int {
            var trio = Trio(flaw, bufferMax: 20000)
            for number in 0..<Int64(10000) { trio.write(.int(number), 1, on: "a") }
            trio.run(rounds: 3)
            let before = trio.byteCount
            trio.write(7, 2, on: "a")
            trio.run(rounds: 3)
            return trio.byteCount - before
        }
        #expect(cost(nil) * 5 < cost(.alwaysFull))
    }
}
