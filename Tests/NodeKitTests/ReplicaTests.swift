import ChaosCore
import NodeKit
import Testing

/// A map whose keys keep their largest value: `[key, value]`.
struct LargestValues: Lattice {
    var values: [JSONValue: Int64] = [:]

    static func key(of part: JSONValue) -> JSONValue? { part.arrayValue?.first }

    func part(of key: JSONValue) -> JSONValue? { self.values[key].map { [key, .int($0)] } }

    mutating func join(_ part: JSONValue) -> Bool {
        guard let key = Self.key(of: part), let value = part.arrayValue?.last?.intValue,
            value > self.values[key] ?? .min
        else { return false }
        self.values[key] = value
        return true
    }
}

@Suite("Replicas")
struct ReplicaTests {
    private typealias Copy = Replica<LargestValues>

    private func copies() -> (a: Copy, b: Copy) {
        var a = Copy()
        var b = Copy()
        _ = a.start(Membership(id: "a", members: ["a", "b"], seed: 1))
        _ = b.start(Membership(id: "b", members: ["a", "b"], seed: 1))
        return (a, b)
    }

    private func messages(_ effects: [Effect], from source: String) -> [Message] {
        effects.compactMap { effect in
            guard case .send(let to, let body) = effect else { return nil }
            return Message(from: source, to: to, body: body)
        }
    }

    /// Runs a comparison that A begins, to its end; the number of messages.
    private func compare(_ a: inout Copy, _ b: inout Copy) -> Int {
        var queue = self.messages(a.compare(), from: "a")
        var count = 0
        while !queue.isEmpty {
            let message = queue.removeFirst()
            count += 1
            let effects = message.destination == "a" ? a.receive(message) : b.receive(message)
            queue += self.messages(effects, from: message.destination)
        }
        return count
    }

    @Test func oneComparisonMakesCopiesEqual() {
        var (a, b) = self.copies()
        for number in 0..<Int64(200) { _ = a.join([.int(number), .int(number)]) }
        for number in 100..<Int64(300) { _ = b.join([.int(number), 150]) }
        #expect(self.compare(&a, &b) <= 4)
        #expect(a.state.values == b.state.values)
        #expect(a.state.values.count == 300)
        #expect(a.state.values[120] == 150 && a.state.values[199] == 199)
        // Then there is nothing to say.
        #expect(self.compare(&a, &b) == 1)
    }

    @Test func newsArePassedOnOnceAndNotBack() {
        var copy = Copy()
        _ = copy.start(Membership(id: "a", members: ["a", "b", "c"], seed: 1))
        let first = copy.learn([["x", 1], ["y", 1]], from: "b")
        #expect(
            first == [.send(to: "c", ["type": "values", "values": [["x", 1], ["y", 1]]])])
        let second = copy.learn([["x", 1], ["y", 2]], from: "c")
        #expect(second == [.send(to: "b", ["type": "values", "values": [["y", 2]]])])
        #expect(copy.learn([["x", 0]], from: "c").isEmpty)
        // What is no part is left out.
        #expect(copy.learn(["nonsense", 7], from: "c").isEmpty)
    }

    @Test func theLogOfAnEarlierLifeIsJoined() {
        var copy = Copy()
        let life = NodeLife(start: 2, records: [["x", 3], ["x", 5], ["y", 1]])
        _ = copy.start(Membership(id: "a", members: ["a"], seed: 1, life: life))
        #expect(copy.state.values == ["x": 5, "y": 1])
    }

    @Test func aDigestThatCannotBeReadIsAnsweredWithEverything() {
        var (a, _) = self.copies()
        _ = a.join(["x", 1])
        let strange = Message(from: "b", to: "a", body: ["type": "digest", "buckets": "?"])
        let answers = self.messages(a.receive(strange), from: "a")
        #expect(answers.map { $0["values"] } == [[["x", 1]]])
        #expect(answers[0]["buckets"]?.arrayValue?.count == 64)
    }
}
