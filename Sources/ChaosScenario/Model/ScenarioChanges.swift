import ChaosCore

/// What a command line changes about a file's scenario while it is read.
package struct ScenarioChanges: Hashable, Sendable {
    /// The variant that runs in the place of the lesson's.
    package var variant: String?
    /// Whether the schedule and all conditions of the network are left out.
    package var withoutFaults = false
    /// What all times are multiplied by.
    package var timeScale = TimeScale.none

    /// Changes nothing.
    package init() {}

    /// Whether the run is another one than the file's expectation is about.
    func changeTheVerdict(of lesson: LessonSpec?) -> Bool {
        self.withoutFaults || (self.variant != nil && self.variant != lesson?.variant)
    }
}

extension Scenario {
    /// Puts a variant where commands say `{variant}`.
    mutating func take(variant: String) {
        func filled(_ text: String) -> String {
            text.split(separator: "{variant}", omittingEmptySubsequences: false)
                .joined(separator: variant)
        }
        for index in self.nodes.indices {
            switch self.nodes[index].command {
            case .text(let text): self.nodes[index].command = .text(filled(text))
            case .words(let words): self.nodes[index].command = .words(words.map(filled))
            }
        }
        if let command = self.workload?.parameters["command"] {
            switch command {
            case .string(let text):
                self.workload?.parameters["command"] = .string(filled(text))
            case .array(let words):
                self.workload?.parameters["command"] = .array(
                    words.map { $0.stringValue.map { .string(filled($0)) } ?? $0 })
            default: break
            }
        }
    }

    /// Leaves out everything that disturbs: the schedule, and what is wrong with the network.
    mutating func removeFaults() {
        self.schedule = []
        self.network.rules = []
        self.network.profile = nil
    }

    /// Whether anything is to disturb the run.
    package var hasFaults: Bool { !self.schedule.isEmpty || !self.network.rules.isEmpty }
}
