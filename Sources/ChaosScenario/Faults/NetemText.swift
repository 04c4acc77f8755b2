import ChaosCore

/// Reads what stands behind `netem` in a `tc` command (`tc-netem(8)`), as far as chaos can do it.
///
/// Times need units, because `tc` reads a bare number as microseconds and hardly anybody means
/// that. `gap N` becomes ours: at most N later messages overtake a held one.
package enum NetemText {
    /// The faults of a text such as `delay 75ms 100ms distribution normal loss 0.1%`.
    ///
    /// - Throws: `InputError` for unknown words and for those that chaos cannot do.
    package static func parse(_ text: String) throws(InputError) -> [Fault] {
        var reader = NetemReader(text)
        while let word = reader.next() { try reader.read(word) }
        return try reader.finish()
    }
}

private struct NetemReader {
    private let text: String
    private var words: [Substring]
    private var faults: [Fault] = []
    private var distribution: Fault.DistributionName?
    private var reorder: Fault.Reorder?
    private var gap: Int?

    private static let known = [
        "delay", "distribution", "loss", "duplicate", "corrupt", "reorder", "gap", "rate",
    ]

    init(_ text: String) {
        self.text = text
        self.words = text.split { $0 == " " || $0 == "\t" || $0 == "\n" }
    }

    mutating func next() -> String? { self.words.isEmpty ? nil : String(self.words.removeFirst()) }

    mutating func read(_ word: String) throws(InputError) {
        switch word {
        case "delay", "latency": try self.readDelay()
        case "distribution": try self.readDistribution()
        case "loss", "drop": try self.readLoss()
        case "duplicate":
            try self.add(.duplicate(Fault.MessageFault(try self.occurrence("duplicate"))))
        case "corrupt": try self.add(.corrupt(Fault.Corrupt(try self.occurrence("corrupt"))))
        case "reorder":
            if self.reorder != nil { throw self.twice("reorder") }
            self.reorder = Fault.Reorder(try self.occurrence("reorder"), gap: nil)
        case "gap":
            let number = try self.value(of: "gap")
            self.gap = try WholeNumber.parse(number, as: "'gap'", in: 1...10_000)
        case "rate": try self.readRate()
        case "limit":
            throw InputError(
                "netem's 'limit' counts packets, and chaos limits queues in bytes",
                found: self.text,
                hint: "leave it out, or write 'network: { limit: 16MiB }'")
        case "ecn", "slot", "seed":
            let hint = word == "seed" ? "the run's seed decides: 'seed: 42'" : nil
            throw InputError("chaos cannot do netem's '\(word)'", found: self.text, hint: hint)
        default:
            throw InputError(
                "netem has no such word", found: word,
                hint: Suggestion.hint(for: word, among: Self.known))
        }
    }

    /// The next word, if it is a value and not the name of the next part.
    private mutating func valueIfAny() -> String? {
        guard let first = self.words.first?.first, first.isNumber else { return nil }
        return self.next()
    }

    private mutating func value(of name: String) throws(InputError) -> String {
        guard let value = self.valueIfAny() else {
            throw InputError("netem's '\(name)' needs a value", found: self.text)
        }
        return value
    }

    private mutating func add(_ fault: Fault) throws(InputError) {
        if self.faults.contains(where: { $0.kind == fault.kind }) {
            throw self.twice(fault.kind.rawValue)
        }
        self.faults.append(fault)
    }

    private func twice(_ name: String) -> InputError {
        InputError("netem's '\(name)' stands once", found: self.text)
    }

    private mutating func readDelay() throws(InputError) {
        var delay = Fault.Delay(latency: try FaultLimits.time(try self.value(of: "delay")))
        if let jitter = self.valueIfAny() { delay.jitter = try FaultLimits.time(jitter) }
        if let correlation = self.valueIfAny() {
            delay.correlation = try FaultLimits.ratio(correlation)
        }
        try self.add(.delay(delay))
    }

    private mutating func readDistribution() throws(InputError) {
        if self.distribution != nil { throw self.twice("distribution") }
        let name = self.next() ?? ""
        // A table's numbers cannot be in this text.
        let names = Fault.DistributionName.allCases.filter { $0 != .table }.map(\.rawValue)
        guard let known = Fault.DistributionName(rawValue: name), known != .table else {
            throw InputError(
                "a distribution is one of \(names.joined(separator: ", "))", found: name,
                hint: Suggestion.nearest(to: name, among: names).map { "did you mean '\($0)'?" })
        }
        self.distribution = known
    }

    private mutating func occurrence(_ name: String) throws(InputError) -> Fault.Occurrence {
        let percent = try FaultLimits.ratio(try self.value(of: name))
        guard let correlation = self.valueIfAny() else {
            return .random(percent, correlation: .zero)
        }
        return .random(percent, correlation: try FaultLimits.ratio(correlation))
    }

    private mutating func readLoss() throws(InputError) {
        switch self.words.first {
        case "state":
            throw InputError(
                "chaos cannot do netem's four-state loss", found: self.text,
                hint: "'loss gemodel P R' has bursts too")
        case "gemodel":
            self.words.removeFirst()
            let p = try FaultLimits.ratio(try self.value(of: "loss gemodel"))
            var model = Fault.GilbertElliott(
                p: p, r: Ratio(billionths: 1_000_000_000 - p.billionths))
            if let r = self.valueIfAny() { model.r = try FaultLimits.ratio(r) }
            if let bad = self.valueIfAny() { model.lossInBad = try FaultLimits.ratio(bad) }
            if let good = self.valueIfAny() { model.lossInGood = try FaultLimits.ratio(good) }
            try self.add(.loss(Fault.Loss(.gilbertElliott(model))))
        default:
            if self.words.first == "random" { self.words.removeFirst() }
            try self.add(.loss(Fault.Loss(.plain(try self.occurrence("loss")))))
        }
    }

    private mutating func readRate() throws(InputError) {
        let bandwidth = try Bandwidth(parsing: try self.value(of: "rate"))
        if let overhead = self.valueIfAny() {
            throw InputError("chaos cannot do netem's overhead of a rate", found: overhead)
        }
        try self.add(.rate(Fault.Rate(bandwidth)))
    }

    /// Puts together what belongs together although it is written apart.
    consuming func finish() throws(InputError) -> [Fault] {
        if let distribution = self.distribution {
            guard let index = self.faults.firstIndex(where: { $0.kind == .delay }),
                case .delay(var delay) = self.faults[index], delay.jitter > .zero
            else {
                throw InputError(
                    "netem's 'distribution' needs a delay and a jitter", found: self.text)
            }
            delay.distribution = distribution
            self.faults[index] = .delay(delay)
        }
        if var reorder = self.reorder {
            // As tc says: without a delay nothing can be overtaken.
            guard
                let delay = self.faults.lazy.compactMap({ fault -> Fault.Delay? in
                    if case .delay(let delay) = fault { return delay }
                    return nil
                }).first, delay.latency > .zero
            else { throw InputError("netem's 'reorder' needs a delay", found: self.text) }
            reorder.gap = self.gap
            reorder.hold = delay.latency
            self.faults.append(.reorder(reorder))
        } else if self.gap != nil {
            throw InputError("netem's 'gap' needs 'reorder'", found: self.text)
        }
        if self.faults.isEmpty {
            throw InputError(
                "a netem text names faults", found: self.text,
                hint: "for example 'delay 75ms 10ms loss 0.1%'")
        }
        return self.faults
    }
}
