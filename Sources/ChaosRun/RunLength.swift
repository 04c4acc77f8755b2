import ChaosCore
import ChaosScenario
import ChaosWorkloads

/// How long a run and its load last, from all who have a say in it.
///
/// `--for` wins over everything. Without it the scenario's `for` is the run's length, and a load with
/// a `for` of its own lasts that long at most. Without either the load's length is the run's.
package struct RunLength: Hashable, Sendable {
    /// How long the run lasts, as far as that is known before: what shares of a schedule refer to.
    package let total: Duration?
    /// How long clients send requests; `nil` without a workload.
    package let load: Duration?
    /// Whether the run ends when `total` is over, whatever else goes on.
    package let isLimit: Bool

    /// Works it out.
    ///
    /// - Parameters:
    ///   - scenario: What is run.
    ///   - wanted: What the command line says.
    package init(_ scenario: Scenario, wanted: Duration? = nil) {
        let limit = wanted ?? scenario.duration
        self.isLimit = limit != nil
        guard let spec = scenario.workload else {
            self.load = nil
            self.total = limit
            return
        }
        // Whoever read the scenario has made the workload before; what cannot be made has no length.
        let own = (try? makeWorkload(spec))?.duration ?? .zero
        let saysSo = spec.duration != nil || spec.parameters["duration"] != nil
        self.load =
            if let wanted { wanted } else if let limit { saysSo ? min(own, limit) : limit } else {
                own
            }
        self.total = limit ?? own
    }

    /// One sentence for the start of a run, where people could be surprised.
    package func note(hasCommand: Bool) -> String? {
        if let load = self.load, let total = self.total, load != total {
            return "the load lasts \(load.text), the run \(total.text)"
        }
        if self.total == nil && !hasCommand { return "runs until Ctrl-C or 'chaos end'" }
        return nil
    }
}
