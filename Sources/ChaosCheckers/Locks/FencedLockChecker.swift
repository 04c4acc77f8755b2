import ChaosCore

/// Judges a lock whose holders get a growing token, and the resource that the token protects.
///
/// Operations: `acquire` (completion: the token, or `{token}`), `release`, and `write` on the resource (`{token, …}` or `[token, …]`).
/// - **two-holders**: two processes certainly held the lock at one moment. A holder holds it from the return of `acquire` until it calls
///   `release`, and no longer than ``lease`` after it called `acquire`.
/// - **token-not-grown**: a lock acquired later has no larger token.
/// - **stale-write**: the resource accepted a token after it had accepted a larger one.
///
/// Time is n·log n.
package struct FencedLockChecker: Checker {
    /// How long a lock is held at most without being renewed; `nil` is until it is released.
    package let lease: Duration?
    /// Whether there may be one holder at a time only; if not, every side of a partition may have one, and it is
    /// the resource that must know the newer one.
    package let isExclusive: Bool

    package init(lease: Duration? = nil, isExclusive: Bool = true) {
        self.lease = lease
        self.isExclusive = isExclusive
    }

    package var name: String { "fenced-lock" }

    private struct Hold {
        let invocation: Invocation
        let token: Int64?
        /// From when to when it certainly lasted.
        let begin: Instant
        var end: Instant
    }

    package func check(_ history: History) -> Finding {
        var holds: [Hold] = []
        var current: [Int: Int] = [:]
        var writes: [(token: Int64, invocation: Invocation)] = []
        for invocation in history.invocations {
            let process = invocation.begin.process
            let isOk = invocation.outcome == .ok
            switch invocation.begin.function {
            case "acquire", "lock":
                guard isOk, let end = invocation.end else { continue }
                let limit = self.lease.map { invocation.begin.time + $0 } ?? .never
                current[process] = holds.count
                holds.append(
                    Hold(
                        invocation: invocation, token: Self.token(end.value), begin: end.time,
                        end: limit))
            case "release", "unlock":
                guard let hold = current.removeValue(forKey: process) else { continue }
                holds[hold].end = min(holds[hold].end, invocation.begin.time)
            case "write":
                if isOk, let token = Self.token(invocation.begin.value) {
                    writes.append((token, invocation))
                }
            default: continue
            }
        }
        // Whoever was never heard of again may have stopped.
        if self.lease == nil {
            var last: [Int: Instant] = [:]
            for operation in history.operations { last[operation.process] = operation.time }
            for (process, hold) in current {
                holds[hold].end = min(holds[hold].end, last[process] ?? .never)
            }
        }
        let found =
            (self.isExclusive ? self.overlaps(holds) + self.tokens(holds) : [])
            + self.staleWrites(writes)
        return Finding(
            checker: self.name, found: found,
            gap: holds.isEmpty
                ? "the lock was never acquired"
                : !self.isExclusive && writes.isEmpty ? "nothing was written" : nil,
            praise: counted(holds.count, "holder") + (self.isExclusive ? ", one at a time" : "")
                + (writes.isEmpty
                    ? "" : ", and \(counted(writes.count, "write")) in order of tokens"),
            statistics: [
                "hold_count": .int(Int64(holds.count)), "write_count": .int(Int64(writes.count)),
            ])
    }

    private static func token(_ value: JSONValue) -> Int64? {
        value.intValue ?? value["token"]?.intValue ?? value.arrayValue?.first?.intValue
    }

    private func overlaps(_ holds: [Hold]) -> [(name: String, line: String)] {
        var found: [(name: String, line: String)] = []
        var longest: Hold?
        for hold in holds.sorted(by: { $0.begin < $1.begin }) where hold.end >= hold.begin {
            if let longest, longest.end > hold.begin,
                longest.invocation.begin.process != hold.invocation.begin.process
            {
                found.append(
                    (
                        "two-holders",
                        "\(hold.invocation.place) while \(longest.invocation.place) still held it"
                    ))
            }
            if hold.end > longest?.end ?? .start { longest = hold }
        }
        return found
    }

    private func tokens(_ holds: [Hold]) -> [(name: String, line: String)] {
        // In order of their calls, each against the largest token that had been given out by then.
        let calls = holds.filter { $0.token != nil }.sorted {
            $0.invocation.begin.index < $1.invocation.begin.index
        }
        let grants = calls.sorted {
            $0.invocation.end?.index ?? 0 < $1.invocation.end?.index ?? 0
        }
        var found: [(name: String, line: String)] = []
        var next = 0
        var largest: Hold?
        for hold in calls {
            while next < grants.count,
                grants[next].invocation.end?.index ?? 0 < hold.invocation.begin.index
            {
                if grants[next].token ?? 0 > largest?.token ?? .min { largest = grants[next] }
                next += 1
            }
            guard let largest, let token = hold.token, let before = largest.token, token <= before
            else { continue }
            found.append(
                (
                    "token-not-grown",
                    "\(hold.invocation.place) got \(token) after \(largest.invocation.place) had got \(before)"
                ))
        }
        return found
    }

    private func staleWrites(
        _ writes: [(token: Int64, invocation: Invocation)]
    ) -> [(name: String, line: String)] {
        let calls = writes.sorted { $0.invocation.begin.index < $1.invocation.begin.index }
        let ends = writes.sorted {
            $0.invocation.end?.index ?? 0 < $1.invocation.end?.index ?? 0
        }
        var found: [(name: String, line: String)] = []
        var next = 0
        var largest: (token: Int64, invocation: Invocation)?
        for write in calls {
            while next < ends.count,
                ends[next].invocation.end?.index ?? 0 < write.invocation.begin.index
            {
                if ends[next].token > largest?.token ?? .min { largest = ends[next] }
                next += 1
            }
            guard let largest, write.token < largest.token else { continue }
            found.append(
                (
                    "stale-write",
                    "token \(write.token) was accepted from \(write.invocation.place) after \(largest.token)"
                        + " from \(largest.invocation.place)"
                ))
        }
        return found
    }
}
