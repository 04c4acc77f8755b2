import ChaosCore

/// Reads faults from the keys of a mapping: `delay: 80ms ± 10ms` or `delay: { latency: 80ms, … }`.
///
/// The short form becomes the long one first (``ShortFault``), so that both obey the same rules.
struct FaultReader {
    let mistakes: MistakeList

    /// The faults among the keys of a mapping, in the order of ``FaultKind``; other keys are left.
    func faults(in mapping: MappingReader) -> [Fault] {
        var faults: [Fault] = []
        for kind in FaultKind.allCases {
            guard let node = mapping.node(kind.rawValue) else { continue }
            if let fault = self.fault(kind, node) { faults.append(fault) }
        }
        if let text = mapping.text("netem") {
            let position = mapping.position(of: "netem")
            let read = self.mistakes.catching(at: position) { () throws(InputError) in
                try NetemText.parse(text)
            }
            for fault in read ?? [] {
                if faults.contains(where: { $0.kind == fault.kind }) {
                    self.mistakes.add(
                        InputError(
                            "a link has one fault of each kind", found: fault.kind.rawValue,
                            hint: "it stands beside 'netem' already"), at: position)
                } else {
                    faults.append(fault)
                }
            }
        }
        return faults.sorted { Self.place($0) < Self.place($1) }
    }

    private static func place(_ fault: Fault) -> Int {
        FaultKind.allCases.firstIndex(of: fault.kind) ?? 0
    }

    /// One fault from the value of its key.
    func fault(_ kind: FaultKind, _ node: YAMLNode) -> Fault? {
        if kind == .refuse { return self.refuse(node) }
        var node = node
        if let text = node.text {
            let long = self.mistakes.catching(at: node.position) { () throws(InputError) in
                try ShortFault.expand(text, kind: kind, at: node.position)
            }
            guard let long else { return nil }
            node = long
        }
        guard let mapping = MappingReader(node, "'\(kind.rawValue)'", self.mistakes) else {
            return nil
        }
        defer { mapping.finish(synonyms: Self.synonyms) }
        return self.fault(kind, mapping)
    }

    private static let synonyms = [
        "probability": "percent", "time": "latency", "bandwidth": "rate", "average_size": "size",
        "size_variation": "variation", "corr": "correlation",
    ]

    /// `refuse` has no parameters: `refuse: true`, or only the key.
    private func refuse(_ node: YAMLNode) -> Fault? {
        if node.isAbsent || ["true", "yes", "on"].contains(node.text ?? "") { return .refuse }
        self.mistakes.add(
            InputError(
                "'refuse' has no parameters", found: node.shown,
                hint: "write 'refuse: true', or leave it out"), at: node.position)
        return nil
    }

    private func fault(_ kind: FaultKind, _ mapping: MappingReader) -> Fault? {
        switch kind {
        case .delay: return self.delay(mapping)
        case .loss: return self.loss(mapping)
        case .duplicate: return self.messageFault(mapping).map { .duplicate($0) }
        case .ackLoss: return self.messageFault(mapping).map { .ackLoss($0) }
        case .reorder: return self.reorder(mapping)
        case .corrupt: return self.corrupt(mapping)
        case .rate: return self.rate(mapping)
        case .slicer: return self.slicer(mapping)
        case .limitData:
            return self.need("bytes", mapping) { text throws(InputError) in
                try ByteCount(parsing: text)
            }.map { .limitData($0) }
        case .slowClose: return self.time("delay", mapping).map { .slowClose($0) }
        case .resetPeer: return self.time("after", mapping).map { .resetPeer(after: $0) }
        case .timeout: return self.time("after", mapping).map { .timeout(after: $0) }
        case .acceptDelay: return self.time("delay", mapping).map { .acceptDelay($0) }
        case .coalesce: return self.time("hold", mapping).map { .coalesce(hold: $0) }
        case .refuse: return .refuse
        }
    }

    /// A key that must be there.
    private func need<Value>(
        _ key: String, _ mapping: MappingReader, _ parse: (String) throws(InputError) -> Value
    ) -> Value? {
        if !mapping.has(key) {
            mapping.add(InputError("\(mapping.what) needs '\(key)'"))
            return nil
        }
        return mapping.read(key, parse)
    }

    private func time(_ key: String, _ mapping: MappingReader) -> Duration? {
        self.need(key, mapping, FaultLimits.time)
    }

    private func delay(_ mapping: MappingReader) -> Fault? {
        let latency = self.time("latency", mapping)
        var delay = Fault.Delay(latency: latency ?? .zero)
        delay.jitter = mapping.read("jitter", FaultLimits.time) ?? .zero
        delay.distribution = mapping.word("distribution") ?? .uniform
        delay.correlation = mapping.read("correlation", FaultLimits.ratio) ?? .zero
        delay.order = mapping.word("order") ?? .kept
        delay.table = self.table(mapping)
        delay.match = self.match(mapping)
        if (delay.distribution == .table) == delay.table.isEmpty, !mapping.has("table") {
            mapping.add(
                InputError("'distribution: table' needs a 'table' of numbers"), at: "distribution")
        } else if delay.distribution != .table, mapping.has("table") {
            mapping.add(InputError("'table' needs 'distribution: table'"), at: "table")
        }
        return latency == nil ? nil : .delay(delay)
    }

    /// The numbers of a distribution's table, in units of 1/8192 standard deviations (`tc-netem(8)`).
    private func table(_ mapping: MappingReader) -> [Int16] {
        guard let numbers = mapping.list("table") else { return [] }
        if numbers.isEmpty {
            mapping.add(InputError("'table' has at least one number"), at: "table")
        }
        return numbers.compactMap { text, position in
            if let number = Int16(text) { return number }
            self.mistakes.add(
                InputError("'table' has whole numbers from -32768 to 32767", found: text),
                at: position)
            return nil
        }
    }

    /// `percent` (with `correlation`) or `nth`, exactly one of them.
    private func occurrence(_ mapping: MappingReader) -> Fault.Occurrence? {
        let percent = mapping.read("percent", FaultLimits.ratio)
        let correlation = mapping.read("correlation", FaultLimits.ratio)
        let nth = mapping.read("nth") { text throws(InputError) in
            try WholeNumber.parse(text, as: "'nth'", in: 1...1_000_000_000)
        }
        if mapping.has("percent") == mapping.has("nth") {
            let rule = "\(mapping.what) needs either 'percent' or 'nth'"
            mapping.add(InputError(rule, hint: "for example '5%' or 'nth:3'"))
            return nil
        }
        if let nth {
            if mapping.has("correlation") {
                mapping.add(InputError("'correlation' needs 'percent'"), at: "correlation")
            }
            return .nth(nth)
        }
        return percent.map { .random($0, correlation: correlation ?? .zero) }
    }

    private func loss(_ mapping: MappingReader) -> Fault? {
        let match = self.match(mapping)
        guard let node = mapping.node("gemodel") else {
            return self.occurrence(mapping).map { .loss(Fault.Loss(.plain($0), match: match)) }
        }
        for key in ["percent", "nth", "correlation"] where mapping.has(key) {
            mapping.add(InputError("'gemodel' stands alone", found: key), at: key)
        }
        guard let model = MappingReader(node, "'gemodel'", self.mistakes) else { return nil }
        defer { model.finish() }
        guard let p = self.need("p", model, FaultLimits.ratio) else { return nil }
        // Without r, tc takes 1-p: independent losses.
        let r =
            model.read("r", FaultLimits.ratio) ?? Ratio(billionths: 1_000_000_000 - p.billionths)
        let bad = model.read("1-h", FaultLimits.ratio) ?? .one
        let good = model.read("1-k", FaultLimits.ratio) ?? .zero
        let parameters = Fault.GilbertElliott(p: p, r: r, lossInBad: bad, lossInGood: good)
        return .loss(Fault.Loss(.gilbertElliott(parameters), match: match))
    }

    private func messageFault(_ mapping: MappingReader) -> Fault.MessageFault? {
        let match = self.match(mapping)
        return self.occurrence(mapping).map { Fault.MessageFault($0, match: match) }
    }

    private func reorder(_ mapping: MappingReader) -> Fault? {
        let match = self.match(mapping)
        let gap: Int?? = mapping.read("gap") { text throws(InputError) -> Int? in
            if text == "none" { return nil }
            return try WholeNumber.parse(text, as: "'gap'", in: 1...10_000)
        }
        let hold = mapping.read("hold", FaultLimits.positiveTime)
        return self.occurrence(mapping).map {
            .reorder(
                Fault.Reorder($0, gap: gap ?? 1, hold: hold ?? .milliseconds(100), match: match))
        }
    }

    private func corrupt(_ mapping: MappingReader) -> Fault? {
        let match = self.match(mapping)
        let bits = mapping.read("bits") { text throws(InputError) in
            try WholeNumber.parse(text, as: "'bits'", in: 1...1024)
        }
        return self.occurrence(mapping).map {
            .corrupt(Fault.Corrupt($0, bits: bits ?? 1, match: match))
        }
    }

    private func rate(_ mapping: MappingReader) -> Fault? {
        let bandwidth = self.need("rate", mapping) { text throws(InputError) in
            try Bandwidth(parsing: text)
        }
        let burst = mapping.read("burst", FaultLimits.positiveSize)
        let limit = mapping.read("limit", FaultLimits.positiveSize)
        let scope: Fault.Rate.Scope? = mapping.word("scope")
        return bandwidth.map {
            .rate(
                Fault.Rate($0, burst: burst ?? ByteCount(4096), limit: limit, scope: scope ?? .link)
            )
        }
    }

    private func slicer(_ mapping: MappingReader) -> Fault? {
        let size = self.need("size", mapping, FaultLimits.positiveSize)
        let variation = mapping.read("variation") { text throws(InputError) in
            try ByteCount(parsing: text)
        }
        let delay = mapping.read("delay", FaultLimits.time)
        guard let size else { return nil }
        if let variation, variation >= size {
            mapping.add(
                InputError("'variation' is less than 'size'", found: variation.text),
                at: "variation")
        }
        return .slicer(
            Fault.Slicer(
                averageSize: size, sizeVariation: variation ?? ByteCount(0), delay: delay ?? .zero))
    }

    private func match(_ mapping: MappingReader) -> MessageMatch? {
        mapping.node("match").flatMap { MatchReader(mistakes: self.mistakes).match($0) }
    }
}

/// What parameters of faults may be.
enum FaultLimits {
    /// A time from 0 to an hour.
    static func time(_ text: String) throws(InputError) -> Duration {
        let duration = try Duration(parsing: text)
        if duration > .seconds(3600) {
            throw InputError("a fault's time is at most 1h", found: text)
        }
        return duration
    }

    /// A time above 0.
    static func positiveTime(_ text: String) throws(InputError) -> Duration {
        let duration = try Self.time(text)
        if duration == .zero { throw InputError("this time is more than 0", found: text) }
        return duration
    }

    /// A probability.
    static func ratio(_ text: String) throws(InputError) -> Ratio { try Ratio(parsing: text) }

    /// A size of at least one byte.
    static func positiveSize(_ text: String) throws(InputError) -> ByteCount {
        let size = try ByteCount(parsing: text)
        if size.bytes == 0 { throw InputError("this size is at least 1B", found: text) }
        return size
    }
}
