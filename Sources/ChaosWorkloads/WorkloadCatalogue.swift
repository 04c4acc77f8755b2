import ChaosCore
import ChaosScenario

/// A kind of workload that a scenario can ask for by name.
private struct WorkloadKind: Sendable {
    let name: String
    /// The parameters beside those that all workloads have.
    var parameters: [String] = []
    /// How it runs where a scenario does not say.
    var defaults = LoadSettings()
    let make: @Sendable (WorkloadParameters, LoadSettings) throws(InputError) -> any Workload
}

/// The kinds whose clients wait for their replies.
private func waiting(perNode: Int = 1) -> LoadSettings {
    var settings = LoadSettings()
    settings.loop = .closed
    settings.concurrency = .perNode(perNode)
    return settings
}

private let transactionParameters = ["key_count", "max_txn_length", "max_writes_per_key"]

/// Transactions of reads and of one kind of write.
private func transactions(_ kind: String, verb: String, check: String) -> WorkloadKind {
    WorkloadKind(
        name: kind, parameters: transactionParameters, defaults: waiting()
    ) { parameters, settings throws(InputError) in
        let shape = try parameters.transactionShape()
        return GeneratedWorkload(
            kind: kind, settings: settings, checks: [CheckRequest(check)], hasFinalReads: false
        ) { TransactionSource(verb: verb, draw: TransactionDraw(shape), seed: $0.seed) }
    }
}

/// Clients of link shorteners.
@Sendable private func linkClients(_ context: WorkloadContext) -> WorkerPool.ClientFactory {
    { name, node in LinkClient(name: name, node: node) }
}

private let workloadKinds: [WorkloadKind] = [
    WorkloadKind(name: "broadcast", parameters: ["topology"]) {
        parameters, settings throws(InputError) in
        let topology = TopologyMessages(
            topology: try parameters.choice("topology", among: Topology.self) ?? .grid,
            timeout: settings.timeout)
        return GeneratedWorkload(
            kind: "broadcast", settings: settings, checks: [CheckRequest("set-full")],
            hasFinalReads: true, prepare: { try await topology.send($0) }
        ) { SharedSource.set(.broadcast, $0.seed) }
    },
    WorkloadKind(name: "echo") { _, settings throws(InputError) in
        GeneratedWorkload(
            kind: "echo", settings: settings, checks: [CheckRequest("echo")], hasFinalReads: false
        ) { SharedSource.echo($0.seed) }
    },
    WorkloadKind(name: "unique-ids", defaults: waiting()) { _, settings throws(InputError) in
        GeneratedWorkload(
            kind: "unique-ids", settings: settings, checks: [CheckRequest("unique-ids")],
            hasFinalReads: false
        ) { SharedSource.uniqueIDs($0.seed) }
    },
    WorkloadKind(name: "g-set", defaults: waiting()) { _, settings throws(InputError) in
        GeneratedWorkload(
            kind: "g-set", settings: settings, checks: [CheckRequest("set-full")],
            hasFinalReads: true
        ) { SharedSource.set(.growOnly, $0.seed) }
    },
    WorkloadKind(name: "g-counter", defaults: waiting()) { _, settings throws(InputError) in
        GeneratedWorkload(
            kind: "g-counter", settings: settings,
            // Maelstrom's promises agreement in the end alone.
            checks: [CheckRequest("g-counter", ["monotonic": "false"])],
            hasFinalReads: true
        ) { SharedSource.counter(isGrowOnly: true, $0.seed) }
    },
    WorkloadKind(name: "pn-counter", defaults: waiting()) { _, settings throws(InputError) in
        GeneratedWorkload(
            kind: "pn-counter", settings: settings, checks: [CheckRequest("pn-counter")],
            hasFinalReads: true
        ) { SharedSource.counter(isGrowOnly: false, $0.seed) }
    },
    WorkloadKind(name: "lin-kv", defaults: waiting(perNode: 2)) { _, settings throws(InputError) in
        GeneratedWorkload(
            kind: "lin-kv", settings: settings,
            checks: [
                CheckRequest("linearizable", ["model": "cas-register", "independent": "true"])
            ],
            hasFinalReads: false
        ) { context in
            let nodes = context.nodes.count
            return RegisterSource(
                nodes: nodes, workers: settings.concurrency.count(nodes: nodes), seed: context.seed)
        }
    },
    transactions("txn-list-append", verb: "append", check: "list-append"),
    transactions("txn-rw-register", verb: "w", check: "rw-register"),
    WorkloadKind(name: "kafka", parameters: transactionParameters, defaults: waiting()) {
        parameters, settings throws(InputError) in
        if settings.loop == .open {
            throw InputError(
                "a client of 'kafka' goes on where it stopped, so it waits for its replies",
                found: "loop: open", hint: "write 'loop: closed'")
        }
        let shape = try parameters.transactionShape()
        return GeneratedWorkload(
            kind: "kafka", settings: settings, checks: [CheckRequest("kafka")], hasFinalReads: true
        ) { context in
            LogSource(
                shape, workers: settings.concurrency.count(nodes: context.nodes.count),
                seed: context.seed, now: context.now)
        }
    },
    WorkloadKind(name: "cache", defaults: waiting(perNode: 2)) { _, settings throws(InputError) in
        GeneratedWorkload(
            kind: "cache", settings: settings, checks: [CheckRequest("ttl")], hasFinalReads: false
        ) { SharedSource.cache($0.seed) }
    },
    WorkloadKind(name: "bank", parameters: ["accounts"], defaults: waiting()) {
        parameters, settings throws(InputError) in
        let count = try parameters.count("accounts", in: 2...1000) ?? 4
        return GeneratedWorkload(
            kind: "bank", settings: settings, checks: [CheckRequest("bank")], hasFinalReads: true
        ) { SharedSource.bank(accounts: count, $0.seed) }
    },
    WorkloadKind(name: "configuration", defaults: waiting()) { _, settings throws(InputError) in
        GeneratedWorkload(
            kind: "configuration", settings: settings, checks: [CheckRequest("configuration")],
            hasFinalReads: true
        ) { SharedSource.configuration($0.seed) }
    },
    WorkloadKind(name: "jobs", parameters: ["poisoned"], defaults: waiting()) {
        parameters, settings throws(InputError) in
        let poisoned = try parameters.count("poisoned", in: 1...1_000_000)
        return GeneratedWorkload(
            kind: "jobs", settings: settings, checks: [CheckRequest("jobs")], hasFinalReads: true
        ) { JobSource(poisoned: poisoned, seed: $0.seed) }
    },
    WorkloadKind(name: "lock", defaults: waiting()) { _, settings throws(InputError) in
        GeneratedWorkload(
            kind: "lock", settings: settings, checks: [CheckRequest("fenced-lock")],
            hasFinalReads: false
        ) { LockSource(seed: $0.seed) }
    },
    WorkloadKind(
        name: "connections", parameters: ["disconnects"], defaults: waiting(perNode: 2)
    ) { parameters, settings throws(InputError) in
        let disconnects = try parameters.share("disconnects") ?? Ratio(percent: 5)
        return GeneratedWorkload(
            kind: "connections", settings: settings, checks: [CheckRequest("connections")],
            hasFinalReads: true
        ) {
            ConnectionSource(
                nodes: $0.nodes.map(\.node), disconnects: disconnects, seed: $0.seed)
        }
    },
    WorkloadKind(name: "members", defaults: waiting()) { _, settings throws(InputError) in
        GeneratedWorkload(
            kind: "members", settings: settings, checks: [CheckRequest("membership")],
            hasFinalReads: true
        ) { SharedSource.members($0.seed) }
    },
    WorkloadKind(name: "pubsub", defaults: waiting()) { _, settings throws(InputError) in
        GeneratedWorkload(
            kind: "pubsub", settings: settings, checks: [CheckRequest("pubsub")],
            hasFinalReads: true
        ) { PublicationSource(nodes: $0.nodes.map(\.node), seed: $0.seed) }
    },
    WorkloadKind(name: "processes", defaults: waiting(perNode: 2)) {
        _, settings throws(InputError) in
        GeneratedWorkload(
            kind: "processes", settings: settings, checks: [CheckRequest("processes")],
            hasFinalReads: true
        ) { ProcessSource(nodes: $0.nodes.map(\.node), seed: $0.seed) }
    },
    WorkloadKind(name: "supervision") { _, settings throws(InputError) in
        GeneratedWorkload(
            kind: "supervision", settings: settings,
            checks: [CheckRequest("echo"), CheckRequest("supervision")], hasFinalReads: true
        ) { SharedSource.echo($0.seed, final: .trace) }
    },
    WorkloadKind(name: "observer", defaults: waiting(perNode: 2)) {
        _, settings throws(InputError) in
        GeneratedWorkload(
            kind: "observer", settings: settings,
            checks: [CheckRequest("echo"), CheckRequest("observer")], hasFinalReads: true
        ) { SharedSource.observation($0.seed) }
    },
    WorkloadKind(name: "telemetry", defaults: waiting()) { _, settings throws(InputError) in
        GeneratedWorkload(
            kind: "telemetry", settings: settings, checks: [CheckRequest("telemetry")],
            hasFinalReads: true
        ) { TelemetrySource(nodeCount: $0.nodes.count, seed: $0.seed) }
    },
    WorkloadKind(name: "stack", parameters: ["pushes"], defaults: waiting()) {
        parameters, settings throws(InputError) in
        let pushes = try parameters.share("pushes") ?? Ratio(percent: 60)
        return GeneratedWorkload(
            kind: "stack", settings: settings,
            checks: [CheckRequest("linearizable", ["model": "stack"])], hasFinalReads: false
        ) { SharedSource.stack(pushes: pushes, $0.seed) }
    },
    WorkloadKind(name: "or-set", defaults: waiting()) { _, settings throws(InputError) in
        GeneratedWorkload(
            kind: "or-set", settings: settings, checks: [CheckRequest("or-set")],
            hasFinalReads: true
        ) { RemovableSetSource(seed: $0.seed) }
    },
    WorkloadKind(name: "links", parameters: ["habits"], defaults: waiting(perNode: 2)) {
        parameters, settings throws(InputError) in
        let habits = try parameters.linkHabits()
        return GeneratedWorkload(
            kind: "links", settings: settings, checks: [CheckRequest("write-once")],
            hasFinalReads: true, makeClient: linkClients
        ) { LinkSource(habits, nodeCount: $0.nodes.count, seed: $0.seed) }
    },
    WorkloadKind(name: "views", defaults: waiting(perNode: 2)) { _, settings throws(InputError) in
        GeneratedWorkload(
            kind: "views", settings: settings,
            checks: [CheckRequest("g-counter", ["monotonic": "false"])],
            hasFinalReads: true, makeClient: linkClients
        ) { ViewSource(nodeCount: $0.nodes.count, seed: $0.seed) }
    },
    WorkloadKind(name: "ledger", parameters: ["accounts"], defaults: waiting(perNode: 2)) {
        parameters, settings throws(InputError) in
        let count = try parameters.count("accounts", in: 2...1000) ?? 6
        return GeneratedWorkload(
            kind: "ledger", settings: settings, checks: [CheckRequest("ledger")],
            hasFinalReads: true,
            makeClient: { _ in { name, node in LedgerClient(name: name, node: node) } }
        ) { LedgerSource(accounts: count, nodeCount: $0.nodes.count, seed: $0.seed) }
    },
    WorkloadKind(
        name: "client", parameters: ["command", "like", "topology"] + transactionParameters
    ) { parameters, _ throws(InputError) in
        let words = try parameters.command()
        return try parameters.model().workload.carriedOut(as: "client") { context in
            { name, node in
                guard let start = context.startProgram else {
                    throw WorkloadError("nobody can start the client program '\(words[0])' here")
                }
                return try await ProgramOperationClient.start(
                    name: name, node: node, try await start(words))
            }
        }
    },
    WorkloadKind(name: "http", parameters: ["requests", "like"] + transactionParameters) {
        parameters, _ throws(InputError) in
        let templates = try parameters.httpTemplates()
        let model = try parameters.model()
        return model.workload.carriedOut(as: "http", functions: Set(templates.keys)) { _ in
            { name, node in
                HTTPOperationClient(
                    name: name, node: node, templates: templates, isKeyed: model.name == "lin-kv")
            }
        }
    },
    WorkloadKind(name: "resp", parameters: ["requests", "like"] + transactionParameters) {
        parameters, _ throws(InputError) in
        let commands = try parameters.commands()
        let model = try parameters.model()
        return model.workload.carriedOut(as: "resp", functions: Set(commands.keys)) { _ in
            { name, node in
                RESPOperationClient(
                    name: name, node: node, commands: commands, isKeyed: model.name == "lin-kv")
            }
        }
    },
]

/// The names of all workloads, in the order in which documents list them.
package let workloadNames: [String] = workloadKinds.map(\.name)

/// Makes the workload that a scenario describes.
///
/// - Throws: `InputError`, see ``makeWorkload(kind:parameters:)``.
package func makeWorkload(_ spec: WorkloadSpec) throws(InputError) -> any Workload {
    var parameters = spec.parameters
    if let duration = spec.duration { parameters["for"] = .string(duration.text) }
    return try makeWorkload(kind: spec.kind, parameters: parameters)
}

/// Makes a workload by name.
///
/// All take `rate` (`100/s`), `concurrency` (`6`, or `2n` for two a node), `for` (also `duration`),
/// `timeout`, `arrivals`, `loop` and `recovery`; what is missing has the defaults of the kind. Values
/// may be texts or JSON numbers.
///
/// - Throws: `InputError` for names and parameters that are unknown, with the nearest known one,
///   and for values that break the parameter's rule.
package func makeWorkload(
    kind name: String, parameters: JSONObject = [:]
) throws(InputError) -> any Workload {
    guard let kind = workloadKinds.first(where: { $0.name == name }) else {
        throw InputError(
            "a workload is one of \(workloadNames.joined(separator: ", "))", found: name,
            hint: Suggestion.nearest(to: name, among: workloadNames).map { "did you mean '\($0)'?" }
        )
    }
    let known = WorkloadParameters.common + kind.parameters
    for member in parameters.members where member.key != "kind" && !known.contains(member.key) {
        throw InputError(
            "the workload '\(name)' has no such parameter", found: member.key,
            hint: Suggestion.hint(for: member.key, among: known))
    }
    let read = WorkloadParameters(values: parameters)
    return try kind.make(read, try read.settings(kind.defaults))
}
