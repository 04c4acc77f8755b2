/// One thing that is done with a target; gives one or more figures.
enum Measure: String, CaseIterable, Codable, Sendable {
    case bulk1, bulk8, roundTrip1, roundTrip16, connects, besideBulk
    case delaySingle, delayPaced, delayedBulk1, delayedBulk8
    case control
    /// On programs that were just started.
    case memory, manyMemory, start

    /// Whether it is done on programs that were just started: what was freed is reused, and would
    /// hide what something costs.
    var isOnFreshPrograms: Bool { [.memory, .manyMemory, .start].contains(self) }

    /// The targets with which it is done.
    var targets: [Target] {
        switch self {
        case .delaySingle, .delayPaced: [.direct, .delayed]
        case .delayedBulk1, .delayedBulk8: [.delayed]
        case .memory, .manyMemory: Target.withMemory
        case .start: [.chaos, .other, .links, .linkFaults]
        case .control: [.chaos, .other, .links, .linkFaults]
        case .connects: Target.compared + Target.many
        case .bulk1, .roundTrip1: Target.comparedInAll + Target.many
        default: Target.comparedInAll
        }
    }

    /// The name on the progress line.
    var title: String {
        switch self {
        case .bulk1, .delayedBulk1: "throughput, 1 stream"
        case .bulk8, .delayedBulk8: "throughput, 8 streams"
        case .roundTrip1: "round trips, 1 connection"
        case .roundTrip16: "round trips, 16 connections"
        case .connects: "connections per second"
        case .besideBulk: "round trips beside a bulk stream"
        case .delaySingle: "delay, one request at a time"
        case .delayPaced: "delay, a request every ms"
        case .memory: "memory of idle connections"
        case .manyMemory: "memory of many idle connections"
        case .start: "start"
        case .control: "control requests"
        }
    }

    /// Measures a target once.
    func run(on target: RunningTarget, _ plan: Plan) throws -> [Figure: Double] {
        switch self {
        case .bulk1: try Self.bulk(target, 1, plan, .throughput1, .cpuPerGigabyte1)
        case .bulk8: try Self.bulk(target, 8, plan, .throughput8, .cpuPerGigabyte8)
        case .delayedBulk1: try Self.bulk(target, 1, plan, .delayedThroughput1, nil)
        case .delayedBulk8: try Self.bulk(target, 8, plan, .delayedThroughput8, nil)
        case .roundTrip1:
            try Self.roundTrips(target, 1, plan, .roundTrip1Median, .roundTrip1P99)
        case .roundTrip16:
            try Self.roundTrips(target, 16, plan, .roundTrip16Median, .roundTrip16P99)
        case .connects: try Self.connects(target, plan)
        case .besideBulk: try BesideBulk.run(to: target.endpoint, seconds: plan.seconds)
        case .memory:
            try IdleMemory.run(
                on: target, connections: plan.idleConnections, .idleMemory, .idleMemoryAfterBurst)
        case .manyMemory:
            try IdleMemory.run(
                on: target, connections: plan.manyConnections, .manyIdleMemory,
                .manyIdleMemoryAfterBurst)
        case .start: Self.start(target)
        case .control: try ControlRequests.run(on: target, seconds: 3 * plan.seconds)
        case .delaySingle:
            // Without a delay nobody would sleep between two requests.
            Self.delays(
                try OneWayTimes.oneAtATime(
                    to: target.endpoint, seconds: plan.delaySeconds,
                    pause: target.target == .direct ? UInt32(Target.delayMilliseconds) : 0),
                of: target.target, .delaySingleLeast, .delaySingleMedian, .delaySingleP99)
        case .delayPaced:
            Self.delays(
                try OneWayTimes.paced(
                    to: target.endpoint, every: 1_000_000, seconds: plan.delaySeconds),
                of: target.target, .delayPacedLeast, .delayPacedMedian, .delayPacedP99)
        }
    }

    private static func bulk(
        _ target: RunningTarget, _ streams: Int, _ plan: Plan, _ rate: Figure, _ cpu: Figure?
    ) throws -> [Figure: Double] {
        let before = target.usage
        let load = try BulkLoad.run(
            to: target.endpoint, streams: streams, seconds: plan.seconds)
        var figures = [rate: load.gigabitsPerSecond]
        if let cpu, let before, let after = target.usage {
            figures[cpu] = (after.cpuSeconds - before.cpuSeconds) / (Double(load.bytes) / 1e9)
        }
        return figures
    }

    private static func roundTrips(
        _ target: RunningTarget, _ connections: Int, _ plan: Plan, _ median: Figure, _ p99: Figure
    ) throws -> [Figure: Double] {
        let times = try RoundTrips.run(
            to: target.endpoint, connections: connections, seconds: plan.seconds)
        return [median: times.microseconds(0.5), p99: times.microseconds(0.99)]
    }

    private static func connects(
        _ target: RunningTarget, _ plan: Plan
    ) throws -> [Figure: Double] {
        let before = target.usage
        let rate = try ConnectRate.run(
            to: target.endpoint, concurrency: 16, seconds: plan.seconds,
            limit: Plan.connectLimit)
        var figures = [Figure.connects: rate.perSecond]
        if let before, let after = target.usage {
            figures[.cpuPerConnect] =
                (after.cpuSeconds - before.cpuSeconds) * 1e6 / Double(rate.connections)
        }
        return figures
    }

    private static func start(_ target: RunningTarget) -> [Figure: Double] {
        Pause.milliseconds(100)
        var figures: [Figure: Double] = [:]
        figures[.startTime] = target.startMilliseconds
        figures[.programMemory] = target.usage.map { Double($0.memory) / 1024 / 1024 }
        return figures
    }

    /// How far the way was from the delay that was asked for, in milliseconds.
    private static func delays(
        _ times: Percentiles, of target: Target, _ least: Figure, _ median: Figure, _ p99: Figure
    ) -> [Figure: Double] {
        let asked = target == .delayed ? Target.delayMilliseconds : 0
        func error(_ share: Double) -> Double { times.microseconds(share) / 1000 - asked }
        return [least: error(0), median: error(0.5), p99: error(0.99)]
    }
}
