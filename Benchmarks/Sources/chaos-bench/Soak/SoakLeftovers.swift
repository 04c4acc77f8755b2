import Foundation

/// What a run may not leave behind.
struct SoakLeftovers {
    /// A process that cannot be mistaken for a later one with its number.
    struct Identity: Hashable {
        let process: pid_t
        let startTime: String
        let name: String
    }

    private let processes: [Identity]
    private let endpoints: [Endpoint]
    private let controlPath: String

    /// Notes what there is while the run lives.
    init(of cluster: SoakCluster) {
        self.processes = ProcessUsage.tree(of: cluster.process.identifier).compactMap {
            Self.identity($0)
        }
        self.endpoints = Array(cluster.endpoints.values)
        // `latest` may soon point at another run.
        self.controlPath = URL(fileURLWithPath: cluster.controlPath).resolvingSymlinksInPath().path
    }

    private static func identity(_ process: pid_t) -> Identity? {
        guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let end = stat.lastIndex(of: ")")
        else { return nil }
        let fields = stat[end...].split(separator: " ")
        // A zombie holds nothing; its parent is told when it asks.
        guard fields.count > 20, fields[1] != "Z" else { return nil }
        let name = (try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)) ?? "?"
        return Identity(
            process: process, startTime: String(fields[20]),
            name: name.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    /// The processes of a name that lived when this was noted.
    func processes(named name: String) -> [pid_t] {
        self.processes.filter { $0.name == name }.map(\.process)
    }

    /// How many processes there were.
    var count: Int { self.processes.count }

    /// Those that are left after at most `seconds`, and how long the rest took to go.
    func remaining(within seconds: Double) -> (found: [String], seconds: Double) {
        let begin = MonotonicClock.now
        while true {
            let found = self.found
            let elapsed = MonotonicClock.seconds(since: begin)
            if found.isEmpty || elapsed > seconds { return (found, elapsed) }
            Pause.milliseconds(10)
        }
    }

    private var found: [String] {
        let processes = self.processes.filter { Self.identity($0.process) == $0 }
            .map { "process \($0.process) (\($0.name))" }
        let sockets = self.endpoints.filter {
            (try? Socket.connected(to: $0, patience: 1)) != nil
        }.map { "a listener at \($0)" }
        let files =
            FileManager.default.fileExists(atPath: self.controlPath) ? [self.controlPath] : []
        return processes + sockets + files
    }
}
