/// chaos, as its users run it: `chaos run --link … -- COMMAND`.
enum ChaosTarget {
    /// Starts it with one link to the server. The wrapped command is this program, which tells the
    /// address that chaos gave it, and ends when the bench hangs up.
    static func start(
        _ target: Target, before upstream: Endpoint, _ place: TargetPlace, _ program: String,
        faults: [String]
    ) throws -> RunningTarget {
        let path = "\(place.folder)/\(target.rawValue).sock"
        let lifeline = try UnixListener(at: path)
        let process = try ChildProcess(
            [program, "run", "--link", "bench=\(upstream)", "--quiet", "--seed", "1"]
                + ["--runs", "\(place.folder)/\(target.rawValue)-runs"]
                + faults.flatMap { ["--set", $0] } + ["--", place.bench, "hold", path],
            logFile: "\(place.folder)/\(target.rawValue).log")
        guard let address = try lifeline.firstLine(within: 10) else {
            throw BenchError(
                "chaos did not start its command within 10 s; it said '\(process.lastWords)'")
        }
        return RunningTarget(
            target, at: try Endpoint(parsing: address), process: process, lifeline: lifeline)
    }
}
