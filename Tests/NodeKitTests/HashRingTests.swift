import NodeKit
import Testing

@Suite("Consistent hashing")
struct HashRingTests {
    private let keys = (0..<10000).map { "key \($0)" }

    private func owners(_ members: [String]) -> [String] {
        let ring = HashRing(members)
        return self.keys.compactMap { ring.owners(of: $0).first }
    }

    @Test func allAgreeWhateverTheOrder() {
        let owners = self.owners(["n1", "n2", "n3"])
        #expect(owners.count == self.keys.count)
        #expect(owners == self.owners(["n3", "n1", "n2", "n1"]))
        #expect(HashRing([]).owners(of: "x").isEmpty)
        #expect(HashRing(["n1"]).owners(of: "x", count: 3) == ["n1"])
        let three = HashRing(["n1", "n2", "n3"]).owners(of: "x", count: 3)
        #expect(Set(three).count == 3)
    }

    @Test(arguments: 2...8) func theLoadIsEven(count: Int) {
        let owners = self.owners((1...count).map { "n\($0)" })
        let loads = Dictionary(owners.map { ($0, 1) }, uniquingKeysWith: +).values
        #expect(loads.count == count)
        #expect(Double(loads.max() ?? 0) / Double(loads.min() ?? 1) < 1.6)
    }

    /// The fourth member takes a quarter of the keys, and nothing else moves; of hash modulo count three quarters move.
    @Test func aMemberThatJoinsTakesKeysFromAll() {
        let before = self.owners(["n1", "n2", "n3"])
        let after = self.owners(["n1", "n2", "n3", "n4"])
        let moved = zip(before, after).filter { $0 != $1 }
        #expect(moved.allSatisfy { $0.1 == "n4" })
        #expect((2000...3000).contains(moved.count))
        // And one that leaves gives them back.
        #expect(self.owners(["n1", "n2", "n3"]) == before)
    }

    @Test func ofTwoVersionsTheLaterHolds() throws {
        let first = VersionedMembers(version: 1, members: ["n2", "n1"])
        let second = VersionedMembers(version: 2, members: ["n1"])
        let other = VersionedMembers(version: 2, members: ["n1", "n3"])
        #expect(second.supersedes(first) && !first.supersedes(second))
        #expect(other.supersedes(second) != second.supersedes(other))
        #expect(!first.supersedes(first))
        #expect(VersionedMembers(first.json) == first)
        #expect(VersionedMembers(["version": 1]) == nil)
    }
}
