import ChaosCore
import ChaosScenario

/// A kind of workload that a scenario can ask for by name.
private struct WorkloadKind: Sendable {
    let name: String
    /// The parameters beside those that all workloads have.
    let parameters: [String]
    let make: @Sendable (WorkloadParameters) throws(InputError) -> any Workload
}

private let workloadKinds: [WorkloadKind] = [
    WorkloadKind(name: "broadcast", parameters: ["topology"]) { parameters throws(InputError) in
        BroadcastWorkload(
            settings: try parameters.settings(),
            topology: try parameters.choice("topology", among: Topology.self) ?? .grid)
    },
    WorkloadKind(name: "echo", parameters: []) { parameters throws(InputError) in
        EchoWorkload(settings: try parameters.settings())
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
/// All take `rate` (`100/s`), `concurrency`, `for` (also `duration`), `timeout` and `arrivals`;
/// what is missing has the defaults of ``LoadSettings``. Values may be texts or JSON numbers.
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
    return try kind.make(WorkloadParameters(values: parameters))
}
