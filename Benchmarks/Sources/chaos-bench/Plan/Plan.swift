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
    /// How many connections are idle while memory is measured.
    var idleConnections: Int
    /// How many are when there are many.
    var manyConnections: Int
    /// What was asked for instead, where the limit of open files allows fewer.
    var limited: [String] = []
    /// How many links, and how many faults, the targets with many of them have.
    var links = 1000
    /// What is measured.
    var measures = Measure.allCases
    /// On what.
    var targets = Target.allCases.filter { $0 != .other }

    /// How many measurements that makes.
    var measurements: Int {
        self.measures.map { measure in
            let count = self.targets.filter { measure.targets.contains($0) }.count
            return count * (measure.isOnFreshPrograms ? self.memoryRepeats : self.repeats)
        }.reduce(0, +)
    }

    /// About two minutes.
    static let quick = Plan(
        repeats: 3, memoryRepeats: 1, seconds: 0.3, delaySeconds: 0.6, idleConnections: 2000,
        manyConnections: 10_000)
    /// About ten minutes.
    static let full = Plan(
        repeats: 8, memoryRepeats: 3, seconds: 0.8, delaySeconds: 2, idleConnections: 2000,
        manyConnections: 10_000)

    /// Descriptors of the bench, or of a proxy, besides two for each connection.
    private static let otherDescriptors = 200

    /// Lowers the number of idle connections to what the limit of open files allows: client and
    /// server each hold a descriptor per connection, and so do both sides of a proxy, which inherits
    /// the limit.
    mutating func limitConnections(toOpenFiles limit: Int) {
        let possible = max(1, (limit - Self.otherDescriptors) / 2)
        for count in [\Plan.idleConnections, \Plan.manyConnections]
        where self[keyPath: count] > possible {
            self.limited.append(
                "\(self[keyPath: count]) idle connections need more than the \(limit) open files "
                    + "that are allowed here (ulimit -Hn): measured with \(possible)")
            self[keyPath: count] = possible
        }
    }

    /// How many connections a measurement of connects makes at most.
    static let connectLimit = 25_000
}
