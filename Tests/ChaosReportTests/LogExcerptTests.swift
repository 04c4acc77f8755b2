import ChaosCore
import Foundation
import Testing

@testable import ChaosReport

@Suite("Excerpts of logs") struct LogExcerptTests {
    private func excerpt(
        _ lines: some Sequence<String>, _ limits: LogExcerpt.Limits = .init()
    ) -> LogExcerpt {
        LogExcerpt(node: "n1", log: lines.joined(separator: "\n"), limits: limits)
    }

    @Test func theStatesOfANodeComeFromItsLog() {
        let log = self.excerpt([
            "    0.029 --- starting", "    0.089 err listening on 127.77.1.1:7001",
            "    0.094 --- ready", "    1.5 out a line with --- in it", "    2.0 --- killed",
        ])
        #expect(
            log.states == [
                NodeSpan(node: "n1", state: "starting", from: 0.029, to: 0.094),
                NodeSpan(node: "n1", state: "ready", from: 0.094, to: 2),
                NodeSpan(node: "n1", state: "killed", from: 2, to: nil),
            ])
        #expect(log.total == 5)
        #expect(log.lines.map(\.source) == [.state, .errors, .state, .output, .state])
        #expect(log.lines[1].text == "listening on 127.77.1.1:7001")
    }

    @Test func whatIsNoLineOfALogIsLeftOut() {
        let log = self.excerpt([
            "", "x", "0.1", "0.1 out", "0.2 out ", "0.3 xyz a", "nan out a", "1 out a",
            "99999999999999999999.0 out a", "0.4 err  two blanks",
        ])
        #expect(log.lines.map(\.text) == ["", "", " two blanks"])
        #expect(log.lines.map(\.seconds) == [0.1, 0.2, 0.4])
    }

    @Test(arguments: [
        ("2026/11/21 panic: runtime error", true), ("TypeError: x is undefined", true),
        ("java.lang.NullPointerException", true), ("WARN slow", true), ("3 Failures", true),
        ("connection refused", true), ("read timed out", true), ("ERR unexpected", true),
        ("mirrored 3 keys", false), ("terror", false), ("all is well", false), ("", false),
        ("failed: 0", true), ("warm", false), ("erro", false),
    ])
    func troubleIsKnownByItsWords(line: String, isTrouble: Bool) {
        #expect(TroubleWords.occur(in: Array(line.utf8)[...]) == isTrouble)
    }

    @Test func aLongLogKeepsItsEndsItsStatesAndItsTrouble() {
        var limits = LogExcerpt.Limits()
        (limits.first, limits.last, limits.trouble, limits.states) = (3, 2, 4, 4)
        let log = self.excerpt(
            (1...10_000).map { number in
                let time = "\(number / 100).\(number % 100 < 10 ? "0" : "")\(number % 100)"
                if number == 500 { return "\(time) --- killed" }
                return number % 1000 == 0 ? "\(time) err error \(number)" : "\(time) out \(number)"
            }, limits)
        #expect(log.total == 10_000)
        #expect(log.troubleCount == 10)
        #expect(
            log.lines.map(\.number) == [1, 2, 3, 500, 1000, 2000, 9000, 9999, 10_000])
        // Nothing of the counts is forgotten.
        #expect(log.histogram.bins.count <= LogHistogram.binsMax)
        #expect(log.histogram.bins.reduce(0) { $0 + $1.count } == 9999)
        #expect(log.histogram.bins.reduce(0) { $0 + $1.trouble } == 10)
        #expect(
            log.histogram.bins.filter { $0.trouble > 0 }.allSatisfy { $0.sample?.isTrouble == true }
        )
    }

    @Test func aLongLineIsShortened() {
        let log = self.excerpt(["0.1 out " + String(repeating: "é", count: 400)])
        #expect(log.lines[0].text == String(repeating: "é", count: 150) + " …")
    }

    @Test func aReportOfEndlessLogsStaysSmall() throws {
        let logs = (1...25).map { node in
            var log = LogExcerpt(node: "n\(node)")
            for number in 0..<1000 {
                let text =
                    "\(Double(number) / 100) err error \(number) "
                    + String(repeating: "x", count: 500)
                log.append(Array(text.utf8)[...])
            }
            return log
        }
        let page = HTMLReport.render(ReportInput(result: sampleResult(), logs: logs))
        #expect(page.utf8.count < 25 * 240_000)
        #expect(page.contains("n25, 1000 lines, 1000 read like trouble; 200 are here"))
        #expect(page.contains("<i>… 800 lines left out …</i>"))
    }
}
