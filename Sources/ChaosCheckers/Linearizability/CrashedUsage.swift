/// Numbers for which crashed operations a configuration has let take effect.
///
/// Only how many of each class counts, as they are alike. A configuration that used fewer of each can do
/// whatever one that used more can, since crashed operations need not happen at all.
struct CrashedUsage {
    /// The classes used with their counts, by class.
    private var usages: [[(number: Int32, count: Int32)]] = [[]]
    private var successors: [UInt64: Int32] = [:]
    private var numbers: [[Int32]: Int32] = [[]: 0]

    /// The usage of none.
    static let none: Int32 = 0

    /// How many of a class a usage has used.
    func count(_ usage: Int32, of number: Int) -> Int {
        let entry = self.usages[Int(usage)].first { Int($0.number) == number }
        return Int(entry?.count ?? 0)
    }

    /// The usage with one more of a class.
    mutating func adding(_ number: Int, to usage: Int32) -> Int32 {
        let key = UInt64(UInt32(usage)) << 32 | UInt64(number)
        if let known = self.successors[key] { return known }
        var entries = self.usages[Int(usage)]
        if let index = entries.firstIndex(where: { $0.number >= Int32(number) }) {
            if entries[index].number == Int32(number) {
                entries[index].count += 1
            } else {
                entries.insert((Int32(number), 1), at: index)
            }
        } else {
            entries.append((Int32(number), 1))
        }
        let flat = entries.flatMap { [$0.number, $0.count] }
        let next = self.numbers[flat] ?? Int32(self.usages.count)
        if Int(next) == self.usages.count {
            self.usages.append(entries)
            self.numbers[flat] = next
        }
        self.successors[key] = next
        return next
    }

    /// Whether the first usage used no more of any class than the second.
    func isWithin(_ first: Int32, _ second: Int32) -> Bool {
        if first == second || first == Self.none { return true }
        let second = self.usages[Int(second)]
        var index = 0
        for entry in self.usages[Int(first)] {
            while index < second.count && second[index].number < entry.number { index += 1 }
            guard index < second.count, second[index].number == entry.number,
                second[index].count >= entry.count
            else { return false }
        }
        return true
    }
}
