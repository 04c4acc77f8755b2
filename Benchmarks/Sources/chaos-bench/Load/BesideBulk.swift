/// Times small messages on one connection while another carries as much as goes through.
enum BesideBulk {
    static func run(to endpoint: Endpoint, seconds: Double) throws -> [Figure: Double] {
        let load = Background("bench-bulk") {
            try BulkLoad.run(to: endpoint, streams: 1, seconds: seconds)
        }
        let times = Result {
            // The first moments, until the bulk stream is at its speed, are not its neighbour's.
            Pause.milliseconds(20)
            return try RoundTrips.run(to: endpoint, connections: 1, seconds: seconds - 0.05)
        }
        let bulk = try load.wait()
        let percentiles = try times.get()
        return [
            .besideBulkMedian: percentiles.microseconds(0.5),
            .besideBulkP99: percentiles.microseconds(0.99),
            .besideBulkThroughput: bulk.gigabitsPerSecond,
        ]
    }
}
