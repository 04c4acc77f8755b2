import ChaosCore

/// The parameters of a workload, read by type.
struct WorkloadParameters: Sendable {
    /// The parameters that every workload has.
    static let common = ["rate", "concurrency", "for", "duration", "timeout", "arrivals"]

    let values: JSONObject

    /// What all workloads have in common.
    func settings() throws(InputError) -> LoadSettings {
        var settings = LoadSettings()
        if let text = self.text("rate") {
            settings.rate = try self.named("rate") { () throws(InputError) in
                try EventRate(parsing: text)
            }
        }
        if let text = self.text("concurrency") {
            guard let count = Int(text), (1...1000).contains(count) else {
                throw InputError("'concurrency' is a number of clients from 1 to 1000", found: text)
            }
            settings.concurrency = count
        }
        for key in ["duration", "for"] {
            if let duration = try self.duration(key) { settings.duration = duration }
        }
        if let timeout = try self.duration("timeout") { settings.timeout = timeout }
        if let arrivals = try self.choice("arrivals", among: LoadSettings.Arrivals.self) {
            settings.arrivals = arrivals
        }
        return settings
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

    private func duration(_ key: String) throws(InputError) -> Duration? {
        guard let text = self.text(key) else { return nil }
        let duration = try self.named(key) { () throws(InputError) in try Duration(parsing: text) }
        if duration <= .zero { throw InputError("'\(key)' is longer than nothing", found: text) }
        return duration
    }

    /// A value as it was written.
    private func text(_ key: String) -> String? {
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
