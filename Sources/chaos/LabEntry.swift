import ChaosCore
import ChaosLab
import ChaosRun
import ChaosScenario
import ChaosSockets

/// Goes into namespaces of its own if that is where these scenarios run: this program is executed again
/// and comes here a second time, inside.
///
/// - Throws: `RunError` where the machine cannot, or only some of the scenarios want it.
func enterLab(for scenarios: [Scenario]) throws {
    // Asked first: it takes the variable away that says so.
    let isInside = LabEntrance.current != nil
    let inLab = scenarios.filter { $0.chosenBackend == .lab }
    if inLab.isEmpty || isInside { return }
    if let other = scenarios.first(where: { $0.chosenBackend != .lab }) {
        throw RunError(
            "'\(inLab[0].name)' runs in the lab and '\(other.name)' behind the proxy, which one command "
                + "cannot do\nhint: run them one by one, or give --backend")
    }
    if let obstacle = thisMachine().obstacle {
        let reason =
            inLab[0].backend == .lab || inLab[0].backend == .netem
            ? "" : ", which '\(inLab[0].name)' needs for \(inLab[0].needOfLab ?? "its network")"
        let remedy = obstacle.remedy.map { "hint: \($0)" } ?? "hint: 'chaos doctor' tells more"
        throw RunError(
            "this machine cannot have a lab\(reason): \(obstacle.name): \(obstacle.finding)\n\(remedy)"
        )
    }
    ScenarioFile.restoreStandardInput()
    throw RunError(LabEntrance.enter(Swift.CommandLine.arguments).description)
}

/// Settles which backend carries each of these scenarios, and goes into namespaces of its own if that is
/// the lab.
///
/// - Returns: The scenarios, with what was chosen for each.
func settleBackends(
    of scenarios: [Scenario]
) throws -> [(scenario: Scenario, choice: BackendChoice)] {
    // Whoever is inside already was found able to.
    let isInside = LabEntrance.current != nil
    let obstacle = { isInside ? nil : thisMachine().obstacle.map { "\($0.name): \($0.finding)" } }
    var choices = scenarios.map { BackendChoice(for: $0, obstacle: obstacle) }
    // One command is either inside or not.
    if choices.contains(where: { $0.backend == .proxy }) {
        choices = choices.map {
            $0.backend == .lab && !$0.isNeeded ? .besideOthers : $0
        }
    }
    let settled = zip(scenarios, choices).map { scenario, choice in
        var scenario = scenario
        // Whatever repeats the run is to have the same.
        if choice.backend == .lab && scenario.backend == .automatic { scenario.backend = .lab }
        return (scenario: scenario, choice: choice)
    }
    try enterLab(for: settled.map(\.scenario))
    return settled
}

/// What this machine can do.
func thisMachine() -> Diagnosis {
    Diagnosis(.collect(areDiagnosticsBuilt: SocketDiagnostics.obstacle(withDatagrams: true) == nil))
}
