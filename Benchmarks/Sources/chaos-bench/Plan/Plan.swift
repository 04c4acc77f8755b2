/// How much is measured.
struct Plan: Codable, Equatable, Sendable {
    /// How often everything is measured.
    var repeats: Int
    /// How often memory is, each time on programs that were just started.
    var memoryRepeats: Int
    /// How long one measurement of one target takes, in seconds.
    var seconds: Double
    /// How long timing an asked delay takes, in seconds: one request at a time gives 100 a second.
    var delaySeconds: Double
    /// How many connections are idle.
    var idleConnections: Int
    /// What is measured.
    var measures = Measure.allCases
    /// On what.
    var targets = Target.allCases.filter { $0 != .other }

    /// How many measurements that makes.
    var measurements: Int {
        self.measures.map { measure in
            let count = self.targets.filter { measure.targets.contains($0) }.count
            return count * (measure == .memory ? self.memoryRepeats : self.repeats)
        }.reduce(0, +)
    }

    /// About a minute.
    static let quick = Plan(
        repeats: 3, memoryRepeats: 1, seconds: 0.35, delaySeconds: 1, idleConnections: 2000)
    /// About six minutes.
    static let full = Plan(
        repeats: 8, memoryRepeats: 3, seconds: 0.8, delaySeconds: 2, idleConnections: 2000)

    /// How many connections a measurement of connects makes at most.
    static let connectLimit = 25_000
}
