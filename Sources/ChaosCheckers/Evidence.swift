import ChaosCore

// What several checkers need to tell what they found.

/// Lines of evidence by name: eight of each, and how many more there are.
func listed(_ found: [(name: String, line: String)]) -> [String] {
    var names: [String] = []
    for entry in found where !names.contains(entry.name) { names.append(entry.name) }
    return names.flatMap { name in
        let lines = found.filter { $0.name == name }.map { "\(name): \($0.line)" }
        let rest = lines.count - 8
        return lines.prefix(8) + (rest > 0 ? ["\(name): \(rest) more"] : [])
    }
}

extension Finding {
    /// The finding of a checker that looks for anomalies: invalid with any, unknown where something is missing.
    ///
    /// - Parameters:
    ///   - gap: What keeps the history from proving anything, if something does.
    ///   - praise: What holds, if all is well.
    init(
        checker: String, found: [(name: String, line: String)], gap: String?, praise: String,
        statistics: JSONObject = [:]
    ) {
        var names: [String] = []
        for entry in found where !names.contains(entry.name) { names.append(entry.name) }
        let counts = names.map { name in "\(found.count { $0.name == name }) \(name)" }
        self.init(
            checker: checker, verdict: !found.isEmpty ? .invalid : gap == nil ? .valid : .unknown,
            summary: !found.isEmpty ? counts.joined(separator: ", ") : gap ?? praise,
            anomalies: names, evidence: listed(found), statistics: statistics)
    }
}

extension Invocation {
    /// Who ran it, and when it ended: `process 3 at 1.204s`.
    var place: String {
        let end = self.end ?? self.begin
        let node = self.begin.node.map { "\($0), " } ?? ""
        return "\(node)process \(end.process) at \(moment(end.time))"
    }
}

extension JSONValue {
    /// A whole number so small that millions of them can be added.
    var amount: Int64? {
        guard let number = self.intValue, -(1 << 40)...(1 << 40) ~= number else { return .none }
        return number
    }
}
