/// A way from client to server whose cost is measured.
enum Target: String, CaseIterable, Codable, Sendable {
    case direct
    case chaos
    /// Another build of chaos, for example from before a change.
    case other
    case haproxy
    case haproxyLarge
    /// HAProxy that writes a line for each connection, as Debian's configuration has it and as chaos does.
    case haproxyLogging
    case nginx
    case nginxLarge
    /// chaos with a delay of 10 ms on the way to the server.
    case delayed
    /// chaos with many links, of which one is measured.
    case links
    /// chaos with one fault that is decided everywhere and strikes almost never.
    case fault
    /// chaos with many links and that fault on each.
    case linkFaults
    /// chaos with many links and as many faults, none of them on the link that is measured.
    case otherFaults

    /// Those that are compared with each other.
    static let compared: [Target] = [
        .direct, .chaos, .other, .haproxy, .haproxyLarge, .haproxyLogging, .nginx, .nginxLarge,
    ]
    /// Those that are compared in everything. A log costs something per connection and nothing per byte.
    static let comparedInAll = Target.compared.filter { $0 != .haproxyLogging }
    /// Those that have programs of their own.
    static let withMemory = Target.comparedInAll.filter { $0 != .direct }
    /// What ratios of those that are compared are ratios to.
    static let reference = Target.haproxy
    /// chaos with many links or faults.
    static let many: [Target] = [.links, .fault, .linkFaults, .otherFaults]

    /// What the target is compared with: what it would be without what there is much of.
    var reference: Target {
        switch self {
        case .links, .fault, .otherFaults: .chaos
        case .linkFaults: .fault
        default: Self.reference
        }
    }

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
        case .haproxyLogging: "HAProxy with log"
        case .nginx: "nginx"
        case .nginxLarge: "nginx 1 MiB"
        case .delayed: "chaos, 10 ms"
        case .links: "many links"
        case .fault: "one fault"
        case .linkFaults: "many links, a fault on each"
        case .otherFaults: "many links, as many faults on others"
        }
    }

    /// Starts the target in front of a server.
    func start(before upstream: Endpoint, _ place: TargetPlace) throws -> RunningTarget {
        func chaos(
            _ program: String? = nil, links: Int = 1, faults: ChaosTarget.Faults = .none
        ) throws -> RunningTarget {
            let program = program ?? place.chaos
            return try ChaosTarget(program: program, links: links, faults: faults)
                .start(self, before: upstream, place)
        }
        return switch self {
        case .direct: RunningTarget(self, at: upstream, process: nil)
        case .chaos: try chaos()
        case .other: try chaos(place.otherChaos)
        case .delayed: try chaos(faults: .delay)
        case .links: try chaos(links: place.links)
        case .fault: try chaos(faults: .loss)
        case .linkFaults: try chaos(links: place.links, faults: .lossOnEach)
        case .otherFaults: try chaos(links: place.links, faults: .lossOnOthers)
        case .haproxy: try HAProxyTarget.start(self, before: upstream, place)
        case .haproxyLarge: try HAProxyTarget.start(self, before: upstream, place, buffer: 1 << 20)
        case .haproxyLogging: try HAProxyTarget.start(self, before: upstream, place, logs: true)
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
    /// How many links a target with many of them has.
    let links: Int
}

/// A target that takes connections.
final class RunningTarget {
    let target: Target
    let endpoint: Endpoint
    private let process: ChildProcess?
    /// Kept open as long as the target shall run.
    private let lifeline: UnixListener?
    /// The control socket of a target that is chaos.
    let controlPath: String?
    /// How long chaos took from its start to that of the command it wraps, in milliseconds.
    let startMilliseconds: Double?

    init(
        _ target: Target, at endpoint: Endpoint, process: ChildProcess?,
        lifeline: UnixListener? = nil, controlPath: String? = nil,
        startMilliseconds: Double? = nil
    ) {
        self.target = target
        self.endpoint = endpoint
        self.process = process
        self.lifeline = lifeline
        self.controlPath = controlPath
        self.startMilliseconds = startMilliseconds
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
