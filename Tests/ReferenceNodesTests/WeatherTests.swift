import ChaosCheckers
import ChaosCore
import NodeKit
import Testing

/// S40 in virtual time: `n1` collects, `n2` and `n3` measure.
@Suite("Weather stations in virtual time")
struct WeatherTests {
    private func cluster(_ variant: String = "numbered", seed: UInt64 = 1) throws
        -> ClusterSimulation
    {
        var cluster = try ClusterSimulation("weather", variant, nodes: 3, seed: seed)
        cluster.run(for: .seconds(2))
        return cluster
    }

    /// Measures so often on a station, ten milliseconds apart; how often it answered.
    @discardableResult
    private func measure(
        _ times: Int, on station: String = "n2", temperature: Int64 = 20,
        _ cluster: inout ClusterSimulation
    ) -> Int {
        let requests = (0..<times).map { index in
            cluster.run(for: .milliseconds(10))
            return cluster.request(
                station,
                [
                    "type": "measure", "id": .string("\(station)-m\(index)"),
                    "temperature": .int(temperature), "humidity": 50,
                ])
        }
        cluster.run(for: .milliseconds(10))
        return requests.count { cluster.replies[$0]?.type == "measure_ok" }
    }

    private func report(_ cluster: inout ClusterSimulation) throws -> JSONValue {
        let reply = cluster.ask("n1", ["type": "report"])
        return try #require(reply?["report"])
    }

    /// Received, dropped and missing of a station.
    private func counts(
        _ cluster: inout ClusterSimulation, of station: String = "n2"
    ) throws -> [Int64?] {
        let numbers = try self.report(&cluster)["stations"]?[station]
        return ["received", "dropped", "missing"].map { numbers?[$0]?.intValue }
    }

    private func state(_ cluster: inout ClusterSimulation) throws -> String? {
        try self.report(&cluster)["stations"]?["n2"]?["state"]?.stringValue
    }

    // MARK: - Accounts

    @Test(arguments: [
        "numbered", "synchronous", "detached", "no-numbers", "volatile", "fixed-timeout",
    ])
    func allCountInPeace(_ variant: String) throws {
        var cluster = try self.cluster(variant)
        #expect(self.measure(20, &cluster) == 20)
        self.measure(1, on: "n3", temperature: 34, &cluster)
        self.measure(1, on: "n3", temperature: 33, &cluster)
        cluster.run(for: .seconds(1))
        #expect(try self.counts(&cluster) == [20, 0, 0])
        let report = try self.report(&cluster)
        #expect(report["alerts"] == ["n3-m0"])
        #expect(report["stations"]?["n3"]?["state"] == "alive")
    }

    @Test func refusesWhatIsNoMeasurement() throws {
        var cluster = try self.cluster()
        for (temperature, humidity) in [(101, 50), (20, -1), (20, 101)] as [(Int64, Int64)] {
            let reply = cluster.ask(
                "n2",
                [
                    "type": "measure", "id": "m", "temperature": .int(temperature),
                    "humidity": .int(humidity),
                ])
            #expect(reply?["code"] == 12)
        }
        #expect(try self.counts(&cluster) == [0, 0, 0])
    }

    /// Every third message with events is lost.
    @Test(arguments: [("numbered", [Int64(30), 0, 0]), ("no-numbers", [20, 0, 0])])
    func lostEvents(_ variant: String, counts: [Int64]) throws {
        var cluster = try self.cluster(variant)
        cluster.fate = { message in
            guard message.type == "events", let id = message["entries"]?.text else { return nil }
            let isThird =
                ["m0\"", "m3\"", "m6\"", "m9\""].contains { id.contains($0) }
                || (0...9).contains { id.contains("m\(12 + 3 * $0)\"") }
            return isThird ? .isLost : nil
        }
        self.measure(30, &cluster)
        // Those that were lost are known by the numbers behind them.
        if variant == "numbered" { #expect(try self.counts(&cluster)[2] ?? 0 > 0) }
        cluster.fate = nil
        cluster.run(for: .seconds(1))
        #expect(try self.counts(&cluster) == counts)
    }

    @Test(arguments: [("numbered", Int64(10)), ("no-numbers", 20)])
    func doubledEvents(_ variant: String, received: Int64) throws {
        var cluster = try self.cluster(variant)
        cluster.fate = { $0.type == "events" ? .arrivesTwice : nil }
        self.measure(10, &cluster)
        cluster.run(for: .seconds(1))
        #expect(try self.counts(&cluster).first == received)
    }

    /// A buffer that is full drops the oldest, and says so.
    @Test func whatIsDroppedIsTold() throws {
        var cluster = try self.cluster()
        cluster.partition(["n1"], ["n2"])
        #expect(self.measure(600, &cluster) == 600)
        cluster.heal()
        cluster.run(for: .seconds(5))
        #expect(try self.counts(&cluster) == [512, 88, 0])
    }

    @Test(arguments: [("numbered", [Int64(2), 1, 0]), ("detached", [1, 0, 0])])
    func aHandlerThatFails(_ variant: String, counts: [Int64]) throws {
        var cluster = try self.cluster(variant)
        self.measure(1, &cluster)
        cluster.request("n2", ["type": "spoil"], from: Administration.name)
        #expect(self.measure(2, &cluster) == 2)
        cluster.run(for: .seconds(1))
        #expect(try self.counts(&cluster) == counts)
        // Nobody else spoils anything.
        let reply = cluster.ask("n2", ["type": "spoil"])
        #expect(reply?["code"] == 10)
    }

    @Test(arguments: [("numbered", 10), ("synchronous", 0)])
    func aCollectorThatIsAway(_ variant: String, answered: Int) throws {
        var cluster = try self.cluster(variant)
        cluster.kill("n1")
        #expect(self.measure(10, &cluster) == answered)
        cluster.restart("n1")
        cluster.run(for: .seconds(1))
        #expect(try self.counts(&cluster) == [10, 0, 0])
    }

    @Test(arguments: [("numbered", Int64(10)), ("volatile", 0)])
    func aCollectorThatBeginsAnew(_ variant: String, received: Int64) throws {
        var cluster = try self.cluster(variant)
        self.measure(10, temperature: 35, &cluster)
        cluster.run(for: .seconds(1))
        cluster.restart("n1")
        cluster.run(for: .seconds(1))
        #expect(try self.counts(&cluster).first == received)
        #expect(try self.report(&cluster)["alerts"]?.arrayValue?.count == Int(received))
    }

    /// What a station said that it measured is told by its next life; without a disk it begins a new series.
    @Test(arguments: [true, false]) func aStationThatBeginsAnew(_ hasDisk: Bool) throws {
        var cluster = try self.cluster()
        cluster.hasDisks = hasDisk
        cluster.partition(["n1"], ["n2"])
        if hasDisk { #expect(self.measure(10, &cluster) == 10) }
        cluster.restart("n2")
        cluster.heal()
        self.measure(5, &cluster)
        cluster.run(for: .seconds(2))
        #expect(try self.counts(&cluster) == [hasDisk ? 15 : 5, 0, 0])
        // Once more, and the old numbers mean nothing new.
        cluster.restart("n2")
        self.measure(5, &cluster)
        cluster.run(for: .seconds(2))
        #expect(try self.counts(&cluster) == [hasDisk ? 20 : 10, 0, 0])
    }

    /// A station that measures for long forgets what the collector has, and goes on counting.
    @Test func theLogOfAStationStaysSmall() throws {
        var cluster = try self.cluster()
        self.measure(1500, &cluster)
        cluster.run(for: .seconds(1))
        let log = LogCodec.records(in: cluster.disks["n2"]?.bytes ?? []).records
        #expect((1...600).contains(log.count))
        cluster.restart("n2")
        self.measure(5, &cluster)
        cluster.run(for: .seconds(1))
        #expect(try self.counts(&cluster) == [1505, 0, 0])
    }

    // MARK: - Life and death

    /// Dead within two seconds, and alive again soon after.
    @Test(arguments: ["kill", "cut"]) func theDeadAreFound(_ how: String) throws {
        var cluster = try self.cluster()
        #expect(try self.state(&cluster) == "alive")
        if how == "kill" { cluster.kill("n2") } else { cluster.partition(["n1"], ["n2"]) }
        cluster.run(for: .milliseconds(500))
        #expect(try self.state(&cluster) == "suspect")
        cluster.run(for: .milliseconds(1600))
        #expect(try self.state(&cluster) == "dead")
        if how == "kill" { cluster.restart("n2") } else { cluster.heal() }
        cluster.run(for: .seconds(1))
        #expect(try self.state(&cluster) == "alive")
        #expect(try self.report(&cluster)["stations"]?["n2"]?["deaths"] == 1)
    }

    /// The network is gone for 600 ms again and again: nobody died.
    @Test(arguments: [("numbered", Int64(0)), ("fixed-timeout", 20)])
    func silentIsNotDead(_ variant: String, deaths: Int64) throws {
        var cluster = try self.cluster(variant)
        for _ in 1...20 {
            cluster.partition(["n1"], ["n2"])
            cluster.run(for: .milliseconds(600))
            cluster.heal()
            cluster.run(for: .milliseconds(600))
        }
        #expect(try self.report(&cluster)["stations"]?["n2"]?["deaths"]?.intValue == deaths)
    }

    // MARK: - For people and programs

    @Test func metrics() throws {
        var cluster = try self.cluster()
        let posted = cluster.ask(
            "n2",
            HTTPRequest.body("POST", "/measurements", body: "temperature=35&humidity=40"))
        #expect(posted?["status"] == 202)
        #expect(posted?["body"] == "{\"number\":1}\n")
        let refused = cluster.ask(
            "n2", HTTPRequest.body("POST", "/measurements", body: "temperature=hot"))
        #expect(refused?["status"] == 422)
        cluster.run(for: .seconds(1))
        let page = cluster.ask("n1", HTTPRequest.body("GET", "/metrics"))
        #expect(page?["headers"]?["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        let lines = page?["body"]?.stringValue?.split(separator: "\n").map(String.init) ?? []
        for line in [
            "# TYPE weather_events_received_total counter",
            "weather_events_received_total{station=\"n2\"} 1",
            "weather_events_received_total{station=\"n3\"} 0",
            "weather_temperature_celsius{station=\"n2\"} 35", "weather_alerts_total 1",
            "weather_station_up{station=\"n3\"} 1",
        ] {
            #expect(lines.contains(line), "\(line)")
        }
        let own = cluster.ask("n2", HTTPRequest.body("GET", "/metrics"))
        #expect(own?["body"]?.stringValue?.contains("weather_events_emitted_total 1\n") == true)
        let stations = cluster.ask("n1", HTTPRequest.body("GET", "/stations"))
        #expect(stations?["body"]?.stringValue?.contains("\"alerts\":[\"n2-1\"]") == true)
        #expect(cluster.ask("n3", HTTPRequest.body("GET", "/stations"))?["status"] == 404)
    }

    // MARK: - Everything at once

    @Test(arguments: 1...UInt64(20)) func survivesEverything(seed: UInt64) throws {
        var cluster = try self.cluster(seed: seed)
        cluster.loss = Ratio(percent: 10)
        cluster.duplication = Ratio(percent: 10)
        cluster.latency = .zero...Duration.milliseconds(40)
        cluster.crashChance = Ratio(billionths: 2_000_000)
        cluster.disturb(Disturber(), for: .seconds(7))
        cluster.load(
            TelemetryWorkload(), clients: 6, pause: .milliseconds(40), for: .seconds(8))
        cluster.crashChance = .zero
        cluster.loss = .zero
        cluster.run(for: .seconds(5))
        cluster.finish()
        let finding = try cluster.finding("telemetry")
        #expect(finding.verdict == .valid, "\(finding.summary) \(finding.evidence)")
    }
}

/// Clients of `n1` look at its report, the others measure.
private struct TelemetryWorkload: SimulatedWorkload {
    private var count = 0

    mutating func next(process: Int, _ randomness: inout Randomness) -> SimulatedOperation? {
        if process % 3 == 0 { return self.last(process: process) }
        self.count += 1
        let value: JSONObject = [
            "id": .string("m\(self.count)"),
            "temperature": .int(Int64(15 + randomness.next(below: 21))), "humidity": 50,
        ]
        var body = value
        body["type"] = "measure"
        return SimulatedOperation("measure", .object(value), body)
    }

    /// Stations refuse to report, and then it is no report.
    func last(process: Int) -> SimulatedOperation {
        SimulatedOperation("report", .null, ["type": "report"])
    }

    func result(of operation: SimulatedOperation, process: Int, _ reply: Message) -> JSONValue {
        operation.function == "report" ? reply["report"] ?? .null : operation.value
    }
}
