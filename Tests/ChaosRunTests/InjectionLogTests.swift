import ChaosCore
import ChaosEngine
import Testing

@testable import ChaosRun

@Suite struct InjectionLogTests {
    private func record(_ id: String, at begin: Duration, text: String = "n1->n2 delay=1ms")
        -> InjectionRecord
    {
        InjectionRecord(
            id: id, kind: .faults, text: text, origin: .control, places: ["n1->n2"],
            begin: .start + begin)
    }

    @Test func whatIsOnIsFoundAmongAllThatEnded() {
        var log = InjectionLog()
        for number in 1...5 { log.append(self.record("f\(number)", at: .seconds(number))) }
        for id in ["f2", "f4", "f1"] { log.end(id, at: .start + .seconds(9)) }
        #expect(log.active.map(\.id) == ["f3", "f5"])
        #expect(log.active("f4") == nil)
        #expect(log.all.map(\.id) == ["f1", "f2", "f3", "f4", "f5"])
        #expect(log.all.filter { $0.end == nil }.map(\.id) == ["f3", "f5"])
    }

    @Test func anIDMayBeUsedAgainOnceItHasEnded() {
        var log = InjectionLog()
        log.append(self.record("cut", at: .seconds(1)))
        log.end("cut", at: .start + .seconds(2), InjectionCounters(touched: 1, hits: 1))
        log.append(self.record("cut", at: .seconds(3)))
        log.take(["cut": InjectionCounters(touched: 7, hits: 5)])
        #expect(log.all.map(\.touched) == [1, 7])
        #expect(log.active("cut")?.begin == .start + .seconds(3))
        #expect(log.end("cut", at: .start + .seconds(4))?.hits == 5)
        #expect(log.end("cut", at: .start + .seconds(5)) == nil)
        #expect(log.all.map(\.end) == [.start + .seconds(2), .start + .seconds(4)])
    }

    @Test func whatHadEndedWhenItWasNotedIsNotOn() {
        var log = InjectionLog()
        var kill = self.record("s1", at: .seconds(1))
        kill.end = .start + .seconds(2)
        log.append(kill)
        #expect(log.active.isEmpty)
        #expect(log.end("s1", at: .start + .seconds(3)) == nil)
        #expect(log.all == [kill])
    }

    /// Sharing must not mix up injections that are alike in some parts only.
    @Test func endedInjectionsStayWhatTheyWere() {
        var log = InjectionLog()
        var expected: [InjectionRecord] = []
        for number in 0..<50 {
            var record = self.record("f\(number)", at: .seconds(number), text: "text \(number % 3)")
            record.places = ["n1->n\(number % 4)"]
            record.pairs = [DirectedPair("n1", "n2"), DirectedPair("n2", "n1")].suffix(
                number % 2 + 1)
            log.append(record)
            let crossings = [
                InjectionRecord.Crossing(link: Link("n1", "n2", "main"), bytes: number % 2)
            ]
            let counters = InjectionCounters(
                touched: number, hits: number / 2, crossings: crossings)
            log.end(record.id, at: .start + .seconds(number + 1), counters)
            record.end = .start + .seconds(number + 1)
            record.touched = number
            record.hits = number / 2
            record.crossings = crossings
            expected.append(record)
        }
        #expect(log.all == expected)
    }
}
