import ArgumentParser
import ChaosControl
import ChaosCore

/// What every command that steers a live run accepts.
struct ControlOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The run, by its directory or name; needed when several are live.", valueName: "dir"))
    var run: String?

    @Flag(help: "Print the run's answer as JSON.")
    var json = false
}

/// What every command that cuts links accepts.
struct CutOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What the cut does: \(PartitionMode.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "mode"))
    var mode: String?

    @Option(
        name: .customLong("port"),
        help: ArgumentHelp("Only connections to this port; may be repeated.", valueName: "name"))
    var ports: [String] = []

    @OptionGroup var lease: LeaseOptions

    func add(to request: inout JSONObject) {
        if let mode = self.mode { request["mode"] = .string(mode) }
        if !self.ports.isEmpty { request["ports"] = .array(self.ports.map { .string($0) }) }
        self.lease.add(to: &request)
    }
}

/// How long an injection lasts.
struct LeaseOptions: ParsableArguments {
    @Option(
        name: .customLong("for"),
        help: ArgumentHelp("End by itself after this time, such as 10s.", valueName: "time"))
    var lease: String?

    func add(to request: inout JSONObject) {
        if let lease = self.lease { request["for"] = .string(lease) }
    }
}
