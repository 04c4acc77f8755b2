import ChaosCheckers
import ChaosCore
import ChaosWorkloads
import Testing

@Suite struct RecentOperationsTests {
    private func note(
        _ recent: RecentOperations, _ process: Int, from begin: Int, to end: Int,
        _ kind: Operation.Kind = .ok
    ) {
        recent.note(
            Operation(
                index: 0, process: process, kind: .invoke, function: "read",
                time: .start + .milliseconds(begin)))
        recent.note(
            Operation(
                index: 1, process: process, kind: kind, function: "read",
                time: .start + .milliseconds(end)))
    }

    @Test func onlyTheLastFiveSecondsCount() {
        let recent = RecentOperations()
        self.note(recent, 0, from: 0, to: 900)
        for number in 0..<10 {
            self.note(recent, number, from: 9000, to: 9000 + number + 1)
        }
        self.note(recent, 0, from: 9100, to: 9500, .info)
        #expect(
            recent.json(at: .start + .seconds(10)) == [
                "ops_per_s": 2.0, "not_ok_per_s": 0.2, "p50_ms": 5.0, "p99_ms": 10.0,
                "max_ms": 10.0,
            ])
        #expect(recent.json(at: .start + .seconds(20)) == [:])
    }

    @Test func aRunThatHasJustBegunIsNotDilutedByTimeBeforeIt() {
        let recent = RecentOperations()
        self.note(recent, 0, from: 100, to: 200)
        #expect(recent.json(at: .start + .milliseconds(500))["ops_per_s"] == 2.0)
    }
}
