import ArgumentParser
import Foundation

/// Measures all targets and prints the tables.
struct MeasureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "measure",
        abstract: "Measures direct, chaos, HAProxy and nginx on loopback.",
        discussion: """
            Every target is measured in every repeat, one after the other, so that all share the
            machine's moods. Compare ratios, not values, and no closer than their spread.
            """)

    @Option(help: "The program chaos, built for release.")
    var chaos: String = ".build/release/chaos"

    @Option(help: "Another build of chaos, measured beside it; for example from before a change.")
    var other: String?

    @Option(
        name: .customLong("target"), parsing: .upToNextOption,
        help: "Only these targets; ratios need 'haproxy'.")
    var targets: [Target] = []

    @Option(name: .customLong("measure"), parsing: .upToNextOption, help: "Only these measures.")
    var measures: [Measure] = []

    @Flag(help: "Take about two minutes instead of about ten.")
    var quick = false

    @Option(help: "How often everything is measured; wins over the plan.")
    var repeats: Int?

    @Option(help: "How many connections are idle while memory is measured.")
    var idle: Int?

    @Option(help: "How many are when there are many.")
    var manyIdle: Int?

    @Option(help: "How many links, and faults, chaos has when there are many.")
    var links: Int?

    @Option(help: "Write every sample to this file, as JSON.")
    var json: String?

    func validate() throws {
        if let repeats = self.repeats, !(1...100).contains(repeats) {
            throw ValidationError("--repeats: 1 to 100, found '\(repeats)'")
        }
        for (name, count) in [("--idle", self.idle), ("--many-idle", self.manyIdle)] {
            if let count, !(1...25_000).contains(count) {
                throw ValidationError("\(name): 1 to 25000, found '\(count)'")
            }
        }
        if let links = self.links, !(2...5000).contains(links) {
            throw ValidationError("--links: 2 to 5000, found '\(links)'")
        }
    }

    func run() throws {
        var plan = self.quick ? Plan.quick : Plan.full
        plan.repeats = self.repeats ?? plan.repeats
        plan.idleConnections = self.idle ?? plan.idleConnections
        plan.manyConnections = self.manyIdle ?? plan.manyConnections
        plan.links = self.links ?? plan.links
        if !self.targets.isEmpty { plan.targets = self.targets }
        if !self.measures.isEmpty { plan.measures = self.measures }
        if self.other != nil, !plan.targets.contains(.other) { plan.targets.append(.other) }
        plan.limitConnections(toOpenFiles: OpenFiles.raisedLimit())
        let folder = try Folder.make()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let ending = Interruption(removing: folder)
        defer { ending.stop() }
        let place = TargetPlace(
            chaos: try Folder.program("--chaos", self.chaos),
            otherChaos: try self.other.map { try Folder.program("--other", $0) },
            bench: CommandLine.executablePath, folder: folder, links: plan.links)
        let bench = try Bench(plan, place, versions: Versions.all(chaos: place.chaos))
        let outcome = try bench.run()
        print(Tables(samples: outcome.samples, plan: plan).text)
        print("\n\(outcome.machine.text)\n\(outcome.versions.joined(separator: "; "))")
        if let json = self.json {
            let words = ["chaos-bench"] + CommandLine.arguments.dropFirst()
            try JSONReport(outcome, command: words.joined(separator: " ")).write(to: json)
        }
        for problem in outcome.problems { Progress.write("chaos-bench: \(problem)\n") }
        if !outcome.problems.isEmpty { throw ExitCode(1) }
    }
}

extension Target: ExpressibleByArgument {}
extension Measure: ExpressibleByArgument {}

extension CommandLine {
    /// The running program's file.
    static var executablePath: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
            ?? CommandLine.arguments[0]
    }
}
