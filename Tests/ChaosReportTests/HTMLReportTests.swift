import ChaosCheckers
import ChaosCore
import ChaosReport
import Foundation
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite("HTML reports")
struct HTMLReportTests {
    private func history(_ count: Int) -> History {
        var operations: [ChaosCheckers.Operation] = []
        for index in 0..<count {
            let begin = Instant.seconds(Double(index) * 0.01)
            operations.append(
                .init(
                    index: operations.count, process: 0, kind: .invoke, function: "broadcast",
                    value: .string("<v\(index)>"), time: begin, node: "n1"))
            if index % 100 == 99 { continue }
            let kind: ChaosCheckers.Operation.Kind = index % 100 == 98 ? .fail : .ok
            operations.append(
                .init(
                    index: operations.count, process: 0, kind: kind, function: "broadcast",
                    time: begin + .milliseconds(3), error: kind == .fail ? "a & b" : nil))
        }
        return History(operations)
    }

    private func input() -> ReportInput {
        ReportInput(
            result: sampleResult(), history: self.history(300),
            logs: [
                .init(
                    node: "n1",
                    log: """
                            0.010000 --- starting
                            0.020000 out <script>alert(1)</script>
                            0.030000 err fatal & final
                        """)
            ])
    }

    @Test func isWellFormedAndLoadsNothing() throws {
        let page = HTMLReport.render(self.input())
        // The body is XML too: every element is closed and every text escaped.
        let start = try #require(page.range(of: "<body>"))
        let end = try #require(page.range(of: "</body>"))
        let body = String(page[start.lowerBound..<end.upperBound])
        let document = try XMLDocument(xmlString: body)
        #expect(try document.nodes(forXPath: "//circle").count == 300)
        #expect(try document.nodes(forXPath: "//circle[@class='ok']").count == 294)
        #expect(try document.nodes(forXPath: "//circle[@class='fail']").count == 3)
        #expect(try document.nodes(forXPath: "//circle[@class='info']").count == 3)
        #expect(try document.nodes(forXPath: "//rect[@class='bar']").count == 2)
        let log = try document.nodes(
            forXPath: "//details[contains(summary,'n1, 3 lines, 1 read like trouble')]/pre/span")
        #expect(
            log.compactMap(\.stringValue) == [
                "    0.010 --- starting", "    0.020 out <script>alert(1)</script>",
                "    0.030 err fatal & final",
            ])
        // A stroke stands for all lines of its moment, and leads to the one that looks worst.
        let strokes = try document.nodes(forXPath: "//a/@href").compactMap(\.stringValue)
        #expect(strokes == ["#log-n1-3"])
        #expect(try document.nodes(forXPath: "//*[@id='log-n1-3']").count == 1)
        let links = try document.nodes(forXPath: "//tr[td='n1->n2:peer']/td")
        #expect(links.compactMap(\.stringValue) == ["n1->n2:peer", "2", "12", "0.04", "1.5 kB"])
        for forbidden in ["<script", "http://", "https://", "src=", "url(", "@import"] {
            #expect(!page.contains(forbidden), "\(forbidden)")
        }
    }

    @Test func saysWhatMatters() {
        let page = HTMLReport.render(self.input())
        for text in [
            "<p class=\"verdict\">invalid</p>", "3 of 120 values lost", "lost 17: added at 12.3s",
            "chaos test examples/demo/split-brain.yaml --seed 42",
            "schedule[0]: 0 bytes crossed n1-&gt;n3:peer, n3-&gt;n1:peer during 12.0–18.0 s",
            "n2 died at 25.5s: exit status 1", "panic: &lt;disk&gt; &amp; &quot;heat&quot;",
            "broadcast &quot;&lt;v0&gt;&quot; n1 ok, 3 ms", "no answer",
            "warning: f1 was met 0 times",
        ] {
            #expect(page.contains(text), "\(text)")
        }
    }

    @Test func tellsEverythingInOrderOfTime() throws {
        let page = HTMLReport.render(self.input())
        let start = try #require(page.range(of: "<h2>What happened, in order</h2>"))
        let end = try #require(
            page.range(of: "</details>", range: start.upperBound..<page.endIndex))
        let document = try XMLDocument(
            xmlString: "<body>\(page[start.lowerBound..<end.upperBound])</body>")
        #expect(
            try document.nodes(forXPath: "//span").compactMap(\.stringValue) == [
                "    0.010 n1         starting", "    0.030 n1         err fatal & final",
                "   12.000 schedule[0] partition n1 / n2 n3, lose",
                "   18.000 schedule[0] is over", "   20.000 f1         n1->n2 delay 100ms",
            ])
    }

    @Test func aLargeHistoryIsSampledAndSaysSo() {
        let page = HTMLReport.render(
            ReportInput(result: sampleResult(), history: self.history(6000)))
        #expect(page.components(separatedBy: "<circle").count - 1 == 4000)
        #expect(page.components(separatedBy: "<circle class=\"fail\"").count - 1 == 60)
        #expect(page.contains("4000 of 6000 operations are drawn"))
    }

    @Test func manyFaultsHaveLinesUpToALimit() {
        var result = sampleResult()
        result.faults = (0..<100).map {
            .init(
                id: "s\($0)", text: "kill n1", begin: .seconds(1), end: nil, touched: 1, hits: 1)
        }
        let page = HTMLReport.render(ReportInput(result: result))
        #expect(page.components(separatedBy: "class=\"bar\"").count - 1 == 40)
        #expect(page.contains("40 of 100 faults have a line; the table has all."))
        #expect(page.contains("<td>s99</td>"))
    }

    @Test func anEmptyRunHasAReportToo() throws {
        let result = RunResult(
            scenario: "", seed: Seed(0), verdict: nil, exitCode: 0, elapsed: .zero, directory: "",
            repeatCommand: "")
        let page = HTMLReport.render(ReportInput(result: result))
        #expect(page.contains("not checked"))
    }
}
