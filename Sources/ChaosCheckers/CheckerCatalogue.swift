import ChaosCore

/// A kind of checker that a scenario can ask for by name.
private struct CheckerKind: Sendable {
    let name: String
    let parameters: [String]
    /// Whether parameters may have any name.
    var isFree = false
    let make: @Sendable (CheckerParameters) throws(InputError) -> any Checker
}

private let checkerKinds: [CheckerKind] = [
    CheckerKind(name: "set-full", parameters: ["linearizable", "last_read_is_final"]) {
        parameters throws(InputError) in
        SetFullChecker(
            isLinearizable: try parameters.flag("linearizable") ?? false,
            lastReadIsFinal: try parameters.flag("last_read_is_final") ?? false)
    },
    CheckerKind(name: "availability", parameters: ["at_least", "nodes", "answers"]) {
        parameters throws(InputError) in
        let nodes = try parameters.text("nodes") ?? ""
        return AvailabilityChecker(
            minimum: try parameters.share("at_least"),
            nodes: nodes.split(separator: " ").map { String($0) },
            answers: try parameters.codes("answers"))
    },
    CheckerKind(name: "recovers", parameters: ["within"]) { parameters throws(InputError) in
        RecoversChecker(within: try parameters.duration("within"))
    },
    CheckerKind(name: "echo", parameters: []) { _ throws(InputError) in EchoChecker() },
    CheckerKind(
        name: "linearizable", parameters: ["model", "initial", "independent", "failures", "budget"]
    ) { parameters throws(InputError) in
        LinearizabilityChecker(
            model: try parameters.model, isIndependent: try parameters.flag("independent"),
            budget: try parameters.budget ?? LinearizabilityChecker.defaultBudget)
    },
    CheckerKind(name: "list-append", parameters: ["consistency_models", "budget"]) {
        parameters throws(InputError) in
        ListAppendChecker(
            models: try parameters.consistencyModels,
            budget: try parameters.budget ?? ListAppendChecker.defaultBudget)
    },
    CheckerKind(
        name: "rw-register",
        parameters: ["consistency_models", "sequential_keys", "linearizable_keys", "budget"]
    ) { parameters throws(InputError) in
        RegisterTransactionChecker(
            models: try parameters.consistencyModels,
            hasSequentialKeys: try parameters.flag("sequential_keys") ?? false,
            hasLinearizableKeys: try parameters.flag("linearizable_keys") ?? false,
            budget: try parameters.budget ?? ListAppendChecker.defaultBudget)
    },
    CheckerKind(name: "or-set", parameters: []) { _ throws(InputError) in RemovableSetChecker() },
    CheckerKind(name: "unique-ids", parameters: []) { _ throws(InputError) in UniqueIdsChecker() },
    CheckerKind(name: "counter", parameters: []) { _ throws(InputError) in CounterChecker() },
    CheckerKind(name: "g-counter", parameters: ["monotonic"]) { parameters throws(InputError) in
        CounterChecker(
            name: "g-counter", promise: .eventual,
            isGrowOnly: try parameters.flag("monotonic") ?? true)
    },
    CheckerKind(name: "pn-counter", parameters: []) { _ throws(InputError) in
        CounterChecker(name: "pn-counter", promise: .eventual)
    },
    CheckerKind(name: "configuration", parameters: []) { _ throws(InputError) in
        ConfigurationChecker()
    },
    CheckerKind(name: "jobs", parameters: []) { _ throws(InputError) in JobChecker() },
    CheckerKind(name: "kafka", parameters: []) { _ throws(InputError) in LogChecker() },
    CheckerKind(name: "bank", parameters: ["total", "initial", "negative", "snapshots"]) {
        parameters throws(InputError) in
        BankChecker(
            total: try parameters.count("total").map { Int64($0) },
            initial: try parameters.count("initial").map { Int64($0) },
            allowsNegative: try parameters.flag("negative") ?? false,
            hasSnapshots: try parameters.flag("snapshots") ?? true)
    },
    CheckerKind(name: "ledger", parameters: ["within"]) { parameters throws(InputError) in
        LedgerChecker(visibleWithin: try parameters.duration("within") ?? .zero)
    },
    CheckerKind(name: "write-once", parameters: ["linearizable", "within"]) {
        parameters throws(InputError) in
        let isLinearizable = try parameters.flag("linearizable") ?? false
        let within = try parameters.duration("within")
        return WriteOnceChecker(visibleWithin: isLinearizable ? .zero : within)
    },
    CheckerKind(name: "ttl", parameters: ["slop", "evicts"]) { parameters throws(InputError) in
        ExpiryChecker(
            slop: try parameters.duration("slop") ?? .milliseconds(50),
            mayEvict: try parameters.flag("evicts") ?? false)
    },
    CheckerKind(name: "fenced-lock", parameters: ["lease", "exclusive"]) {
        parameters throws(InputError) in
        FencedLockChecker(
            lease: try parameters.duration("lease"),
            isExclusive: try parameters.flag("exclusive") ?? true)
    },
    CheckerKind(name: "connections", parameters: ["within", "strangers", "steady"]) {
        parameters throws(InputError) in
        let strangers = try parameters.text("strangers") ?? ""
        return ConnectionsChecker(
            within: try parameters.duration("within") ?? .seconds(2),
            strangers: strangers.split(separator: " ").map { String($0) },
            isSteady: try parameters.flag("steady") ?? false)
    },
    CheckerKind(name: "membership", parameters: ["strangers"]) { parameters throws(InputError) in
        let strangers = try parameters.text("strangers") ?? ""
        return MembershipChecker(strangers: strangers.split(separator: " ").map { String($0) })
    },
    CheckerKind(name: "pubsub", parameters: ["within"]) { parameters throws(InputError) in
        PublicationChecker(within: try parameters.duration("within") ?? .milliseconds(1500))
    },
    CheckerKind(name: "processes", parameters: ["within"]) { parameters throws(InputError) in
        ProcessesChecker(within: try parameters.duration("within") ?? .seconds(2))
    },
    CheckerKind(
        name: "supervision", parameters: ["children", "strategy", "intensity", "period"]
    ) { parameters throws(InputError) in
        SupervisionChecker(tree: try parameters.supervisionTree)
    },
    CheckerKind(name: "observer", parameters: ["within"]) { parameters throws(InputError) in
        ObservationChecker(within: try parameters.duration("within") ?? .seconds(1))
    },
    CheckerKind(name: "telemetry", parameters: ["alert_above", "deaths"]) {
        parameters throws(InputError) in
        TelemetryChecker(
            alertLimit: try parameters.count("alert_above").map { Int64($0) } ?? 33,
            deaths: try parameters.count("deaths"))
    },
    CheckerKind(
        name: "slo", parameters: ["f", "rate"] + ServiceLevelChecker.quantiles.map(\.name)
    ) { parameters throws(InputError) in try parameters.serviceLevel },
    CheckerKind(name: "answered", parameters: ["within"]) { parameters throws(InputError) in
        AnsweredChecker(within: try parameters.duration("within") ?? .seconds(1))
    },
    CheckerKind(name: "quiescent", parameters: ["within"]) { parameters throws(InputError) in
        QuiescenceChecker(within: try parameters.duration("within") ?? .seconds(5))
    },
    CheckerKind(name: "converges", parameters: ["within"]) { parameters throws(InputError) in
        ConvergenceChecker(within: try parameters.duration("within") ?? .seconds(5))
    },
    CheckerKind(name: "one-leader", parameters: ["within"]) { parameters throws(InputError) in
        LeaderChecker(within: try parameters.duration("within") ?? .seconds(5))
    },
    CheckerKind(name: "stats", parameters: []) { _ throws(InputError) in StatisticsChecker() },
    CheckerKind(name: "assert", parameters: [], isFree: true) { parameters throws(InputError) in
        AssertionChecker(try parameters.assertions)
    },
]

/// The names of the models of the check `linearizable`.
package let linearizabilityModelNames = [
    "register", "cas-register", "counter", "set", "queue", "stack", "mutex", "owner-mutex",
]

/// The names of all checkers, in the order in which documents list them.
package let checkerNames: [String] = checkerKinds.map(\.name)

/// Makes the checker that a scenario names.
///
/// Values may be of their JSON type or the text of a scenario, such as `"true"` and `"90%"`.
///
/// - Throws: `InputError` for names and parameters that are unknown, with the nearest known one,
///   and for values that break the parameter's rule.
package func makeChecker(
    name: String, parameters: JSONObject = [:]
) throws(InputError) -> any Checker {
    guard let kind = checkerKinds.first(where: { $0.name == name }) else {
        throw InputError(
            "a check is one of \(checkerNames.joined(separator: ", "))", found: name,
            hint: Suggestion.nearest(to: name, among: checkerNames).map { "did you mean '\($0)'?" })
    }
    for member in parameters.members where !kind.isFree && !kind.parameters.contains(member.key) {
        if kind.parameters.isEmpty {
            throw InputError("the check '\(name)' takes no parameters", found: member.key)
        }
        throw InputError(
            "the check '\(name)' has no such parameter", found: member.key,
            hint: Suggestion.hint(for: member.key, among: kind.parameters))
    }
    return try kind.make(CheckerParameters(checker: name, values: parameters))
}
