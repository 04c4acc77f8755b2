/// A way from client to server whose cost is measured.
enum Target: String, CaseIterable, Codable, Sendable {
    case direct
    case chaos
    /// Another build of chaos, for example from before a change.
    case other
    case haproxy
    case haproxyLarge
    case nginx
    case nginxLarge
    /// chaos with a delay of 10 ms on the way to the server.
    case delayed

    /// Those that are compared with each other.
    static let compared: [Target] = [
        .direct, .chaos, .other, .haproxy, .haproxyLarge, .nginx, .nginxLarge,
    ]
    /// Those that have programs of their own.
    static let withMemory = Target.compared.filter { $0 != .direct }
    /// What ratios are ratios to.
    static let reference = Target.haproxy
    /// What `delayed` asks for, in milliseconds.
    static let delayMilliseconds = 10.0

    /// The name in tables.
    var title: String {
        switch self {
        case .direct: "direct"
        case .chaos: "chaos"
        case .other: "other chaos"
        case .haproxy: "HAProxy"
        case .haproxyLarge: "HAProxy 1 MiB"
        case .nginx: "nginx"
        case .nginxLarge: "nginx 1 MiB"
        case .delayed: "chaos, 10 ms"
        }
    }

    /// Starts the target in front of a server.
    func start(before upstream: Endpoint, _ place: TargetPlace) throws -> RunningTarget {
        switch self {
        case .direct: RunningTarget(self, at: upstream, process: nil)
        case .chaos: try ChaosTarget.start(self, before: upstream, place, place.chaos, faults: [])
        case .other:
            try ChaosTarget.start(
                self, before: upstream, place, place.otherChaos ?? place.chaos, faults: [])
        case .delayed:
            try ChaosTarget.start(
                self, before: upstream, place, place.chaos, faults: ["client->bench delay=10ms"])
        case .haproxy: try HAProxyTarget.start(self, before: upstream, place, buffer: nil)
        case .haproxyLarge: try HAProxyTarget.start(self, before: upstream, place, buffer: 1 << 20)
        case .nginx: try NginxTarget.start(self, before: upstream, place, buffer: nil)
        case .nginxLarge: try NginxTarget.start(self, before: upstream, place, buffer: 1 << 20)
        }
    }
}

/// Where targets find their programs and keep their files.
struct TargetPlace: Sendable {
    /// The program `chaos`.
    let chaos: String
    /// Another build of it.
    let otherChaos: String?
    /// This program, which `chaos` runs as its wrapped command.
    let bench: String
    /// A folder that is removed at the end.
    let folder: String
}

/// A target that takes connections.
final class RunningTarget {
    let target: Target
    let endpoint: Endpoint
    private let process: ChildProcess?
    /// Kept open as long as the target shall run.
    private let lifeline: UnixListener?

    init(
        _ target: Target, at endpoint: Endpoint, process: ChildProcess?,
        lifeline: UnixListener? = nil
    ) {
        self.target = target
        self.endpoint = endpoint
        self.process = process
        self.lifeline = lifeline
    }

    /// What the target's processes use; `nil` for the direct way, which has none.
    var usage: ProcessUsage? { self.process.map { ProcessUsage.ofTree($0.identifier) } }

    /// Whether its program still runs.
    var isAlive: Bool { self.process?.isRunning ?? true }

    /// The last lines of its program's output.
    var lastWords: String { self.process?.lastWords ?? "" }

    /// Ends its program; returns when it is gone.
    func end() {
        self.lifeline?.hangUp()
        self.process?.end()
    }

    /// Waits until a message goes there and back.
    func waitUntilReady(within seconds: Double) throws {
        let end = MonotonicClock.after(seconds)
        while true {
            do {
                _ = try RoundTrips.run(to: self.endpoint, connections: 1, seconds: 0.01)
                return
            } catch {
                if !self.isAlive || MonotonicClock.now > end {
                    throw BenchError(
                        "\(self.target.title) does not answer at \(self.endpoint): \(error); "
                            + "it said '\(self.lastWords)'")
                }
                Pause.milliseconds(20)
            }
        }
    }
}
