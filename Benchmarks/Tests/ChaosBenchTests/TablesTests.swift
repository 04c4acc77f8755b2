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

    @Test func withoutTheReferenceThereAreNoRatios() {
        var plan = Plan.quick
        plan.targets = [.chaos]
        let text = Tables(samples: self.samples(), plan: plan).text
        #expect(text.hasPrefix("Values"))
        #expect(!text.contains("Ratios"))
    }
}
