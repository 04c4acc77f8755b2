import ChaosCore

/// Judges a map whose keys are written once, such as that of a link shortener.
///
/// Operations as in ``KeyedOperation``; the reads at the end ask every node for every acknowledged key.
/// - **two-values**: reads show two values for one key, or two writes of different values to it were acknowledged.
/// - **invented**: a value is read that nobody tried to write. **failed-write-visible**: one whose every write had failed.
/// - **lost**: acknowledged, and a final read that began afterwards does not show it, or shows something else.
/// - **stale**: any other read that began so much later, where ``visibleWithin`` says how much.
///
/// Linear in the history.
package struct WriteOnceChecker: Checker {
    /// How long after its acknowledgement a key must be visible everywhere: at once for zero, and in the end for `nil`.
    package let visibleWithin: Duration?

    package init(visibleWithin: Duration? = nil) { self.visibleWithin = visibleWithin }

    package var name: String { "write-once" }

    package func check(_ history: History) -> Finding {
        let operations: [KeyedOperation]
        do {
            operations = try KeyedOperation.all(history)
        } catch {
            return Finding(checker: self.name, verdict: .unknown, summary: error.sentence)
        }
        var byKey: [JSONValue: [KeyedOperation]] = [:]
        var keys: [JSONValue] = []
        // Writes that never learned their key may have written any.
        var unnamed: [JSONValue: [KeyedOperation]] = [:]
        for write in operations where write.kind == .write && write.key == .null {
            unnamed[write.value, default: []].append(write)
        }
        for operation in operations where operation.key != .null {
            if byKey[operation.key] == nil { keys.append(operation.key) }
            byKey[operation.key, default: []].append(operation)
        }
        var found: [(name: String, line: String)] = []
        var acknowledged = 0
        var unread = 0
        for key in keys {
            let operations = byKey[key] ?? []
            found += self.anomalies(of: key, operations, unnamed)
            let isAcknowledged = operations.contains {
                $0.kind == .write && $0.invocation.outcome == .ok
            }
            if !isAcknowledged { continue }
            acknowledged += 1
            if !operations.contains(where: { $0.kind == .read && $0.invocation.begin.isFinal }) {
                unread += 1
            }
        }
        return Finding(
            checker: self.name, found: found,
            gap: acknowledged == 0
                ? "no write was acknowledged"
                : unread == 0
                    ? nil : "\(counted(unread, "acknowledged key")) never read at the end",
            praise: "\(counted(acknowledged, "key")) resolve to what was acknowledged",
            statistics: [
                "key_count": .int(Int64(keys.count)),
                "acknowledged_count": .int(Int64(acknowledged)),
                "unread_count": .int(Int64(unread)),
            ])
    }

    private func anomalies(
        of key: JSONValue, _ operations: [KeyedOperation], _ unnamed: [JSONValue: [KeyedOperation]]
    ) -> [(name: String, line: String)] {
        var found: [(name: String, line: String)] = []
        let writes = operations.filter { $0.kind == .write }
        let reads = operations.filter { $0.kind == .read }
        let acknowledged = writes.filter { $0.invocation.outcome == .ok }
        var values: [JSONValue] = []
        for operation in acknowledged + reads where operation.value != .null {
            if !values.contains(operation.value) { values.append(operation.value) }
        }
        if values.count > 1 {
            let texts = values.map(\.text).joined(separator: ", ")
            found.append(("two-values", "\(key.text) was told to be \(texts)"))
        }
        for value in values {
            let attempts = writes.filter { $0.value == value } + (unnamed[value] ?? [])
            let reader = reads.first { $0.value == value }
            guard let reader else { continue }
            if !attempts.contains(where: {
                $0.invocation.begin.index < reader.invocation.end?.index ?? .max
            }) {
                found.append(
                    (
                        "invented",
                        "\(key.text) was read as \(value.text) by \(reader.invocation.place), which nobody had tried to write"
                    ))
            } else if attempts.allSatisfy({ $0.invocation.outcome == .fail }) {
                found.append(
                    (
                        "failed-write-visible",
                        "\(key.text) was read as \(value.text) by \(reader.invocation.place), though every write of it failed"
                    ))
            }
        }
        guard let first = acknowledged.min(by: { $0.end < $1.end }), let end = first.invocation.end
        else { return found }
        for read in reads where read.invocation.begin.index > end.index && read.value != first.value
        {
            let isLate = self.visibleWithin.map { read.begin >= first.end + $0 } ?? false
            guard read.invocation.begin.isFinal || isLate else { continue }
            found.append(
                (
                    read.invocation.begin.isFinal ? "lost" : "stale",
                    "\(key.text) = \(first.value.text), acknowledged to \(first.invocation.place), was"
                        + " \(read.value == .null ? "missing" : read.value.text) for \(read.invocation.place)"
                ))
        }
        return found
    }
}
