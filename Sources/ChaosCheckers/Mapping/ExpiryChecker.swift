import ChaosCore

/// Judges a cache whose entries live for a given time.
///
/// Operations as in ``KeyedOperation``. An entry is stored at some moment between the call and the return of its `put`, so it expires
/// between call + lifetime and return + lifetime.
/// - **late-hit**: a read that began after the latest moment of expiry, and ``slop``, shows the entry.
/// - **early-miss**: a read that ended before the earliest moment of expiry, less ``slop``, shows nothing, although the entry was
///   acknowledged before it began, and nobody deleted it.
/// - **stale-hit**: an older entry is shown after a newer one was acknowledged. **invented**: a value that nobody put.
///
/// For each key time is the number of its reads times that of its writes.
package struct ExpiryChecker: Checker {
    /// How late an entry may vanish, or how early.
    package let slop: Duration
    /// Whether entries may vanish at any time, because room is made for others.
    package let mayEvict: Bool

    package init(slop: Duration = .milliseconds(50), mayEvict: Bool = false) {
        self.slop = slop
        self.mayEvict = mayEvict
    }

    package var name: String { "ttl" }

    package func check(_ history: History) -> Finding {
        let operations: [KeyedOperation]
        do {
            operations = try KeyedOperation.all(history)
        } catch {
            return Finding(checker: self.name, verdict: .unknown, summary: error.sentence)
        }
        var byKey: [JSONValue: [KeyedOperation]] = [:]
        for operation in operations { byKey[operation.key, default: []].append(operation) }
        var found: [(name: String, line: String)] = []
        var hits = 0
        var misses = 0
        for read in operations where read.kind == .read {
            let others = (byKey[read.key] ?? []).filter {
                $0.kind != .read && $0.invocation.outcome != .fail && $0.begin <= read.end
            }
            if read.value == .null {
                misses += 1
                if !self.mayEvict { found += self.judgeMiss(read, others) }
            } else {
                hits += 1
                found += self.judgeHit(read, others)
            }
        }
        return Finding(
            checker: self.name, found: found,
            gap: hits + misses == 0 ? "no read was answered" : nil,
            praise:
                "\(counted(hits, "hit")) and \(misses) misses within \(self.slop.text) of the lifetimes",
            statistics: ["hit_count": .int(Int64(hits)), "miss_count": .int(Int64(misses))])
    }

    /// Whether something else certainly came between a write and a read.
    private func isSuperseded(
        _ write: KeyedOperation, before read: KeyedOperation, _ others: [KeyedOperation]
    ) -> Bool {
        others.contains { $0.begin > write.end && $0.end < read.begin }
    }

    private func judgeHit(
        _ read: KeyedOperation, _ others: [KeyedOperation]
    ) -> [(name: String, line: String)] {
        let writes = others.filter { $0.kind == .write && $0.value == read.value }
        let what = "\(read.key.text) = \(read.value.text) for \(read.invocation.place)"
        if writes.isEmpty { return [("invented", "\(what), which nobody had put")] }
        let current = writes.filter { !self.isSuperseded($0, before: read, others) }
        if current.isEmpty { return [("stale-hit", "\(what), after it had been replaced")] }
        let expiry = current.map { write in
            write.lifetime.map { write.end + $0 + self.slop } ?? .never
        }.max()
        if let expiry, expiry < read.begin {
            return [
                ("late-hit", "\(what), \((read.begin - expiry + self.slop).text) after it expired")
            ]
        }
        return []
    }

    private func judgeMiss(
        _ read: KeyedOperation, _ others: [KeyedOperation]
    ) -> [(name: String, line: String)] {
        // Some write must have been there for certain, and none that may be current may have expired or be a
        // deletion.
        let current = others.filter { !self.isSuperseded($0, before: read, others) }
        guard let write = current.last(where: { $0.kind == .write && $0.end < read.begin }) else {
            return []
        }
        let mayBeGone = current.contains { other in
            if other.kind == .delete { return true }
            guard let lifetime = other.lifetime else { return false }
            return other.begin + lifetime - self.slop <= read.end
        }
        if mayBeGone { return [] }
        let lifetime = write.lifetime.map { "for \($0.text)" } ?? "for ever"
        return [
            (
                "early-miss",
                "\(read.key.text) was missing for \(read.invocation.place), though \(write.value.text) had been put"
                    + " \(lifetime) at \(moment(write.begin))"
            )
        ]
    }
}
