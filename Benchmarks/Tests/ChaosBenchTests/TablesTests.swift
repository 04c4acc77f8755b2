import Testing

@testable import chaos_bench

@Suite("Tables")
struct TablesTests {
    private func samples() -> Samples {
        var samples = Samples()
        for index in 0..<2 {
            samples.note(10, .throughput1, .haproxy, repeat: index)
            samples.note(12 + Double(index), .throughput1, .chaos, repeat: index)
        }
        return samples
    }

    @Test func ratiosAndValuesStandInTablesOfTheirOwn() {
        var plan = Plan.quick
        plan.targets = [.chaos, .haproxy]
        #expect(
            Tables(samples: self.samples(), plan: plan).text == """
                Ratios to HAProxy as Debian ships it, each taken within one repeat: median (least \
                to greatest) of 3 repeats, memory of 1.
                ↑ more is better, ↓ less is better.

                |                              |   |               chaos |
                | ---------------------------- | - | ------------------: |
                | throughput, 1 stream, Gbit/s | ↑ | 1.25 (1.20 to 1.30) |

                Values: median (least to greatest).

                |                              |   |               chaos |             HAProxy |
                | ---------------------------- | - | ------------------: | ------------------: |
                | throughput, 1 stream, Gbit/s | ↑ | 12.5 (12.0 to 13.0) | 10.0 (10.0 to 10.0) |
                """)
    }

    @Test func manyLinksAreComparedWithFew() {
        var samples = Samples()
        for (target, rate) in [(Target.chaos, 10.0), (.links, 9), (.fault, 8), (.linkFaults, 4)] {
            samples.note(rate, .connects, target, repeat: 0)
        }
        samples.note(1, .programMemory, .chaos, repeat: 0)
        samples.note(11, .programMemory, .links, repeat: 0)
        samples.derive(links: 1025)
        var plan = Plan.quick
        plan.targets = [.chaos, .links, .fault, .linkFaults]
        plan.links = 1025
        #expect(samples.series(.memoryPerLink, .links) == [10])
        let text = Tables(samples: samples, plan: plan).text
        // The row of the values of what is compared, of the ratios, and of their values.
        let rows = text.split(separator: "\n").filter { $0.contains("connect, request, close") }
        #expect(rows.count == 3)
        #expect(rows[1].contains("0.90 (0.90 to 0.90)") && rows[1].contains("0.50 (0.50 to 0.50)"))
        #expect(text.contains("of that each of 1025 links, KiB"))
    }

    @Test func whatTheLimitOfOpenFilesForbidsIsSaid() {
        var plan = Plan.quick
        plan.limitConnections(toOpenFiles: 20_000)
        #expect((plan.idleConnections, plan.manyConnections) == (2000, 9900))
        #expect(
            Tables(samples: Samples(), plan: plan).text == """
                10000 idle connections need more than the 20000 open files that are allowed here \
                (ulimit -Hn): measured with 9900
                """)
        #expect(Figure.manyIdleMemory.title(plan) == "memory per connection, 9900 idle")
        plan = .quick
        plan.limitConnections(toOpenFiles: 30_000)
        #expect(plan == .quick)
    }

    @Test func withoutTheReferenceThereAreNoRatios() {
        var plan = Plan.quick
        plan.targets = [.chaos]
        let text = Tables(samples: self.samples(), plan: plan).text
        #expect(text.hasPrefix("Values"))
        #expect(!text.contains("Ratios"))
    }
}
