import ChaosCore

/// The parameters of a workload, read by type.
struct WorkloadParameters: Sendable {
    /// The parameters that every workload has.
    static let common = [
        "rate", "concurrency", "for", "duration", "timeout", "arrivals", "loop", "recovery",
        "nodes",
    ]

    let values: JSONObject

    /// What all workloads have in common.
    ///
    /// - Parameter defaults: What holds where a parameter is missing.
    func settings(_ defaults: LoadSettings = LoadSettings()) throws(InputError) -> LoadSettings {
        var settings = defaults
        let rate = self.text("rate")
        settings.isIdle = rate == "0" || rate == "0/s"
        if let text = rate, !settings.isIdle {
            settings.rate = try self.named("rate") { () throws(InputError) in
                try EventRate(parsing: text)
            }
        }
        if let text = self.text("concurrency") {
            settings.concurrency = try Self.concurrency(text)
        }
        for key in ["duration", "for"] {
            if let duration = try self.duration(key) { settings.duration = duration }
        }
        if let timeout = try self.duration("timeout") { settings.timeout = timeout }
        if let arrivals = try self.choice("arrivals", among: LoadSettings.Arrivals.self) {
            settings.arrivals = arrivals
        }
        if let loop = try self.choice("loop", among: LoadSettings.Loop.self) {
            settings.loop = loop
        }
        if let text = self.text("recovery") {
            settings.recovery = try self.named("recovery") { () throws(InputError) in
                try Duration(parsing: text)
            }
        }
        return settings
    }

    /// `6` clients, or `2n`: two for each node.
    private static func concurrency(_ text: String) throws(InputError) -> LoadSettings.Concurrency {
        let isFactor = text.hasSuffix("n")
        guard let count = Int(isFactor ? String(text.dropLast()) : text),
            (1...1000).contains(count)
        else {
            throw InputError(
                "'concurrency' is a number of clients from 1 to 1000, or '2n' for two a node",
                found: text)
        }
        return isFactor ? .perNode(count) : .clients(count)
    }

    /// The shape of transactions.
    func transactionShape() throws(InputError) -> TransactionDraw.Shape {
        var shape = TransactionDraw.Shape()
        // 2^40 and more would be drawn from otherwise.
        shape.keyCount = try self.count("key_count", in: 1...40) ?? shape.keyCount
        shape.lengthMax = try self.count("max_txn_length", in: 1...1000) ?? shape.lengthMax
        shape.writesMax = try self.count("max_writes_per_key", in: 1...1_000_000) ?? shape.writesMax
        return shape
    }

    /// What clients of a link shortener do besides: `habits: [collide, fight]`.
    func linkHabits() throws(InputError) -> LinkSource.Habits {
        let known = ["collide", "fight", "fill", "read"]
        var habits = LinkSource.Habits()
        let words =
            self.values["habits"]?.arrayValue?.map { $0.stringValue ?? $0.text }
            ?? self.text("habits")?.split { $0 == "," || $0 == " " }.map(String.init) ?? []
        for word in words {
            switch word {
            case "fight": habits.fightsForCodes = true
            case "collide": habits.collides = true
            case "fill": habits.fill = 60
            case "read": habits.createsOneIn = 20
            default:
                throw InputError(
                    "'habits' are some of \(known.joined(separator: ", "))", found: word,
                    hint: Suggestion.hint(for: word, among: known))
            }
        }
        return habits
    }

    /// A whole number in a range.
    func count(_ key: String, in range: ClosedRange<Int>) throws(InputError) -> Int? {
        guard let text = self.text(key) else { return nil }
        if let count = Int(text), range.contains(count) { return count }
        throw InputError(
            "'\(key)' is a whole number from \(range.lowerBound) to \(range.upperBound)",
            found: text)
    }

    /// One of the words of an enumeration.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, among type: Choice.Type
    ) throws(InputError) -> Choice? where Choice.RawValue == String {
        guard let text = self.text(key) else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let known = type.allCases.map(\.rawValue)
        throw InputError(
            "'\(key)' is one of \(known.joined(separator: ", "))", found: text,
            hint: Suggestion.nearest(to: text, among: known).map { "did you mean '\($0)'?" })
    }

    /// A share of all, such as `60%`.
    func share(_ key: String) throws(InputError) -> Ratio? {
        guard let text = self.text(key) else { return nil }
        return try self.named(key) { () throws(InputError) in try Ratio(parsing: text) }
    }

    private func duration(_ key: String) throws(InputError) -> Duration? {
        guard let text = self.text(key) else { return nil }
        let duration = try self.named(key) { () throws(InputError) in try Duration(parsing: text) }
        if duration <= .zero { throw InputError("'\(key)' is longer than nothing", found: text) }
        return duration
    }

    /// A value as it was written.
    func text(_ key: String) -> String? {
        self.values[key].map { $0.stringValue ?? $0.text }
    }

    /// Puts the parameter's name in front of what is wrong with its value.
    private func named<Value>(
        _ key: String, _ parse: () throws(InputError) -> Value
    ) throws(InputError) -> Value {
        do {
            return try parse()
        } catch {
            throw InputError("'\(key)': \(error.rule)", found: error.found, hint: error.hint)
        }
    }
}
