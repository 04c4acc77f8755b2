/// One number that is compared.
enum Figure: String, CaseIterable, Sendable {
    case throughput1, throughput8
    case cpuPerGigabyte1, cpuPerGigabyte8
    case roundTrip1Median, roundTrip1P99, addedRoundTrip1
    case roundTrip16Median, roundTrip16P99, addedRoundTrip16
    case connects, cpuPerConnect
    case besideBulkMedian, besideBulkP99, besideBulkThroughput
    case idleMemory, idleMemoryAfterBurst, manyIdleMemory, manyIdleMemoryAfterBurst
    case delaySingleLeast, delaySingleMedian, delaySingleP99
    case delayPacedLeast, delayPacedMedian, delayPacedP99
    case delayedThroughput1, delayedThroughput8
    case startTime, programMemory, memoryPerLink, memoryPerFault
    case controlStatusMedian, controlStatusP99, controlChangeMedian, controlChangeP99

    /// The name in tables.
    func title(_ plan: Plan) -> String {
        self.texts.title
            .replacing("IDLE", with: "\(plan.idleConnections)")
            .replacing("MANY", with: "\(plan.manyConnections)")
            .replacing("LINKS", with: "\(plan.links)")
    }

    var unit: String { self.texts.unit }

    /// Digits behind the point in tables.
    var digits: Int {
        switch self {
        case .connects: 0
        case .cpuPerGigabyte1, .cpuPerGigabyte8: 2
        case .delaySingleLeast, .delaySingleMedian, .delaySingleP99: 3
        case .delayPacedLeast, .delayPacedMedian, .delayPacedP99: 3
        case .controlStatusMedian, .controlStatusP99: 2
        case .controlChangeMedian, .controlChangeP99: 2
        case .startTime: 0
        default: 1
        }
    }

    /// Whether more is better.
    var isHigherBetter: Bool {
        switch self {
        case .throughput1, .throughput8, .connects, .besideBulkThroughput: true
        case .delayedThroughput1, .delayedThroughput8: true
        default: false
        }
    }

    private var texts: (title: String, unit: String) {
        switch self {
        case .throughput1: ("throughput, 1 stream", "Gbit/s")
        case .throughput8: ("throughput, 8 streams", "Gbit/s")
        case .cpuPerGigabyte1: ("CPU of the proxy, 1 stream", "s/GB")
        case .cpuPerGigabyte8: ("CPU of the proxy, 8 streams", "s/GB")
        case .roundTrip1Median: ("round trip 64 B, 1 connection, p50", "µs")
        case .roundTrip1P99: ("round trip 64 B, 1 connection, p99", "µs")
        case .addedRoundTrip1: ("of that added to direct, p50", "µs")
        case .roundTrip16Median: ("round trip 64 B, 16 connections, p50", "µs")
        case .roundTrip16P99: ("round trip 64 B, 16 connections, p99", "µs")
        case .addedRoundTrip16: ("of that added to direct, p50", "µs")
        case .connects: ("connect, request, close, 16 at once", "/s")
        case .cpuPerConnect: ("CPU of the proxy per connection", "µs")
        case .besideBulkMedian: ("round trip 64 B beside one bulk stream, p50", "µs")
        case .besideBulkP99: ("round trip 64 B beside one bulk stream, p99", "µs")
        case .besideBulkThroughput: ("that bulk stream", "Gbit/s")
        case .idleMemory: ("memory per connection, IDLE idle", "KiB")
        case .idleMemoryAfterBurst: ("same after 64 KiB each way", "KiB")
        case .manyIdleMemory: ("memory per connection, MANY idle", "KiB")
        case .manyIdleMemoryAfterBurst: ("same after 64 KiB each way", "KiB")
        case .delaySingleLeast: ("one request at a time, least", "ms")
        case .delaySingleMedian: ("one request at a time, p50", "ms")
        case .delaySingleP99: ("one request at a time, p99", "ms")
        case .delayPacedLeast: ("a request every ms, least", "ms")
        case .delayPacedMedian: ("a request every ms, p50", "ms")
        case .delayPacedP99: ("a request every ms, p99", "ms")
        case .delayedThroughput1: ("throughput, 1 stream", "Gbit/s")
        case .delayedThroughput8: ("throughput, 8 streams", "Gbit/s")
        case .startTime: ("from start to the wrapped command's", "ms")
        case .programMemory: ("memory of the program then", "MiB")
        case .memoryPerLink: ("of that each of LINKS links", "KiB")
        case .memoryPerFault: ("of that each of LINKS faults", "KiB")
        case .controlStatusMedian: ("control: status under load, p50", "ms")
        case .controlStatusP99: ("control: status under load, p99", "ms")
        case .controlChangeMedian: ("control: a change under load, p50", "ms")
        case .controlChangeP99: ("control: a change under load, p99", "ms")
        }
    }

    /// Those of the delayed target, which is compared with nobody.
    static let ofDelay: [Figure] = [
        .delaySingleLeast, .delaySingleMedian, .delaySingleP99, .delayPacedLeast,
        .delayPacedMedian, .delayPacedP99, .delayedThroughput1, .delayedThroughput8,
    ]
    /// Those of chaos alone, with few and many links and faults.
    static let ofMany: [Figure] = [
        .startTime, .programMemory, .memoryPerLink, .memoryPerFault, .controlStatusMedian,
        .controlStatusP99, .controlChangeMedian, .controlChangeP99,
    ]
    static let compared = Figure.allCases.filter {
        !Self.ofDelay.contains($0) && !Self.ofMany.contains($0)
    }
    /// Those for which many links and faults are compared with few.
    static let comparedWithMany: [Figure] =
        [
            .throughput1, .cpuPerGigabyte1, .roundTrip1Median, .roundTrip1P99, .connects,
            .cpuPerConnect,
        ] + Self.ofMany
}
