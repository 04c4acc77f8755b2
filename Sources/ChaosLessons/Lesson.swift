import ChaosCore
import ChaosRun
import ChaosScenario

/// A scenario of a reference system that shows one thing: how a variant breaks, or that one does not.
package struct Lesson: Sendable {
    /// The folder that it lies in.
    package let system: String
    /// The file's name without its ending.
    package let name: String
    /// The file, as `chaos test` takes it.
    package let file: String
    /// What it says.
    package let scenario: Scenario
    /// What it teaches.
    package let spec: LessonSpec

    /// Makes a lesson of a scenario; `nil` where it teaches nothing.
    package init?(system: String, name: String, file: String, scenario: Scenario) {
        guard let spec = scenario.lesson else { return nil }
        self.system = system
        self.name = name
        self.file = file
        self.scenario = scenario
        self.spec = spec
    }

    /// `unique-ids/volatile`: how people call it.
    package var title: String { "\(self.system)/\(self.name)" }

    /// The rows of the verdict matrix that follow from it.
    package var rows: [MatrixRow] {
        if let seeds = self.spec.seeds { return [MatrixRow(self, .seeds(seeds))] }
        var kinds: [MatrixRow.Kind] = [.trigger]
        // What breaks by itself has no quiet run that it would survive.
        if self.spec.repairedBy != nil, self.scenario.hasFaults, !self.spec.breaksInPeace {
            kinds.insert(.withoutFaults, at: 0)
        }
        if let repaired = self.spec.repairedBy { kinds.append(.repaired(by: repaired)) }
        return kinds.map { MatrixRow(self, $0) }
    }
}
