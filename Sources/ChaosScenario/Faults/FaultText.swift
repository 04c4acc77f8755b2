import ChaosCore

/// Reads faults from the words of a command: `delay=100ms,10ms loss=5%`.
package enum FaultText {
    /// The faults of the words, in the order of ``FaultKind``.
    ///
    /// A word is `KIND=VALUE`, `KIND VALUE` or, for `refuse`, `KIND`; values are as in files.
    /// `netem=…` is read too.
    ///
    /// - Throws: `InputError` for the first word that is wrong; its rule begins with the word.
    package static func parse(_ words: [String]) throws(InputError) -> [Fault] {
        var faults: [Fault] = []
        for word in words {
            for fault in try Self.parse(word) {
                if faults.contains(where: { $0.kind == fault.kind }) {
                    throw InputError(
                        "a link has one fault of each kind", found: fault.kind.rawValue)
                }
                faults.append(fault)
            }
        }
        if faults.isEmpty {
            throw InputError("there is no fault", hint: "for example 'delay=100ms'")
        }
        return faults.sorted { left, right in
            let order = FaultKind.allCases
            return (order.firstIndex(of: left.kind) ?? 0) < (order.firstIndex(of: right.kind) ?? 0)
        }
    }

    /// The faults of one word.
    private static func parse(_ word: String) throws(InputError) -> [Fault] {
        let end = word.firstIndex { $0 == "=" || $0 == " " } ?? word.endIndex
        let name = String(word[..<end])
        let value = end == word.endIndex ? nil : word[word.index(after: end)...].trimmingSpaces
        if name == "netem" { return try NetemText.parse(String(value ?? "")) }
        guard let kind = FaultKind(rawValue: name) else {
            let known = FaultKind.allCases.map(\.rawValue) + ["netem"]
            throw InputError(
                "there is no such fault", found: name,
                hint: name.contains(":")
                    ? "what belongs to a fault stands behind it with a comma: 'loss=nth:3,type:x'"
                    : Suggestion.hint(for: name, among: known))
        }
        if kind != .refuse, value ?? "" == "" {
            throw InputError("'\(name)' needs a value", found: word, hint: "write '\(name)=…'")
        }
        let mistakes = MistakeList()
        let isPlain = value == nil
        let node = YAMLNode(
            position: Position(file: ""), content: .scalar(String(value ?? ""), isPlain: isPlain))
        let fault = FaultReader(mistakes: mistakes).fault(kind, node)
        if var error = mistakes.sorted(first: "").list.first?.error {
            error.rule = "\(word): \(error.rule)"
            throw error
        }
        return fault.map { [$0] } ?? []
    }
}

extension Fault {
    /// The fault for tables and status lines: `delay 100ms ± 10ms`, `loss 5%`.
    ///
    /// ``FaultText/parse(_:)`` reads it back, except for a table's numbers and for matches whose
    /// texts hold spaces or commas.
    package var text: String {
        let words: [String]
        switch self {
        case .delay(let delay): words = Self.words(of: delay)
        case .loss(let loss):
            switch loss.model {
            case .plain(let occurrence): words = Self.words(of: occurrence)
            case .gilbertElliott(let model):
                words =
                    ["gemodel"]
                    + [model.p, model.r, model.lossInBad, model.lossInGood].map(\.text)
            }
        case .duplicate(let fault), .ackLoss(let fault): words = Self.words(of: fault.occurrence)
        case .reorder(let reorder): words = Self.words(of: reorder)
        case .corrupt(let corrupt):
            words =
                Self.words(of: corrupt.occurrence)
                + (corrupt.bits == 1 ? [] : ["bits:\(corrupt.bits)"])
        case .rate(let rate): words = Self.words(of: rate)
        case .slicer(let slicer):
            words = [slicer.averageSize.text, slicer.sizeVariation.text, slicer.delay.text]
        case .limitData(let bytes): words = [bytes.text]
        case .slowClose(let time), .resetPeer(let time), .timeout(let time), .acceptDelay(let time),
            .coalesce(let time):
            words = [time.text]
        case .refuse: words = []
        }
        let match = self.match.map(Self.words(of:)) ?? []
        return ([self.kind.rawValue] + words + match).joined(separator: " ")
    }

    private static func words(of delay: Delay) -> [String] {
        var words = [delay.latency.text]
        if delay.jitter > .zero || delay.distribution != .uniform {
            words.append("± \(delay.jitter.text)")
        }
        if delay.distribution != .uniform { words.append(delay.distribution.rawValue) }
        if delay.order == .free { words.append("order free") }
        if delay.correlation > .zero { words.append(delay.correlation.text) }
        return words
    }

    private static func words(of occurrence: Occurrence) -> [String] {
        switch occurrence {
        case .nth(let number): ["nth", String(number)]
        case .random(let percent, let correlation):
            [percent.text] + (correlation > .zero ? [correlation.text] : [])
        }
    }

    private static func words(of reorder: Reorder) -> [String] {
        var words = Self.words(of: reorder.occurrence)
        if reorder.gap != 1 { words.append("gap:" + (reorder.gap.map(String.init) ?? "none")) }
        if reorder.hold != .milliseconds(100) { words.append("hold:\(reorder.hold.text)") }
        return words
    }

    private static func words(of rate: Rate) -> [String] {
        var words = [rate.bandwidth.text]
        if rate.burst != ByteCount(4096) { words.append("burst:\(rate.burst.text)") }
        if let limit = rate.limit { words.append("limit:\(limit.text)") }
        if rate.scope != .link { words.append("scope:\(rate.scope.rawValue)") }
        return words
    }

    private static func words(of match: MessageMatch) -> [String] {
        var words: [String] = []
        if let type = match.type { words.append("type:\(type)") }
        if let direction = match.direction { words.append("direction:\(direction.rawValue)") }
        if let nth = match.nth { words.append("match.nth:\(nth)") }
        if let first = match.first { words.append("first:\(first)") }
        if let after = match.after { words.append("after:\(after)") }
        // Without a dot, a field would look like an option.
        return words
            + match.fields.map { ($0.path.contains(".") ? "" : ".") + "\($0.path):\($0.value)" }
    }
}
