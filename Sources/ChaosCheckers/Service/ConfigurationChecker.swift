import ChaosCore

/// Judges a setting that is changed while nodes go by it: all of them come to the latest version, and none goes back.
///
/// Operations: `configure` (completion: `{version}`) and `read` (completion: `{version, value}`, what the node goes by); a version
/// is `[number, node]`, and the one with the greater number, then the greater name, is the later one. The last reads of each node are
/// marked as final.
/// - **stale-configuration**: a final read shows a version older than one that was acknowledged or read before.
/// - **reverted**: a node shows an older version than it did before.
/// - **two-values**: one version has two values.
///
/// O(n log n) in the number of operations.
package struct ConfigurationChecker: Checker {
    package init() {}

    package var name: String { "configuration" }

    /// Which change of the setting is meant.
    private struct Version: Hashable, Comparable {
        let number: Int64
        let node: String

        init?(_ value: JSONValue?) {
            guard let parts = value?.arrayValue, parts.count == 2, let number = parts[0].intValue,
                let node = parts[1].stringValue
            else { return nil }
            self.number = number
            self.node = node
        }

        var text: String { self.node.isEmpty ? "\(self.number)" : "\(self.number) of \(self.node)" }

        static func < (left: Version, right: Version) -> Bool {
            (left.number, left.node) < (right.number, right.node)
        }
    }

    private struct Sight {
        let version: Version
        let invocation: Invocation
        let value: JSONValue?
    }

    package func check(_ history: History) -> Finding {
        let sights: [Sight]
        do { sights = try Self.sights(history) } catch {
            return Finding(checker: self.name, verdict: .unknown, summary: error.sentence)
        }
        let reads = sights.filter { $0.value != nil }
        let final = reads.filter(\.invocation.begin.isFinal)
        let found = Self.stale(final, sights) + Self.reverted(reads) + Self.ambiguous(reads)
        let versions = Set(sights.map(\.version))
        var gap: String?
        if final.isEmpty { gap = "no final read was answered" }
        // Whoever acknowledged a change has made one, though nobody may have read it.
        if versions.count < 2, reads.count == sights.count { gap = "nothing was configured" }
        let nodes = Set(final.compactMap(\.invocation.begin.node)).count
        return Finding(
            checker: self.name, found: found, gap: gap,
            praise:
                "\(counted(nodes, "node")) go by the last of \(counted(versions.count, "version"))",
            statistics: ["version_count": .int(Int64(versions.count))])
    }

    /// What acknowledgements and reads tell of versions, in the order in which they came.
    private static func sights(_ history: History) throws(InputError) -> [Sight] {
        var sights: [Sight] = []
        for invocation in history.invocations
        where invocation.outcome == .ok
            && ["configure", "read"].contains(invocation.begin.function)
        {
            guard let end = invocation.end else { continue }
            let isRead = invocation.begin.function == "read"
            guard let version = Version(end.value["version"]),
                !isRead || end.value["value"] != nil
            else {
                throw InputError.wrongValue(
                    end, mustBe: isRead ? "{version: [number, node], value}" : "{version}")
            }
            let value = isRead ? end.value["value"] : nil
            sights.append(Sight(version: version, invocation: invocation, value: value))
        }
        return sights.sorted { Self.end($0) < Self.end($1) }
    }

    private static func end(_ sight: Sight) -> Instant {
        (sight.invocation.end ?? sight.invocation.begin).time
    }

    /// Final reads that do not show what somebody knew before them.
    private static func stale(_ final: [Sight], _ sights: [Sight]) -> [(name: String, line: String)]
    {
        let earlier = sights.filter { !$0.invocation.begin.isFinal }
        guard let latest = earlier.max(by: { $0.version < $1.version }) else { return [] }
        return final.filter { $0.version < latest.version }.map { read in
            let line =
                "version \(read.version.text) in the end on \(read.invocation.place), and version"
                + " \(latest.version.text) was known to \(latest.invocation.place)"
            return ("stale-configuration", line)
        }
    }

    /// Reads that began after another one of the same node had shown a later version.
    private static func reverted(_ reads: [Sight]) -> [(name: String, line: String)] {
        var found: [(name: String, line: String)] = []
        for (_, ofNode) in Dictionary(grouping: reads, by: { $0.invocation.begin.node ?? "" })
            .sorted(by: { $0.key < $1.key })
        {
            // By their beginnings, beside what had been seen when each began.
            var ends = ofNode[...]
            var latest: Sight?
            for read in ofNode.sorted(by: { $0.invocation.begin.time < $1.invocation.begin.time }) {
                while let next = ends.first, Self.end(next) < read.invocation.begin.time {
                    if latest.map({ $0.version < next.version }) ?? true { latest = next }
                    ends.removeFirst()
                }
                guard let latest, read.version < latest.version else { continue }
                let line =
                    "version \(read.version.text) on \(read.invocation.place), which had shown version"
                    + " \(latest.version.text) at \(moment(Self.end(latest)))"
                found.append(("reverted", line))
            }
        }
        return found
    }

    /// Versions that do not mean the same everywhere.
    private static func ambiguous(_ reads: [Sight]) -> [(name: String, line: String)] {
        var values: [Version: JSONValue] = [:]
        var found: [(name: String, line: String)] = []
        for read in reads {
            guard let value = read.value else { continue }
            guard let known = values[read.version] else {
                values[read.version] = value
                continue
            }
            if known != value {
                let line =
                    "version \(read.version.text) is \(known.text), and \(value.text) on \(read.invocation.place)"
                found.append(("two-values", line))
            }
        }
        return found
    }
}
