/// chaos, as its users run it: `chaos run --link … -- COMMAND`.
struct ChaosTarget {
    /// The faults from the start on.
    enum Faults {
        case none
        /// 10 ms on the way to the server.
        case delay
        /// Loss on the measured link.
        case loss
        /// Loss on every link, a fault for each.
        case lossOnEach
        /// Loss on every link but the measured one; as many faults as there are links.
        case lossOnOthers
    }

    /// Decided for each block of 1448 bytes, and strikes one in a thousand million of them.
    static let rareLoss = "loss=0.0000001%"

    let program: String
    let links: Int
    let faults: Faults

    /// The names of all links; the first is measured.
    private var names: [String] {
        ["bench"] + (1..<max(self.links, 1)).map { "bench\($0)" }
    }

    /// The links and faults of `--set`.
    private var rules: [String] {
        if case .delay = self.faults { return ["client->bench delay=10ms"] }
        let others = Array(self.names.dropFirst())
        let faulty: [String] =
            switch self.faults {
            case .none, .delay: []
            case .loss: ["bench"]
            case .lossOnEach: self.names
            // One more fault than there are other links, so one link has it twice.
            case .lossOnOthers: others + others.prefix(1)
            }
        return faulty.map { "client->\($0) \(Self.rareLoss)" }
    }

    /// Starts it with links to the server. The wrapped command is this program, which tells the
    /// address that chaos gave it, and ends when the bench hangs up.
    func start(
        _ target: Target, before upstream: Endpoint, _ place: TargetPlace
    ) throws -> RunningTarget {
        let path = "\(place.folder)/\(target.rawValue).sock"
        let runs = "\(place.folder)/\(target.rawValue)-runs"
        let lifeline = try UnixListener(at: path)
        let begin = MonotonicClock.now
        let process = try ChildProcess(
            [self.program, "run", "--quiet", "--seed", "1", "--runs", runs]
                + self.names.flatMap { ["--link", "\($0)=\(upstream)"] }
                + self.rules.flatMap { ["--set", $0] } + ["--", place.bench, "hold", path],
            logFile: "\(place.folder)/\(target.rawValue).log")
        guard let address = try lifeline.firstLine(within: 30) else {
            throw BenchError(
                "chaos did not start its command within 30 s; it said '\(process.lastWords)'")
        }
        return RunningTarget(
            target, at: try Endpoint(parsing: address), process: process, lifeline: lifeline,
            controlPath: "\(runs)/latest/control.sock",
            startMilliseconds: MonotonicClock.seconds(since: begin) * 1000)
    }
}
