import ChaosCheckers
import ChaosCore
import Testing

@Suite("Set checker")
struct SetFullCheckerTests {
    private func finding(_ history: History, isLinearizable: Bool = false) -> Finding {
        SetFullChecker(isLinearizable: isLinearizable).check(history)
    }

    @Test func acceptsAFaultlessHistory() {
        let finding = self.finding(HistoryScript.faultless.history, isLinearizable: true)
        #expect(finding.verdict == .valid)
        #expect(
            finding.summary
                == "5 elements in every final read (5 acknowledged, 3 final reads),"
                + " stable after 0 ms at the median and 0 ms at most")
        #expect(finding.evidence.isEmpty)
        #expect(finding.statistics["stable_count"] == 5)
    }

    // Reads 5, 6 and 7 of the faultless history are the final ones, of n1, n2 and n3.
    @Test(arguments: [5, 6, 7])
    func callsLostWhatOneFinalReadLacks(read: Int) {
        let history = HistoryScript.faultless.changingReads { index, values in
            index == read ? values.filter { $0 != 2 } : values
        }
        let finding = self.finding(history)
        #expect(finding.verdict == .invalid)
        #expect(finding.anomalies == ["lost"])
        #expect(finding.summary == "1 lost, of 5 known elements")
        let node = "n\(read - 4)"
        #expect(
            finding.evidence == [
                "lost 2: acknowledged by n3 at 0.009s, absent from the final reads of \(node)"
            ])
        #expect(finding.statistics["lost"] == [2])
    }

    @Test func callsLostWhatWasSeenAndThenGone() {
        var script = HistoryScript()
        script.add(1)
        script.add(2, on: "n1", .info)
        script.read([1, 2])
        script.read([1], on: "n1", isFinal: true)
        let finding = self.finding(script.history)
        #expect(finding.anomalies == ["lost"])
        #expect(
            finding.evidence == [
                "lost 2: first seen on n1 at 0.005s, absent from the final reads of n1"
            ])
    }

    @Test func leavesIndeterminateAddsFree() {
        for outcome in [Operation.Kind.info, nil] {
            var script = HistoryScript()
            script.add(1)
            script.add(2, on: "n1", outcome)
            var visible = script
            script.read([1], isFinal: true)
            visible.read([1, 2], isFinal: true)
            #expect(self.finding(script.history).verdict == .valid)
            #expect(self.finding(visible.history).verdict == .valid)
        }
    }

    @Test func callsDuplicatedWhatOneReadShowsTwice() {
        let history = HistoryScript.faultless.changingReads { index, values in
            index == 3 ? values + [1, 1] : values
        }
        let finding = self.finding(history)
        #expect(finding.verdict == .invalid)
        #expect(finding.anomalies == ["duplicated"])
        #expect(finding.evidence == ["duplicated 1: 3 times, read on n1 at 0.015s"])
    }

    @Test func callsInventedWhatNobodyAdded() {
        let history = HistoryScript.faultless.changingReads { index, values in
            index >= 4 ? values + [99] : values
        }
        let finding = self.finding(history)
        #expect(finding.verdict == .invalid)
        #expect(finding.anomalies == ["invented"])
        #expect(finding.evidence == ["invented 99: nobody added it, read on n2 at 0.019s"])
    }

    @Test func callsInventedWhatIsAddedOnlyLater() {
        let history = HistoryScript.faultless.changingReads { index, values in
            index == 0 ? values + [4] : values
        }
        #expect(
            self.finding(history).evidence.first
                == "invented 4: it was added only later, read on n1 at 0.003s")
    }

    @Test func callsInventedWhatHadFailed() {
        var script = HistoryScript()
        script.add(1)
        script.add(2, on: "n1", .fail)
        var visible = script
        script.read([1], isFinal: true)
        visible.read([1, 2], isFinal: true)
        #expect(self.finding(script.history).verdict == .valid)
        #expect(
            self.finding(visible.history).evidence == [
                "invented 2: its add had failed, read on n1 at 0.005s"
            ])
    }

    @Test func callsStaleWhatALaterReadMissed() {
        let history = HistoryScript.faultless.changingReads { index, values in
            index == 4 ? values.filter { $0 != 0 } : values
        }
        let finding = self.finding(history)
        #expect(finding.verdict == .valid)
        #expect(finding.statistics["stale_count"] == 1)
        #expect(
            finding.evidence == [
                "stale 0: acknowledged by n1 at 0.001s, last absent on n2 at 0.018s"
            ])
        let strict = self.finding(history, isLinearizable: true)
        #expect(strict.verdict == .invalid)
        #expect(strict.anomalies == ["stale"])
    }

    @Test func measuresStableLatenciesAsJepsenDoes() {
        var script = HistoryScript()
        script.add(1)  // acknowledged at 1 ms
        script.read([], on: "n2")  // begins at 2 ms
        script.add(2)  // acknowledged at 5 ms
        script.read([2], on: "n2")  // begins at 6 ms
        script.read([1, 2], on: "n2", isFinal: true)
        let latencies = self.finding(script.history).statistics["stable_latencies_ms"]
        // Element 1: 6 ms − 1 ms and the nanosecond after; element 2 was never missing.
        #expect(latencies?.text == #"{"0":0.0,"0.5":5.0,"0.95":5.0,"0.99":5.0,"1":5.0}"#)
    }

    @Test func isUnsureAboutWhatNoFinalReadCouldShow() {
        var script = HistoryScript()
        script.add(1)
        script.read([1], isFinal: true)
        script.add(2)
        let finding = self.finding(script.history)
        #expect(finding.verdict == .unknown)
        #expect(finding.summary == "1 acknowledged element never read")
        #expect(finding.evidence == ["never-read 2: acknowledged by n1 at 0.005s"])
    }

    @Test func isUnsureAboutWhatFinalReadsDisagreeOnWhileItArrives() {
        var script = HistoryScript()
        script.add(1)
        script.add(2, on: "n1", .info)
        script.read([1], on: "n1", isFinal: true)
        script.read([1, 2], on: "n2", isFinal: true)
        let finding = self.finding(script.history)
        #expect(finding.verdict == .unknown)
        #expect(finding.summary == "1 element still on the way during the final reads")
    }

    @Test func isUnsureWithoutEvidence() {
        var silent = HistoryScript()
        silent.add(1, on: "n1", .info)
        silent.read([], isFinal: true)
        #expect(self.finding(silent.history).summary == "no add was acknowledged")

        var unread = HistoryScript()
        unread.add(1)
        unread.read([1])
        #expect(self.finding(unread.history).summary == "there was no final read")
        unread.failedRead()
        #expect(self.finding(unread.history).summary == "no final read was answered")
        unread.read([1], on: "n2", isFinal: true)
        let partial = self.finding(unread.history)
        #expect(partial.summary == "no final read was answered by n1")
        #expect(partial.verdict == .unknown)

        // A second attempt on the same node makes good.
        unread.read([1], on: "n1", isFinal: true)
        #expect(self.finding(unread.history).verdict == .valid)
        #expect(self.finding(History()).verdict == .unknown)
    }

    @Test func goesByTheLastReadOfJepsensHistories() {
        var script = HistoryScript()
        script.add(1)
        script.read([])
        script.read([1])
        let checker = SetFullChecker(lastReadIsFinal: true)
        #expect(checker.check(script.history).verdict == .valid)
        script.read([], on: "n2")
        #expect(checker.check(script.history).anomalies == ["lost"])
        #expect(self.finding(script.history).summary == "there was no final read")
    }

    @Test func saysInvalidEvenWhereItIsUnsureToo() {
        var script = HistoryScript()
        script.add(1)
        script.read([], on: "n1", isFinal: true)
        script.failedRead(on: "n2")
        #expect(self.finding(script.history).verdict == .invalid)
    }

    @Test func showsAFewAndCountsTheRest() {
        var script = HistoryScript()
        for value in 0..<Int64(20) { script.add(value) }
        script.read([], isFinal: true)
        let evidence = self.finding(script.history).evidence
        #expect(evidence.count == 9)
        #expect(evidence.last == "lost: 12 more")
    }

    @Test func judgesThousandsOfElementsAndReads() {
        var script = HistoryScript()
        for value in 0..<Int64(1500) {
            script.add(value)
            script.read(Array(0...value))
        }
        script.read(Array(0..<1500), isFinal: true)
        #expect(self.finding(script.history).statistics["stable_count"] == 1500)
    }
}
