import ChaosCore

/// The order of each log, pieced together from every offset that anybody was told.
struct LogVersions {
    /// One log.
    struct Log {
        /// The offsets that are known, growing, each with the first value told for it.
        var order: [(offset: Int64, value: JSONValue)] = []
        /// The position of each value in that order, at its first offset.
        var positions: [JSONValue: Int] = [:]
        /// Offsets for which more than one value was told.
        var conflicts: [(offset: Int64, values: [JSONValue])] = []
        /// Values that stand at more than one offset.
        var doubles: [(value: JSONValue, offsets: [Int64])] = []
    }

    private(set) var logs: [Log]

    init(_ history: LogHistory) {
        var told: [[Int64: [JSONValue]]] = Array(repeating: [:], count: history.keys.count)
        func note(_ key: Int, _ offset: Int64, _ value: JSONValue) {
            if told[key][offset]?.contains(value) != true {
                told[key][offset, default: []].append(value)
            }
        }
        for send in history.sends {
            if let offset = send.offset { note(send.key, offset, send.value) }
        }
        for poll in history.polls {
            for record in poll.records { note(poll.key, record.offset, record.value) }
        }
        self.logs = told.map { offsets in
            var log = Log()
            var places: [JSONValue: [Int64]] = [:]
            var order: [JSONValue] = []
            for (offset, values) in offsets.sorted(by: { $0.key < $1.key }) {
                if values.count > 1 { log.conflicts.append((offset, values)) }
                for value in values {
                    if log.positions[value] == nil {
                        log.positions[value] = log.order.count
                        order.append(value)
                    }
                    places[value, default: []].append(offset)
                }
                if let first = values.first { log.order.append((offset, first)) }
            }
            for value in order {
                if let offsets = places[value], offsets.count > 1 {
                    log.doubles.append((value, offsets))
                }
            }
            return log
        }
    }

    /// The position of a record in its log: by its offset, which is always known.
    func position(of offset: Int64, key: Int) -> Int {
        let order = self.logs[key].order
        var low = 0
        var high = order.count
        while low < high {
            let middle = (low + high) / 2
            if order[middle].offset < offset { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
