import ChaosCore

/// Judges whether a history is linearizable: whether every operation may have taken effect at one moment
/// between its call and its return.
///
/// The problem is NP-complete (Gibbons and Korach: Testing Shared Memories, 1997), so the search has a budget of
/// steps after which the answer is *unknown*. A history of independent keys is judged key by key, and one of a
/// model with parts part by part.
package struct LinearizabilityChecker: Checker {
    /// How many steps the search may take when nobody says otherwise.
    package static let defaultBudget = 20_000_000

    /// What the object does.
    package let model: any SequentialModel
    /// Whether values are pairs of key and value; `nil` looks at the history.
    package let isIndependent: Bool?
    /// How many steps of the model may be tried.
    package let budget: Int

    package init(
        model: any SequentialModel = RegisterModel(), isIndependent: Bool? = nil,
        budget: Int = Self.defaultBudget
    ) {
        self.model = model
        self.isIndependent = isIndependent
        self.budget = budget
    }

    package var name: String { "linearizable" }

    package func check(_ history: History) -> Finding { self.check(history, self.model) }

    private func check<Model: SequentialModel>(_ history: History, _ model: Model) -> Finding {
        let isSplit = self.isIndependent ?? IndependentKeys.isUsed(in: history)
        let keyed: [(key: JSONValue?, history: History)] =
            isSplit ? IndependentKeys(history).parts.map { ($0.key, $0.history) } : [(nil, history)]
        var report = LinearizabilityReport(checker: self.name, model: model.name)
        report.isSplit = isSplit
        var rest = self.budget
        do {
            for part in keyed {
                for piece in try LinearizabilityPart.parts(
                    of: part.history, key: part.key, model: model)
                {
                    let result = piece.judge(model, budget: rest)
                    rest = max(0, rest - result.steps)
                    report.add(result, ops: piece.operations.count)
                }
            }
        } catch {
            return Finding(checker: self.name, verdict: .unknown, summary: error.sentence)
        }
        report.budget = self.budget
        return report.finding
    }
}

/// The operations on one part of one object.
struct LinearizabilityPart<Model: SequentialModel> {
    let key: JSONValue?
    let part: JSONValue?
    var operations: [(invocation: Invocation, action: Model.Action)]

    /// Sorts a history's operations by the parts of the model, in the order in which they came up.
    static func parts(
        of history: History, key: JSONValue?, model: Model
    ) throws(InputError) -> [Self] {
        var parts: [Self] = []
        var positions: [JSONValue: Int] = [:]
        var isWhole = false
        var operations: [(invocation: Invocation, action: Model.Action)] = []
        for invocation in history.invocations {
            if invocation.outcome == .fail && !model.usesFailures { continue }
            guard case .action(let action) = try model.action(of: invocation) else { continue }
            operations.append((invocation, action))
            if model.part(of: action) == nil { isWhole = true }
        }
        if isWhole { return [Self(key: key, part: nil, operations: operations)] }
        for operation in operations {
            let part = model.part(of: operation.action) ?? .null
            if let position = positions[part] {
                parts[position].operations.append(operation)
            } else {
                positions[part] = parts.count
                parts.append(Self(key: key, part: part, operations: [operation]))
            }
        }
        return parts
    }

    /// Searches, and on failure narrows it down.
    func judge(_ model: Model, budget: Int) -> LinearizabilityResult {
        let problem = LinearizabilityProblem(self.operations, model: model)
        var name: [String] = []
        if let key { name.append("key \(key.text)") }
        if let part { name.append("element \(part.text)") }
        var result = LinearizabilityResult(name: name.joined(separator: ", "))
        if problem.isTooWide {
            result.verdict = .unknown
            result.reason = "more than \(SlotSet.capacity) operations were open at once"
            return result
        }
        var search = LinearizabilitySearch(problem, model: model)
        var outcome = search.run(from: [model.initialState], budget: min(budget, Self.firstTry))
        result.steps = search.steps
        if outcome == .exhausted && budget > Self.firstTry {
            // Where it is stuck there often is a short stretch that nothing before it can mend.
            if let failure = LinearizabilityFailure(
                refuting: self.operations, search: search, model: model)
            {
                result.refute(failure)
                return result
            }
            search = LinearizabilitySearch(problem, model: model)
            outcome = search.run(from: [model.initialState], budget: budget - result.steps)
            result.steps += search.steps
        }
        switch outcome {
        case .found: result.verdict = .valid
        case .exhausted:
            result.verdict = .unknown
            result.reason = "the budget of steps was used up"
        case .none:
            result.refute(
                LinearizabilityFailure(
                    operations: self.operations, search: search, model: model))
        }
        return result
    }

    /// How many steps are tried before a short stretch without an order is looked for.
    private static var firstTry: Int { 300_000 }
}

/// What became of one part.
struct LinearizabilityResult {
    /// The key and element, empty for a history without such.
    let name: String
    var verdict = Verdict.unknown
    /// One sentence, where it is not valid.
    var reason = ""
    var evidence: [String] = []
    var statistics: JSONObject = [:]
    var steps = 0

    init(name: String) { self.name = name }

    /// Notes that there is no order, and why.
    mutating func refute<Model: SequentialModel>(_ failure: LinearizabilityFailure<Model>) {
        self.verdict = .invalid
        self.evidence = failure.evidence
        self.statistics = failure.statistics
        self.reason = failure.sentence
        self.steps += failure.steps
    }
}

/// Puts the results of all parts together.
struct LinearizabilityReport {
    let checker: String
    let model: String
    var isSplit = false
    var budget = 0
    private var results: [LinearizabilityResult] = []
    private var opCount = 0
    private var count = 0
    private var steps = 0

    init(checker: String, model: String) {
        self.checker = checker
        self.model = model
    }

    mutating func add(_ result: LinearizabilityResult, ops: Int) {
        self.count += 1
        self.opCount += ops
        self.steps += result.steps
        if result.verdict != .valid { self.results.append(result) }
    }

    var finding: Finding {
        let invalid = self.results.filter { $0.verdict == .invalid }
        let unknown = self.results.filter { $0.verdict == .unknown }
        let verdict: Verdict =
            !invalid.isEmpty
            ? .invalid : !unknown.isEmpty || self.opCount == 0 ? .unknown : .valid
        let parts = self.count > 1 ? " in \(self.count) parts" : ""
        let summary: String
        if let first = invalid.first {
            let place = first.name.isEmpty ? "" : "\(first.name): "
            let others = invalid.count > 1 ? ", and \(invalid.count - 1) more parts" : ""
            summary = "not linearizable: \(place)\(first.reason)\(others)"
        } else if let first = unknown.first {
            let place = first.name.isEmpty ? "" : "\(first.name): "
            summary =
                "\(place)\(first.reason) (\(self.steps) of \(self.budget)"
                + " over \(counted(self.opCount, "operation"))\(parts))"
        } else if self.opCount == 0 {
            summary = "there were no operations that tell anything"
        } else {
            summary =
                "\(counted(self.opCount, "operation"))\(parts) are linearizable"
                + " as a \(self.model)"
        }
        var statistics: JSONObject = [
            "model": .string(self.model), "operation_count": .int(Int64(self.opCount)),
            "part_count": .int(Int64(self.count)),
            "invalid_part_count": .int(Int64(invalid.count)),
            "unknown_part_count": .int(Int64(unknown.count)),
            "step_count": .int(Int64(self.steps)), "budget": .int(Int64(self.budget)),
        ]
        if !invalid.isEmpty {
            statistics["failures"] = .array(
                invalid.prefix(8).map { result in
                    var object = result.statistics
                    object["part"] = .string(result.name)
                    return .object(object)
                })
        }
        return Finding(
            checker: self.checker, verdict: verdict, summary: summary,
            anomalies: invalid.isEmpty ? [] : ["not-linearizable"],
            evidence: invalid.prefix(4).flatMap { result in
                (result.name.isEmpty ? [] : ["\(result.name): \(result.reason)"])
                    + result.evidence
            }, statistics: statistics)
    }
}
