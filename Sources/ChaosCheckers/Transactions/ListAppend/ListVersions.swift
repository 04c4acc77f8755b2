import ChaosCore

/// What is known about the versions of every key of a list-append history: who appended what, and in which order.
///
/// A list shows its whole past, so the longest read of a key gives the order of its versions, and every other read must be a
/// beginning of it (Kingsbury and Alvaro: Elle, VLDB 2020, section 4). Linear in the size of the history.
struct ListVersions {
    /// A value that some transaction tried to append.
    struct Element {
        let key: Int
        let value: JSONValue
        let transaction: Int
        /// Whether the same transaction appended more to the key afterwards.
        var isIntermediate = false
        /// Its position in the order of the key's versions; -1 when no read showed it.
        var position = -1
    }

    /// A read of an ok transaction.
    struct Read {
        let transaction: Int
        let key: Int
        let values: [JSONValue]
        /// Whether its transaction had not appended to the key before.
        let isExternal: Bool
        /// Whether it is a beginning of the key's order, as it must be.
        var isCompatible = true
    }

    private(set) var elements: [Element] = []
    private(set) var reads: [Read] = []
    /// For each key the elements in order, as far as all reads agree; -1 stands for a value nobody appended.
    private(set) var orders: [[Int32]] = []
    /// For each key the elements that no read showed.
    private(set) var unobserved: [[Int32]] = []
    private(set) var anomalies: [TransactionAnomaly] = []
    /// Keys whose versions cannot be told apart, because a value was appended twice.
    private(set) var ambiguousKeys: Set<Int> = []

    private var numbers: [[JSONValue: Int32]]

    init(_ history: TransactionHistory) {
        self.numbers = Array(repeating: [:], count: history.keys.count)
        self.collect(history)
        self.orderVersions(history)
        self.unobserved = Array(repeating: [], count: history.keys.count)
        for (number, element) in self.elements.enumerated() where element.position < 0 {
            self.unobserved[element.key].append(Int32(number))
        }
    }

    /// The number of a value of a key; `nil` when nobody tried to append it.
    func number(of value: JSONValue, key: Int) -> Int32? { self.numbers[key][value] }

    private mutating func collect(_ history: TransactionHistory) {
        for (position, transaction) in history.transactions.enumerated() {
            // The last element that this transaction appended to a key.
            var last: [(key: Int, element: Int)] = []
            for step in transaction.steps {
                let entry = last.firstIndex { $0.key == step.key }
                if step.kind == .read {
                    guard transaction.isOk else { continue }
                    let values: [JSONValue]
                    switch step.value {
                    case .array(let list): values = list
                    case .null: values = []
                    default:
                        self.anomalies.append(
                            TransactionAnomaly(
                                name: "wrong-reply",
                                lines: [
                                    "a read must be a list: \(history.text(of: position))"
                                ]))
                        continue
                    }
                    self.reads.append(
                        Read(
                            transaction: position, key: step.key, values: values,
                            isExternal: entry == nil))
                    continue
                }
                let number = self.elements.count
                self.elements.append(
                    Element(key: step.key, value: step.value, transaction: position))
                if let entry {
                    self.elements[last[entry].element].isIntermediate = true
                    last[entry].element = number
                } else {
                    last.append((step.key, number))
                }
                if self.numbers[step.key].updateValue(Int32(number), forKey: step.value) != nil {
                    self.ambiguousKeys.insert(step.key)
                }
            }
        }
    }

    private mutating func orderVersions(_ history: TransactionHistory) {
        var longest: [Int] = Array(repeating: -1, count: history.keys.count)
        for (position, read) in self.reads.enumerated() {
            let best = longest[read.key]
            if best < 0 || self.reads[best].values.count < read.values.count {
                longest[read.key] = position
            }
        }
        // How much of the longest read no other read contradicts.
        var trusted = longest.map { $0 < 0 ? 0 : self.reads[$0].values.count }
        var told: Set<Int> = []
        for position in self.reads.indices {
            let read = self.reads[position]
            let other = self.reads[longest[read.key]]
            guard
                let difference = zip(read.values, other.values).enumerated()
                    .first(where: { $0.element.0 != $0.element.1 })?.offset
            else { continue }
            self.reads[position].isCompatible = false
            trusted[read.key] = min(trusted[read.key], difference)
            if told.insert(read.key).inserted {
                self.anomalies.append(Self.incompatible(read, other, history))
            }
        }
        self.orders = Array(repeating: [], count: history.keys.count)
        for (key, position) in longest.enumerated() where position >= 0 {
            self.order(key, self.reads[position], upTo: trusted[key])
        }
        self.findOddReads(longest, history)
    }

    private mutating func order(_ key: Int, _ read: Read, upTo count: Int) {
        if self.ambiguousKeys.contains(key) { return }
        for (position, value) in read.values.enumerated() {
            guard let number = self.numbers[key][value] else {
                if position < count { self.orders[key].append(-1) }
                continue
            }
            if position >= count || self.elements[Int(number)].position >= 0 {
                // Seen, though not at a place of its own.
                if self.elements[Int(number)].position < 0 {
                    self.elements[Int(number)].position = Int.max
                }
                if position < count { self.orders[key].append(-1) }
                continue
            }
            self.elements[Int(number)].position = position
            self.orders[key].append(number)
        }
    }

    private static func incompatible(
        _ read: Read, _ other: Read, _ history: TransactionHistory
    ) -> TransactionAnomaly {
        TransactionAnomaly(
            name: "incompatible-order",
            lines: [
                "of \(history.name(read.key)): neither \(TransactionHistory.text(.array(read.values)))"
                    + " nor \(TransactionHistory.text(.array(other.values))) is a beginning of the other",
                history.text(of: read.transaction), history.text(of: other.transaction),
            ])
    }

    /// Finds reads that show a value twice, or one that nobody appended. What is a beginning of a longer read is judged
    /// with it.
    private mutating func findOddReads(_ longest: [Int], _ history: TransactionHistory) {
        for (position, read) in self.reads.enumerated()
        where position == longest[read.key] || !read.isCompatible {
            var seen: Set<JSONValue> = []
            if let double = read.values.first(where: { !seen.insert($0).inserted }) {
                self.anomalies.append(
                    TransactionAnomaly(
                        name: "duplicate-elements",
                        lines: [
                            "\(TransactionHistory.text(double)) is more than once in \(history.name(read.key)):"
                                + " \(history.text(of: read.transaction))"
                        ]))
            }
            let numbers = self.numbers[read.key]
            if let garbage = read.values.first(where: { numbers[$0] == nil }) {
                self.anomalies.append(
                    TransactionAnomaly(
                        name: "garbage-read",
                        lines: [
                            "nobody appended \(TransactionHistory.text(garbage)) to \(history.name(read.key)):"
                                + " \(history.text(of: read.transaction))"
                        ]))
            }
        }
    }
}
