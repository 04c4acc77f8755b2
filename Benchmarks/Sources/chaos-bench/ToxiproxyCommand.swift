import ArgumentParser
import Foundation

/// Measures `chaos proxy` as users of Toxiproxy have it: without a toxic, and with two that many use.
struct ToxiproxyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "toxiproxy",
        abstract: "Measures chaos proxy without a toxic, with latency and with bandwidth.",
        discussion: """
            Each row is a program of its own, and every row is measured in every repeat. Toxics act on both
            directions. Nothing here needs Toxiproxy.
            """)

    @Option(help: "The program chaos, built for release.")
    var chaos: String = ".build/release/chaos"

    @Option(help: "How often everything but memory is measured; the table shows medians.")
    var repeats = 3

    @Option(help: "How many seconds each measure takes.")
    var seconds = 2.0

    @Option(help: "How many connections are open while memory is measured.")
    var idle = 2000

    func validate() throws {
        if !(1...100).contains(self.repeats) {
            throw ValidationError("--repeats: 1 to 100, found '\(self.repeats)'")
        }
        if !(0.1...60).contains(self.seconds) {
            throw ValidationError("--seconds: 0.1 to 60, found '\(self.seconds)'")
        }
        if !(1...20_000).contains(self.idle) {
            throw ValidationError("--idle: 1 to 20000, found '\(self.idle)'")
        }
    }

    func run() throws {
        let program = try Folder.program("--chaos", self.chaos)
        let files = OpenFiles.raisedLimit()
        // The client and the server of the bench hold a descriptor for each.
        if files < 2 * self.idle + 100 {
            throw BenchError(
                "\(self.idle) connections need \(2 * self.idle + 100) open files, the limit is "
                    + "\(files)\nhint: ulimit -n, or --idle with fewer")
        }
        let folder = try Folder.make()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let server = try BenchServer(ports: ToxiproxyRow.allCases.count)
        var rows: [ToxiproxyRow: [ToxiproxyFigures]] = [:]
        for index in 0..<self.repeats {
            for (row, upstream) in zip(ToxiproxyRow.allCases, server.endpoints) {
                let figures = try row.measure(
                    program: program, before: upstream, in: folder, seconds: self.seconds,
                    idle: index == 0 ? self.idle : nil)
                rows[row, default: []].append(figures)
            }
        }
        print(
            "| chaos proxy with | Gbit/s | round trip p50 | p99 | connections/s | memory, \(self.idle) open | per connection |"
        )
        print("|---|---:|---:|---:|---:|---:|---:|")
        for row in ToxiproxyRow.allCases {
            print("| \(row.title) | \(ToxiproxyFigures.text(rows[row] ?? [])) |")
        }
    }
}

/// What is on the way.
enum ToxiproxyRow: String, CaseIterable {
    case none, latency, bandwidth

    var title: String {
        switch self {
        case .none: "no toxic"
        case .latency: "`latency` 10 ms each way"
        case .bandwidth: "`bandwidth` 125 000 KB/s each way"
        }
    }

    private var attributes: String? {
        switch self {
        case .none: nil
        case .latency: #""latency":10"#
        case .bandwidth: #""rate":125000"#
        }
    }

    /// The proxy as a configuration file has it.
    private func config(_ listen: Endpoint, _ upstream: Endpoint) -> String {
        let toxics = self.attributes.map { attributes in
            ["upstream", "downstream"].map { stream in
                #"{"type":"\#(self.rawValue)","stream":"\#(stream)","attributes":{\#(attributes)}}"#
            }.joined(separator: ",")
        }
        return
            #"[{"name":"bench","listen":"\#(listen)","upstream":"\#(upstream)","toxics":[\#(toxics ?? "")]}]"#
    }

    /// Starts a program for this row, and measures it.
    func measure(
        program: String, before upstream: Endpoint, in folder: String, seconds: Double, idle: Int?
    ) throws -> ToxiproxyFigures {
        let listen = try FreePort.endpoint()
        let api = try FreePort.endpoint()
        let file = "\(folder)/\(self.rawValue).json"
        try self.config(listen, upstream).write(toFile: file, atomically: true, encoding: .utf8)
        let process = try ChildProcess(
            [program, "proxy", "--host", api.host, "--port", "\(api.port)", "--config", file],
            logFile: "\(folder)/\(self.rawValue).log")
        let running = RunningTarget(.chaos, at: listen, process: process)
        defer { running.end() }
        try running.waitUntilReady(within: 10)
        var figures = ToxiproxyFigures()
        if let idle {
            // Memory first: what loads leave behind is not what open connections cost.
            Pause.milliseconds(100)
            let empty = running.usage?.memory ?? 0
            let open = try IdleConnections(idle, to: listen)
            // Swift would close the sockets after their last use, before memory is read.
            withExtendedLifetime(open) {
                Pause.milliseconds(300)
                let full = running.usage?.memory ?? 0
                figures.mebibytes = Double(full) / 1024 / 1024
                figures.kibibytesEach = Double(full - empty) / 1024 / Double(idle)
            }
        }
        figures.gigabits = try BulkLoad.run(to: listen, streams: 1, seconds: seconds)
            .gigabitsPerSecond
        let times = try RoundTrips.run(to: listen, connections: 1, seconds: seconds)
        figures.median = times.microseconds(0.5)
        figures.p99 = times.microseconds(0.99)
        figures.connects = try ConnectRate.run(
            to: listen, concurrency: 16, seconds: seconds, limit: Plan.connectLimit
        ).perSecond
        return figures
    }
}

/// What one row came to.
struct ToxiproxyFigures {
    var gigabits = 0.0
    /// Round trips in microseconds.
    var median = 0.0
    var p99 = 0.0
    var connects = 0.0
    /// Memory, which is measured once.
    var mebibytes: Double?
    var kibibytesEach: Double?

    /// The medians of several repeats as cells of a table.
    static func text(_ all: [ToxiproxyFigures]) -> String {
        func middle(_ figure: (ToxiproxyFigures) -> Double) -> Double {
            all.map(figure).sorted()[all.count / 2]
        }
        func time(_ microseconds: Double) -> String {
            microseconds < 1000
                ? String(format: "%.0f µs", microseconds)
                : String(format: "%.2f ms", microseconds / 1000)
        }
        return [
            String(format: "%.2f", middle(\.gigabits)), time(middle(\.median)),
            time(middle(\.p99)), String(format: "%.0f", middle(\.connects)),
            String(format: "%.1f MiB", all.lazy.compactMap(\.mebibytes).first ?? 0),
            String(format: "%.1f KiB", all.lazy.compactMap(\.kibibytesEach).first ?? 0),
        ].joined(separator: " | ")
    }
}
