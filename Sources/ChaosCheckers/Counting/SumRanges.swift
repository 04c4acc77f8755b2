/// All sums that some subset of numbers may have, as ranges of whole numbers.
///
/// Exact while the ranges are few; beyond that neighbouring ranges are joined, so that a sum that is outside is
/// impossible for certain.
struct SumRanges {
    private(set) var ranges: [ClosedRange<Int64>]
    private static let most = 4_096

    /// Starts with one sum.
    init(_ sum: Int64) { self.ranges = [sum...sum] }

    /// Lets a number be added or not.
    mutating func mayAdd(_ number: Int64) {
        if number == 0 { return }
        let moved = self.ranges.map { ($0.lowerBound &+ number)...($0.upperBound &+ number) }
        let all = (self.ranges + moved).sorted { $0.lowerBound < $1.lowerBound }
        var joined: [ClosedRange<Int64>] = []
        for range in all {
            if let last = joined.last, range.lowerBound <= last.upperBound + 1 {
                joined[joined.count - 1] =
                    last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                joined.append(range)
            }
        }
        while joined.count > Self.most {
            joined = stride(from: 0, to: joined.count, by: 2).map { index in
                joined[index].lowerBound...joined[min(index + 1, joined.count - 1)].upperBound
            }
        }
        self.ranges = joined
    }

    func contains(_ sum: Int64) -> Bool { self.ranges.contains { $0.contains(sum) } }

    /// `5`, `5..9`, `0..3, 7`.
    var text: String {
        let texts = self.ranges.prefix(8).map { range in
            range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)..\(range.upperBound)"
        }
        return texts.joined(separator: ", ") + (self.ranges.count > 8 ? ", …" : "")
    }
}
