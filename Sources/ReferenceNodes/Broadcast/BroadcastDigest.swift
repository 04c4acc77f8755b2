import ChaosCore

/// A short description of a set: equal sets have equal digests, and where two digests differ tells
/// in which bucket to look.
struct BroadcastDigest {
    private static let bucketCount = 64

    /// For each bucket the sum of its values' hashes, which does not depend on their order.
    private var sums = Array(repeating: UInt64(0), count: Self.bucketCount)

    /// Takes in a value that was not in the set before.
    mutating func insert(_ value: JSONValue) {
        self.sums[Self.bucket(of: value)] &+= Self.hash(value)
    }

    /// The bucket that a value belongs to, the same on every node.
    static func bucket(of value: JSONValue) -> Int {
        Int(Self.hash(value) % UInt64(Self.bucketCount))
    }

    /// The sums, as they travel.
    var json: JSONValue { .array(self.sums.map { .int(Int64(bitPattern: $0)) }) }

    /// The buckets in which another node's digest differs; all of them if it cannot be read.
    func differences(from other: JSONValue?) -> [Int] {
        let other = other?.arrayValue ?? []
        return self.sums.indices.filter { index in
            index >= other.count || other[index].intValue != Int64(bitPattern: self.sums[index])
        }
    }

    /// A hash that every node computes alike, and that spreads near numbers.
    private static func hash(_ value: JSONValue) -> UInt64 {
        Seed(0).derived(value.text).value
    }
}
