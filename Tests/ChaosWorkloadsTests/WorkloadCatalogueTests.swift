import ChaosCore
import ChaosScenario
import Testing

@testable import ChaosWorkloads

@Suite("Workloads by name")
struct WorkloadCatalogueTests {
    @Test func takesTextsAndNumbers() throws {
        let texts = try makeWorkload(
            kind: "broadcast",
            parameters: [
                "rate": "100/s", "concurrency": "6", "for": "20s", "timeout": "2s",
                "topology": "line", "arrivals": "exponential",
            ])
        let broadcast = try #require(texts as? BroadcastWorkload)
        var settings = LoadSettings()
        settings.rate = EventRate(perSecond: 100)
        settings.concurrency = 6
        settings.duration = .seconds(20)
        settings.timeout = .seconds(2)
        settings.arrivals = .exponential
        #expect(broadcast.settings == settings)
        #expect(broadcast.topology == .line)
        #expect(broadcast.defaultChecks == ["set-full"])

        let numbers = try makeWorkload(
            kind: "echo", parameters: ["kind": "echo", "concurrency": 2, "duration": "3s"])
        #expect((numbers as? EchoWorkload)?.settings.concurrency == 2)
        #expect(numbers.duration == .seconds(3))
    }

    @Test func hasDefaults() throws {
        let workload = try #require(try makeWorkload(kind: "broadcast") as? BroadcastWorkload)
        #expect(workload.topology == .grid)
        #expect(workload.settings == LoadSettings())
        #expect(workload.settings.timeout == .seconds(5))
        #expect(workloadNames == ["broadcast", "echo"])
    }

    @Test func takesAScenariosDuration() throws {
        let spec = WorkloadSpec(
            kind: "echo", parameters: ["rate": "5/s"], duration: .milliseconds(1500))
        #expect(try makeWorkload(spec).duration == .milliseconds(1500))
    }

    @Test(
        arguments: [
            (
                "brodcast", [:],
                "a workload is one of broadcast, echo, found 'brodcast'"
                    + "\nhint: did you mean 'broadcast'?"
            ),
            (
                "echo", ["topology": "grid"],
                "the workload 'echo' has no such parameter, found 'topology'"
                    + "\nhint: known are rate, concurrency, for, duration, timeout, arrivals"
            ),
            (
                "echo", ["ratee": "5/s"],
                "the workload 'echo' has no such parameter, found 'ratee'"
                    + "\nhint: did you mean 'rate'?"
            ),
            (
                "echo", ["rate": 5],
                "'rate': a rate is a number of events per second or minute, found '5'"
                    + "\nhint: write '5/s'"
            ),
            (
                "echo", ["concurrency": "0"],
                "'concurrency' is a number of clients from 1 to 1000, found '0'"
            ),
            ("echo", ["for": "0s"], "'for' is longer than nothing, found '0s'"),
            (
                "echo", ["timeout": "5"],
                "'timeout': a duration is a number with a unit (ns us ms s m h), found '5'"
                    + "\nhint: write '5ms' or '5s'"
            ),
            (
                "broadcast", ["topology": "grit"],
                "'topology' is one of grid, line, total, tree, found 'grit'"
                    + "\nhint: did you mean 'grid'?"
            ),
        ] as [(String, JSONObject, String)])
    func explainsWhatItCannotMake(kind: String, parameters: JSONObject, message: String) {
        #expect {
            _ = try makeWorkload(kind: kind, parameters: parameters)
        } throws: {
            "\($0)" == message
        }
    }
}
