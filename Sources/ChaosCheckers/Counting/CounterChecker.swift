import ChaosCore

/// Judges a counter by the sums that its reads may show.
///
/// An `ok` addition counts, a failed one does not, and one whose outcome nobody knows may have counted or not. What must hold of
/// which reads is the ``Promise``. Time is linear in the history, times the number of unknown additions for the exact
/// sums of the end.
package struct CounterChecker: Checker {
    /// What the counter promises.
    package enum Promise: Hashable, Sendable {
        /// Replicas agree in the end: final reads show every addition, earlier reads nothing impossible (Maelstrom's g-counter and
        /// pn-counter).
        case eventual
        /// Every read shows at least what was acknowledged before it began and at most what was tried before it ended
        /// (Jepsen's counter).
        case interval
    }

    package let name: String
    package let promise: Promise
    /// Whether additions below 0 are allowed; without them no node may go back.
    package let isGrowOnly: Bool

    package init(name: String = "counter", promise: Promise = .interval, isGrowOnly: Bool = false) {
        self.name = name
        self.promise = promise
        self.isGrowOnly = isGrowOnly
    }

    private struct Read {
        let invocation: Invocation
        let end: Operation
        let sum: Int64
        /// The sums between which it must lie.
        var bounds: ClosedRange<Int64>
    }

    package func check(_ history: History) -> Finding {
        let invocations = history.invocations
        let reads: [Read]
        let final: SumRanges
        do {
            final = try self.finalSums(invocations)
            reads = try self.reads(invocations)
        } catch {
            return Finding(checker: self.name, verdict: .unknown, summary: error.sentence)
        }
        var anomalies: [(name: String, line: String)] = []
        for read in reads where !read.bounds.contains(read.sum) {
            anomalies.append(
                (
                    read.sum < read.bounds.lowerBound ? "too-low" : "too-high",
                    "\(Self.place(read)) is \(read.sum), possible is"
                        + " \(read.bounds.lowerBound)..\(read.bounds.upperBound)"
                ))
        }
        let finals = reads.filter { $0.invocation.begin.isFinal }
        for read in finals where !final.contains(read.sum) {
            anomalies.append(
                ("wrong-final", "\(Self.place(read)) is \(read.sum), possible is \(final.text)"))
        }
        let sums = Set(finals.map(\.sum))
        if sums.count > 1, self.promise == .eventual {
            let values = sums.sorted().map(String.init).joined(separator: ", ")
            anomalies.append(("diverged", "the final reads show \(values)"))
        }
        if self.isGrowOnly { anomalies += self.stepsBack(reads) }
        return self.finding(anomalies, reads, finals: finals.count, final)
    }

    private static func place(_ read: Read) -> String {
        let begin = read.invocation.begin
        let node = begin.node.map { " on \($0)" } ?? ""
        return "the \(begin.isFinal ? "final " : "")read\(node) at \(moment(read.end.time))"
    }

    private static let additions = ["add", "inc", "increment", "dec", "decrement"]

    private func difference(_ operation: Operation) throws(InputError) -> Int64 {
        let value = operation.value["delta"] ?? operation.value
        let number = value == .null ? 1 : value.amount
        guard let number else {
            throw InputError.wrongValue(operation, mustBe: "a whole number")
        }
        return operation.function.hasPrefix("dec") ? -number : number
    }

    /// What the counter may hold after everything.
    private func finalSums(_ invocations: [Invocation]) throws(InputError) -> SumRanges {
        var sum: Int64 = 0
        var unknown: [Int64] = []
        for invocation in invocations where Self.additions.contains(invocation.begin.function) {
            let difference = try self.difference(invocation.begin)
            switch invocation.outcome {
            case .ok: sum &+= difference
            case .fail: break
            case .info, .invoke: unknown.append(difference)
            }
        }
        var ranges = SumRanges(sum)
        for difference in unknown { ranges.mayAdd(difference) }
        return ranges
    }

    /// The ok reads with the sums between which they must lie.
    private func reads(_ invocations: [Invocation]) throws(InputError) -> [Read] {
        struct Mark {
            let index: Int
            let position: Int
            let isEnd: Bool
        }
        var marks: [Mark] = []
        for (position, invocation) in invocations.enumerated() {
            marks.append(Mark(index: invocation.begin.index, position: position, isEnd: false))
            if let end = invocation.end {
                marks.append(Mark(index: end.index, position: position, isEnd: true))
            }
        }
        marks.sort { $0.index < $1.index }
        // What additions did for certain, and what they may have done at most and at least.
        var certain: (low: Int64, high: Int64) = (0, 0)
        var tried: (low: Int64, high: Int64) = (0, 0)
        var atBegin: [Int: (low: Int64, high: Int64)] = [:]
        var reads: [Read] = []
        for mark in marks {
            let invocation = invocations[mark.position]
            let isRead = invocation.begin.function == "read"
            if !mark.isEnd {
                if isRead {
                    // Acknowledged rises count below, acknowledged falls above.
                    atBegin[mark.position] = certain
                } else if Self.additions.contains(invocation.begin.function),
                    invocation.outcome != .fail
                {
                    let difference = try self.difference(invocation.begin)
                    if difference > 0 {
                        tried.high &+= difference
                    } else {
                        tried.low &+= difference
                    }
                }
                continue
            }
            guard invocation.outcome == .ok, let end = invocation.end else { continue }
            if !isRead {
                guard Self.additions.contains(invocation.begin.function) else { continue }
                let difference = try self.difference(invocation.begin)
                if difference > 0 {
                    certain.low &+= difference
                } else {
                    certain.high &+= difference
                }
                continue
            }
            guard let sum = end.value.intValue else {
                throw InputError.wrongValue(end, mustBe: "a whole number")
            }
            let before = atBegin.removeValue(forKey: mark.position) ?? (0, 0)
            let low = self.promise == .interval ? before.low &+ tried.low : tried.low
            let high = self.promise == .interval ? before.high &+ tried.high : tried.high
            reads.append(
                Read(invocation: invocation, end: end, sum: sum, bounds: low...max(low, high)))
        }
        return reads
    }

    /// Reads of one node that show less than an earlier one, where only rises are possible.
    private func stepsBack(_ reads: [Read]) -> [(name: String, line: String)] {
        var highest: [String: Read] = [:]
        var steps: [(name: String, line: String)] = []
        for read in reads {
            guard let node = read.invocation.begin.node else { continue }
            if let previous = highest[node], previous.sum > read.sum,
                previous.end.index < read.invocation.begin.index
            {
                steps.append(
                    (
                        "went-back",
                        "\(Self.place(read)) is \(read.sum) after \(previous.sum) at \(moment(previous.end.time))"
                    ))
            }
            if read.sum >= highest[node]?.sum ?? .min { highest[node] = read }
        }
        return steps
    }

    private func finding(
        _ anomalies: [(name: String, line: String)], _ reads: [Read], finals: Int,
        _ final: SumRanges
    ) -> Finding {
        let isProven = self.promise == .eventual ? finals > 0 : !reads.isEmpty
        let verdict: Verdict = !anomalies.isEmpty ? .invalid : isProven ? .valid : .unknown
        let summary: String =
            switch verdict {
            case .invalid: anomalies[0].line
            case .unknown:
                self.promise == .eventual ? "no final read was answered" : "no read was answered"
            case .valid:
                self.promise == .eventual
                    ? "\(counted(finals, "final read")) \(finals == 1 ? "shows" : "show") a possible sum (\(final.text))"
                    : "\(counted(reads.count, "read")) within what was added"
            }
        var names: [String] = []
        for entry in anomalies where !names.contains(entry.name) { names.append(entry.name) }
        return Finding(
            checker: self.name, verdict: verdict, summary: summary, anomalies: names,
            evidence: listed(anomalies),
            statistics: [
                "read_count": .int(Int64(reads.count)), "final_read_count": .int(Int64(finals)),
                "possible": .array(
                    final.ranges.prefix(48).map { [.int($0.lowerBound), .int($0.upperBound)] }),
                "final_reads": .array(
                    reads.filter { $0.invocation.begin.isFinal }.prefix(48).map { .int($0.sum) }),
            ])
    }
}
