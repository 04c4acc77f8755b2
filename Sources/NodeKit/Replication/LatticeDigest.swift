/// A short description of a replica's parts: equal states have equal digests, and where two digests
/// differ tells in which bucket to look.
struct LatticeDigest: Sendable {
    private static let bucketCount = 64

    /// For each bucket the sum of its parts' hashes, which does not depend on their order.
    private var sums = Array(repeating: UInt64(0), count: Self.bucketCount)
    /// The keys of each bucket, in the order in which they came.
    private var keys = Array(repeating: [JSONValue](), count: Self.bucketCount)

    /// Takes note that the part of a key is another one now.
    mutating func replace(_ old: JSONValue?, by new: JSONValue, of key: JSONValue) {
        let bucket = Int(Self.hash(key) % UInt64(Self.bucketCount))
        if let old {
            self.sums[bucket] &-= Self.hash(old)
        } else {
            self.keys[bucket].append(key)
        }
        self.sums[bucket] &+= Self.hash(new)
    }

    /// The numbers of all buckets.
    var buckets: Range<Int> { self.sums.indices }

    /// The keys of some buckets; numbers that are none have none.
    func keys(in buckets: [Int]) -> [JSONValue] {
        buckets.flatMap { self.keys.indices.contains($0) ? self.keys[$0] : [] }
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
