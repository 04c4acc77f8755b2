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

    @Flag(help: "Take about a minute instead of about six.")
    var quick = false

    @Option(help: "How often everything is measured; wins over the plan.")
    var repeats: Int?

    @Option(help: "How many connections are idle while memory is measured.")
    var idle: Int?

    @Option(help: "Write every sample to this file, as JSON.")
    var json: String?

    func validate() throws {
        if let repeats = self.repeats, !(1...100).contains(repeats) {
            throw ValidationError("--repeats: 1 to 100, found '\(repeats)'")
        }
        if let idle = self.idle, !(1...20_000).contains(idle) {
            throw ValidationError("--idle: 1 to 20000, found '\(idle)'")
        }
    }

    func run() throws {
        var plan = self.quick ? Plan.quick : Plan.full
        plan.repeats = self.repeats ?? plan.repeats
        plan.idleConnections = self.idle ?? plan.idleConnections
        if !self.targets.isEmpty { plan.targets = self.targets }
        if !self.measures.isEmpty { plan.measures = self.measures }
        if self.other != nil, !plan.targets.contains(.other) { plan.targets.append(.other) }
        try Self.raiseFileLimit(forConnections: plan.idleConnections)
        let folder = try Self.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let ending = Interruption(removing: folder)
        defer { ending.stop() }
        let place = TargetPlace(
            chaos: try Self.program("--chaos", self.chaos),
            otherChaos: try self.other.map { try Self.program("--other", $0) },
            bench: CommandLine.executablePath, folder: folder)
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

    private static func program(_ option: String, _ file: String) throws -> String {
        let path = URL(fileURLWithPath: file).path
        if FileManager.default.isExecutableFile(atPath: path) { return path }
        throw BenchError(
            "\(option): there is no such program, found '\(file)'\n"
                + "hint: swift build -c release --product chaos")
    }

    /// Client and server each hold one descriptor per connection, and so do both sides of a proxy,
    /// which inherits the limit.
    private static func raiseFileLimit(forConnections count: Int) throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let needed = rlim_t(2 * count + 500)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        if limit.rlim_max < needed {
            throw BenchError(
                "\(count) idle connections need \(needed) open files, the limit is "
                    + "\(limit.rlim_max)\nhint: ulimit -n \(needed), or --idle with fewer")
        }
    }

    private static func makeFolder() throws -> String {
        var template = Array("/tmp/chaos-bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw BenchError("mkdtemp failed") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
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
