import ChaosCore
import ChaosEngine
import Testing

/// Delays that let messages overtake one another.
@Suite struct StreamFreeOrderTests {
    private func arrivals(
        _ order: Fault.Delay.Order, messages: Int = 200
    ) -> (numbers: [Int], times: [Double]) {
        let rig = StreamRig(framing: .lines)
        rig.inject(
            .delay(
                .init(
                    latency: .zero, jitter: .milliseconds(100), distribution: .exponential,
                    order: order)))
        for number in 0..<messages {
            rig.advance(to: Double(number))
            rig.send("\(number)\n")
        }
        rig.advance(to: 5000)
        return (StreamMessageTests.numbers(rig.text()), rig.times())
    }

    @Test func eachLeavesWhenItsOwnTimeHasCome() {
        let kept = self.arrivals(.kept)
        let free = self.arrivals(.free)
        #expect(kept.numbers == Array(0..<200))
        #expect(free.numbers.sorted() == Array(0..<200))
        #expect(free.numbers != free.numbers.sorted())
        // Nobody waits behind a slow one: half of a hundred milliseconds' mean is over in 69 ms.
        let sum = { (times: [Double]) in times.reduce(0, +) / Double(times.count) }
        #expect(sum(free.times) < sum(kept.times))
    }

    @Test func aMessageInPartsIsOvertakenByNobody() {
        let rig = StreamRig(framing: .lines)
        rig.inject(
            .delay(
                .init(
                    latency: .milliseconds(50), jitter: .milliseconds(50), order: .free)))
        for number in 0..<40 {
            rig.send("begin-\(number)")
            rig.advance(to: Double(2 * number) + 1)
            rig.send("-end\nwhole-\(number)\n")
            rig.advance(to: Double(2 * number) + 2)
        }
        rig.advance(to: 1000)
        let lines = rig.text().split(separator: "\n").map(String.init)
        #expect(
            lines.sorted()
                == (0..<40).flatMap { ["begin-\($0)-end", "whole-\($0)"] }.sorted())
    }

    @Test func theSameSeedGivesTheSameOrder() {
        #expect(self.arrivals(.free).numbers == self.arrivals(.free).numbers)
    }
}
