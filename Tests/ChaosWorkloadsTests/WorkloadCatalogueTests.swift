import ChaosCheckers
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
        let broadcast = try #require(texts as? GeneratedWorkload)
        var settings = LoadSettings()
        settings.rate = EventRate(perSecond: 100)
        settings.concurrency = .clients(6)
        settings.duration = .seconds(20)
        settings.timeout = .seconds(2)
        settings.arrivals = .exponential
        #expect(broadcast.settings == settings)
        #expect(broadcast.defaultChecks == [CheckRequest("set-full")])

        let numbers = try makeWorkload(
            kind: "echo", parameters: ["kind": "echo", "concurrency": 2, "duration": "3s"])
        #expect((numbers as? GeneratedWorkload)?.settings.concurrency == .clients(2))
        #expect(numbers.duration == .seconds(3))
    }

    @Test func hasDefaults() throws {
        let workload = try #require(try makeWorkload(kind: "broadcast") as? GeneratedWorkload)
        #expect(workload.settings == LoadSettings())
        #expect(workload.settings.timeout == .seconds(5))
        #expect(workload.hasFinalReads)
        let register = try #require(try makeWorkload(kind: "lin-kv") as? GeneratedWorkload)
        #expect(register.settings.loop == .closed)
        #expect(register.settings.concurrency.count(nodes: 5) == 10)
    }

    @Test func makesAllOfMaelstromsAndTheirCheckers() throws {
        #expect(
            Array(workloadNames.prefix(10)) == [
                "broadcast", "echo", "unique-ids", "g-set", "g-counter", "pn-counter", "lin-kv",
                "txn-list-append", "txn-rw-register", "kafka",
            ])
        for name in workloadNames.prefix(10) {
            let workload = try makeWorkload(kind: name)
            #expect(workload.kind == name)
            for check in workload.defaultChecks {
                _ = try makeChecker(name: check.name, parameters: check.parameters)
            }
        }
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
                "a workload is one of \(workloadNames.joined(separator: ", ")), found 'brodcast'"
                    + "\nhint: did you mean 'broadcast'?"
            ),
            (
                "echo", ["topology": "grid"],
                "the workload 'echo' has no such parameter, found 'topology'"
                    + "\nhint: known are rate, concurrency, for, duration, timeout, arrivals, loop, recovery,"
                    + " nodes"
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
                "'concurrency' is a number of clients from 1 to 1000, or '2n' for two a node, found '0'"
            ),
            ("echo", ["for": "0s"], "'for' is longer than nothing, found '0s'"),
            (
                "echo", ["timeout": "5"],
                "'timeout': a duration is a number with a unit (ns us ms s m h), found '5'"
                    + "\nhint: write '5ms' or '5s'"
            ),
            (
                "broadcast", ["topology": "grit"],
                "'topology' is one of grid, line, total, tree, tree2, tree3, tree4, found 'grit'"
                    + "\nhint: did you mean 'grid'?"
            ),
            (
                "kafka", ["loop": "open"],
                "a client of 'kafka' goes on where it stopped, so it waits for its replies, found"
                    + " 'loop: open'\nhint: write 'loop: closed'"
            ),
            (
                "txn-list-append", ["key_count": "0"],
                "'key_count' is a whole number from 1 to 40, found '0'"
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
