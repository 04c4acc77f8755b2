import ChaosCheckers
import ChaosCore
import ChaosWorkloads
import Testing

/// What a program outside reports about its own operations.
@Suite("History reports")
struct HistoryReportsTests {
    private let recorder = HistoryRecorder(now: { .start })

    private func take(_ lines: String...) -> HistoryReports.Failure? {
        let reports = HistoryReports(to: self.recorder)
        for line in lines { reports.take(line) }
        return reports.firstError
    }

    @Test func operationsOfSeveralProcessesKeepApart() {
        let error = self.take(
            #"{"type": "invoke", "f": "add", "value": 7, "node": "n1", "process": 4}"#,
            #"{"type": "invoke", "f": "read", "node": "n2", "final": true}"#,
            #"{"type": "info", "process": 4, "error": "timeout"}"#, "",
            #"{"type": "ok", "value": [1, 2]}"#)
        #expect(error == nil)
        let invocations = self.recorder.history.invocations
        #expect(invocations.map(\.begin.function) == ["add", "read"])
        #expect(invocations.map(\.begin.node) == ["n1", "n2"])
        #expect(invocations.map(\.begin.isFinal) == [false, true])
        #expect(invocations.map(\.outcome) == [.info, .ok])
        // A completion repeats the value that it does not say anew.
        #expect(invocations.map(\.end?.value) == [7, [1, 2]])
        #expect(invocations.map(\.end?.error) == ["timeout", nil])
        #expect(self.recorder.history.operations.map(\.index) == [0, 1, 2, 3])
    }

    @Test func aProcessWhoseOutcomeIsUnknownGoesOnAsAnotherOne() {
        // Jepsen's rule: after `info` the old operation may still take effect at any time.
        _ = self.take(
            #"{"type":"invoke","f":"add","value":1}"#, #"{"type":"info"}"#,
            #"{"type":"invoke","f":"add","value":2}"#, #"{"type":"ok"}"#,
            #"{"type":"invoke","f":"add","value":3}"#, #"{"type":"ok"}"#)
        #expect(self.recorder.history.invocations.map(\.begin.process) == [0, 1, 1])
    }

    @Test(arguments: [
        ("[1]", "a report is a JSON object on one line, found '[1]'"),
        (#"{"type":"#, #"a report is a JSON object on one line, found '{"type":'"#),
        (#"{"type":"okay"}"#, "'type' is one of invoke, ok, fail, info, found 'okay'"),
        (#"{"f":"add"}"#, "'type' is one of invoke, ok, fail, info, found ''"),
        (
            #"{"type":"ok"}"#,
            "'ok' ends an operation that was invoked, found 'nothing in flight in process 0'"
        ),
        (#"{"type":"invoke"}"#, "'f' names the operation, found 'nothing'"),
        (
            #"{"type":"invoke","f":"add","process":"a"}"#,
            #"'process' is a whole number, found '"a"'"#
        ),
        (#"{"type":"invoke","f":"add","valeu":1}"#, "a report has no such member, found 'valeu'"),
    ])
    func whatIsNoReportIsRefusedAndNotRecorded(line: String, sentence: String) {
        let error = self.take(#"{"type":"invoke","f":"x","process":9}"#, line, line)
        #expect(error?.line == 2)
        #expect(error?.error.sentence == sentence)
        #expect(error?.count == 2)
        #expect(self.recorder.history.operations.count == 1)
    }

    @Test func twoOperationsOfOneProcessAreToldApartOrRefused() {
        let invoke = #"{"type":"invoke","f":"add","value":1}"#
        let error = self.take(invoke, invoke)
        #expect(
            error?.error.description == """
                a process has one operation in flight, found 'process 0'
                hint: give each thread a 'process' of its own
                """)
    }
}
