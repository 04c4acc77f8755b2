import Testing

@testable import chaos_bench

/// Against the bench's own server, without a proxy: what is counted and timed is what happened.
@Suite("Load on a real server")
struct LoadTests {
    let endpoint: Endpoint

    init() throws { self.endpoint = try BenchServer(ports: 1).endpoints[0] }

    @Test func everyStreamsBytesAreCounted() throws {
        let load = try BulkLoad.run(to: self.endpoint, streams: 3, seconds: 0.1)
        #expect(load.bytes > 0)
        #expect(load.seconds >= 0.1)
    }

    @Test(arguments: [1, 16])
    func eachRoundTripIsTimed(connections: Int) throws {
        let times = try RoundTrips.run(
            to: self.endpoint, connections: connections, seconds: 0.1)
        #expect(times.sorted.count >= connections)
        #expect(times.sorted[0] > 0)
    }

    @Test func connectsStopAtTheirLimit() throws {
        let rate = try ConnectRate.run(
            to: self.endpoint, concurrency: 4, seconds: 10, limit: 50)
        #expect(rate.connections == 50)
    }

    @Test func pacedRequestsAreAllAnswered() throws {
        let times = try OneWayTimes.paced(
            to: self.endpoint, every: 1_000_000, seconds: 0.05)
        #expect(times.sorted.count == 50)
    }

    @Test func burstsComeBackWhole() throws {
        let idle = try IdleConnections(120, to: self.endpoint)
        try idle.exchangeBursts()
        try idle.exchangeBursts()
    }

    @Test func anAddressBeyondLoopbackIsRefused() {
        #expect(throws: BenchError.self) { try Endpoint(parsing: "10.0.0.1:80") }
    }
}
