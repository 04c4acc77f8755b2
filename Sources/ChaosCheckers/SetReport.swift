import ChaosCore
import OrderedCollections

/// Turns what became of a set's elements into a finding.
struct SetReport {
    let checker: String
    let observations: SetObservations
    let census: SetCensus
    let isLinearizable: Bool

    /// How many elements of one fate are shown one by one.
    private static let shown = 8
    /// The quantiles that Maelstrom reports.
    static let quantiles: [(name: String, share: Ratio)] = [
        ("0", .zero), ("0.5", Ratio(percent: 50)), ("0.95", Ratio(percent: 95)),
        ("0.99", Ratio(percent: 99)), ("1", .one),
    ]

    private var acknowledged: Int {
        self.observations.elements.count { $0.acknowledgement != nil }
    }

    var finding: Finding {
        let anomalies = self.anomalies
        let gaps = self.gaps
        let verdict: Verdict = !anomalies.isEmpty ? .invalid : gaps.isEmpty ? .valid : .unknown
        let summary: String =
            switch verdict {
            case .invalid:
                anomalies.map { "\($0.count) \($0.name)" }.joined(separator: ", ")
                    + ", of \(counted(self.known, "known element"))"
            case .unknown: gaps.joined(separator: "; ")
            case .valid: self.praise
            }
        return Finding(
            checker: self.checker, verdict: verdict, summary: summary,
            anomalies: anomalies.map(\.name), evidence: self.evidence, statistics: self.statistics)
    }

    private var known: Int { self.observations.elements.count { $0.known != nil } }

    /// What proves the history wrong, by name.
    private var anomalies: [(name: String, count: Int)] {
        [
            ("lost", self.census.lost.count), ("duplicated", self.observations.duplicated.count),
            ("invented", self.observations.invented.count),
            ("stale", self.isLinearizable ? self.census.stale.count : 0),
        ].filter { $0.1 > 0 }
    }

    /// What keeps the history from proving anything.
    private var gaps: [String] {
        var gaps: [String] = []
        if self.acknowledged == 0 { gaps.append("no add was acknowledged") }
        let finals = self.observations.finalReads
        let silent = finals.filter { !$0.value }.keys
        if silent.count == finals.count {
            // Everything is unread then, which need not be said once more.
            let gap = finals.isEmpty ? "there was no final read" : "no final read was answered"
            return gaps + [gap]
        }
        if !silent.isEmpty {
            gaps.append("no final read was answered by \(silent.joined(separator: ", "))")
        }
        if !self.census.neverRead.isEmpty {
            gaps.append(
                "\(counted(self.census.neverRead.count, "acknowledged element")) never read")
        }
        if !self.census.unsettled.isEmpty {
            let count = counted(self.census.unsettled.count, "element")
            gaps.append("\(count) still on the way during the final reads")
        }
        return gaps
    }

    private var praise: String {
        let reads = self.observations.reads.count { $0.begin.isFinal }
        var text = "\(counted(self.census.stable.count, "element")) in every final read"
        text += " (\(self.acknowledged) acknowledged, \(counted(reads, "final read")))"
        if let latencies = self.latencies {
            text += ", stable after \(milliseconds(latencies[1].value))"
            text += " at the median and \(milliseconds(latencies[4].value)) at most"
        }
        return text
    }

    /// The stable latencies in nanoseconds at the quantiles; `nil` without stable elements.
    private var latencies: [(name: String, value: Int64)]? {
        let sorted = self.census.stable.map(\.latency).sorted()
        if sorted.isEmpty { return nil }
        // Jepsen's quantile: the element at floor(n·q).
        return Self.quantiles.map { quantile in
            let index = Int(quantile.share.of(Int64(sorted.count)))
            return (quantile.name, sorted[min(index, sorted.count - 1)])
        }
    }
}

// MARK: - Evidence

extension SetReport {
    private var evidence: [String] {
        listed("lost", self.census.lost.map(Self.line))
            + listed("duplicated", self.observations.duplicated.map(Self.line))
            + listed("invented", self.observations.invented.map(Self.line))
            + listed("never-read", self.census.neverRead.map(Self.line))
            + listed("unsettled", self.census.unsettled.map(Self.line))
            + listed("stale", self.worstStale.map(Self.line))
    }

    private var worstStale: [SetCensus.Arrival] {
        self.census.stale.sorted { $0.latency > $1.latency }
    }

    private static func line(_ loss: SetCensus.Loss) -> String {
        var nodes: [String] = []
        for absence in loss.absences {
            let node = absence.node ?? "the cluster"
            if !nodes.contains(node) { nodes.append(node) }
        }
        return origin(of: loss.element)
            + ", absent from the final reads of \(nodes.joined(separator: ", "))"
    }

    private static func line(_ anomaly: SetObservations.Anomaly) -> String {
        "\(anomaly.value.text): \(anomaly.reason), read \(place(of: anomaly.read))"
    }

    private static func line(_ element: SetObservations.Element) -> String { origin(of: element) }

    private static func line(_ arrival: SetCensus.Arrival) -> String {
        let absence = arrival.lastAbsence.map { ", last absent \(Self.place(of: $0))" } ?? ""
        return origin(of: arrival.element) + absence
    }

    /// Where an element comes from: `17: acknowledged by n1 at 3.204s`.
    private static func origin(of element: SetObservations.Element) -> String {
        let text = element.value.text
        if let end = element.acknowledgement {
            return "\(text): acknowledged by \(end.node ?? "the cluster") at \(moment(end.time))"
        }
        guard let known = element.known else { return text }
        return "\(text): first seen \(Self.place(of: known))"
    }

    private static func place(of operation: Operation) -> String {
        "\(operation.node.map { "on \($0) " } ?? "")at \(moment(operation.time))"
    }

    private func listed(_ fate: String, _ lines: [String]) -> [String] {
        var listed = lines.prefix(Self.shown).map { "\(fate) \($0)" }
        if lines.count > Self.shown {
            listed.append("\(fate): \(lines.count - Self.shown) more")
        }
        return listed
    }
}

// MARK: - Statistics

extension SetReport {
    private var statistics: JSONObject {
        func number(_ count: Int) -> JSONValue { .int(Int64(count)) }
        func values(_ elements: [JSONValue]) -> JSONValue { .array(Array(elements.prefix(48))) }
        var statistics: JSONObject = [
            "attempt_count": number(
                self.observations.elements.count { $0.attemptedAt != nil }),
            "acknowledged_count": number(self.acknowledged),
            "known_count": number(self.known),
            "stable_count": number(self.census.stable.count),
            "lost_count": number(self.census.lost.count),
            "stale_count": number(self.census.stale.count),
            "never_read_count": number(self.census.neverRead.count),
            "unsettled_count": number(self.census.unsettled.count),
            "duplicated_count": number(self.observations.duplicated.count),
            "invented_count": number(self.observations.invented.count),
            "read_count": number(self.observations.reads.count),
            "final_read_count": number(self.observations.reads.count { $0.begin.isFinal }),
            "lost": values(self.census.lost.map(\.element.value)),
            "never_read": values(self.census.neverRead.map(\.value)),
            "duplicated": values(self.observations.duplicated.map(\.value)),
            "invented": values(self.observations.invented.map(\.value)),
        ]
        if let latencies = self.latencies {
            let members = latencies.map {
                (key: $0.name, value: JSONValue.double(Double($0.value / 1000) / 1000))
            }
            statistics["stable_latencies_ms"] = .object(JSONObject(members))
        }
        return statistics
    }
}

/// A count with its noun: `1 element`, `2 elements`.
func counted(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
}

/// A moment of the run for people, to the millisecond.
func moment(_ instant: Instant) -> String {
    Decimals.text(instant.nanoseconds / 1_000_000, per: 1000) + "s"
}

/// A time for people, in milliseconds.
private func milliseconds(_ nanoseconds: Int64) -> String {
    "\((nanoseconds + 500_000) / 1_000_000) ms"
}
