import ChaosCheckers
import ChaosCore
import Foundation
import Testing

@testable import ChaosReport

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite("Drawings") struct DrawingTests {
    private func log(_ lines: String) -> MessageLog {
        var log = MessageLog()
        for line in Array(lines.utf8).split(separator: 0x0A) { log.append(line) }
        return log
    }

    private let lines = #"""
        {"t":0.1,"event":"sent","link":"n1->n2:peer","connection":0,"direction":"forward","message":0,"type":"gossip","bytes":5,"text":"<a>"}
        {"t":0.1,"event":"sent","link":"n2->n1:peer","connection":0,"direction":"backward","message":0,"bytes":5,"text":"b"}
        {"t":0.15,"event":"left","link":"n1->n2:peer","connection":0,"direction":"forward","message":0}
        {"t":0.2,"event":"lost","link":"n2->n1:peer","connection":0,"direction":"backward","message":0,"by":"p1"}
        {"t":0.3,"event":"sent","link":"n1->n2:peer","connection":1,"direction":"forward","message":0,"bytes":1,"text":"c"}
        {"t":0.4,"event":"sent","link":"n1->client:peer","connection":0,"direction":"backward","message":0,"bytes":1,"text":"d"}
        {"t":0.41,"event":"left","link":"n1->client:peer","connection":0,"direction":"backward","message":0}
        {"t":0.42,"event":"left","link":"n1->client:peer","connection":0,"direction":"backward","message":0}
        {"t":0.5,"event":"le
        """#

    @Test func stepsAreJoinedToMessages() {
        let messages = self.log(self.lines).messages
        #expect(messages.map(\.source) == ["n1", "n2", "n1", "n1"])
        #expect(messages.map(\.target) == ["n2", "n1", "n2", "client"])
        #expect(messages.map(\.arrivals) == [[0.15], [], [], [0.41, 0.42]])
        #expect(messages.map(\.lostTo) == [nil, "p1", nil, nil])
        #expect(messages[0].type == "gossip")
    }

    private func diagram(_ lines: String, most: Int = 10) -> SpaceTime {
        SpaceTime(
            self.log(lines), participants: ["n2", "n1", "n3"],
            spans: [
                NodeSpan(node: "n1", state: "ready", from: 0, to: 0.2),
                NodeSpan(node: "n1", state: "killed", from: 0.2, to: nil),
            ],
            faults: [
                .init(
                    id: "p1", text: "partition n1 / n2", begin: .seconds(0.1), end: .seconds(0.35),
                    touched: 1, hits: 1)
            ], elapsed: .seconds(1), most: most)
    }

    @Test func theDiagramShowsWhatBecameOfEachMessage() throws {
        let diagram = self.diagram(self.lines)
        let document = try XMLDocument(xmlString: diagram.file)
        func count(_ name: String) throws -> Int {
            try document.nodes(
                forXPath: "//*[local-name()='path'][contains(@class, '\(name)')]"
            ).count
        }
        #expect(try count("message") == 4)
        #expect(try count("fine") == 1)
        #expect(try count("lost") == 1)
        #expect(try count("never") == 1)
        #expect(try count("twice") == 1)
        // Who sent nothing is left out; the order is the scenario's.
        #expect(
            diagram.filters.map(\.label) == [
                "n2", "n1", "client", "type gossip", "those that arrived once",
            ])
        let down = try document.nodes(forXPath: "//*[local-name()='line'][@class='down']")
        #expect(down.count == 1)
        let bands = try document.nodes(forXPath: "//*[local-name()='rect'][@class='band']")
        #expect(bands.count == 1)
        #expect(document.rootElement()?.stringValue?.contains("<a>") == true)
    }

    @Test func aDiagramThatLeavesSomethingOutSaysSo() {
        #expect(self.diagram(self.lines, most: 3).note == "The first 3 of 4 are drawn.")
        #expect(self.diagram(self.lines).note.isEmpty)
        #expect(self.diagram("").isEmpty)
    }

    /// The checkers' own output is drawn, not a copy of its form.
    @Test func whatTheCheckersFindIsDrawn() throws {
        func operation(
            _ process: Int, _ kind: ChaosCheckers.Operation.Kind, _ function: String,
            _ value: JSONValue, _ index: Int
        ) -> ChaosCheckers.Operation {
            .init(
                index: index, process: process, kind: kind, function: function, value: value,
                time: .seconds(Double(index)))
        }
        let stale = History([
            operation(0, .invoke, "write", 1, 0), operation(0, .ok, "write", 1, 1),
            operation(1, .invoke, "write", 2, 2), operation(1, .ok, "write", 2, 3),
            operation(0, .invoke, "read", .null, 4), operation(0, .ok, "read", 1, 5),
        ])
        let checker = try makeChecker(name: "linearizable", parameters: ["model": "register"])
        let finding = checker.check(stale)
        #expect(finding.verdict == .invalid)
        let failure = try #require(finding.statistics["failures"]?.arrayValue?.first)
        let window = try #require(WindowDrawing(failure))
        let culprits = try XMLDocument(xmlString: window.svg).nodes(
            forXPath: "//text[@class='culprit']")
        #expect(culprits.compactMap(\.stringValue) == ["read 1"])
        var result = sampleResult()
        result.findings = [finding]
        #expect(HTMLReport.render(ReportInput(result: result)).contains("class=\"window\""))
    }

    @Test func aCycleIsDrawnFromItsGraph() throws {
        let dot = #"""
            digraph "G2-item" {
              node [shape=box];
              T1 [label="T1: r x [], append y \"1\""];
              T2 [label="T2: r y [], append x 1"];
              T1 -> T2 [label="rw x"];
              T2 -> T1 [label="rw y"];
            }
            """#
        let drawing = try #require(CycleDrawing(dot: dot))
        let document = try XMLDocument(xmlString: drawing.svg)
        let texts = try document.nodes(forXPath: "//text").compactMap(\.stringValue)
        #expect(
            texts == [
                #"T1: r x [], append y "1""#, "T2: r y [], append x 1", "rw x", "rw y",
            ])
        #expect(CycleDrawing(dot: "digraph {}") == nil)
    }

    @Test func operationsAreCountedByName() throws {
        var history = History()
        for (index, milliseconds) in [1, 2, 3, 4, 100].enumerated() {
            let begin = Instant.seconds(Double(index))
            history.append(
                .init(
                    index: history.operations.count, process: index, kind: .invoke,
                    function: "read", time: begin))
            history.append(
                .init(
                    index: history.operations.count, process: index, kind: .ok, function: "read",
                    time: begin + .milliseconds(milliseconds)))
        }
        history.append(
            .init(index: 10, process: 9, kind: .invoke, function: "write", time: .seconds(9)))
        let all = OperationStatistics(history).byFunction.map {
            (function: $0.key, tally: $0.value)
        }
        #expect(all.map(\.function) == ["read", "write"])
        #expect(all[0].tally.ok == 5 && all[0].tally.info == 0)
        #expect(all[0].tally.latency("p50") == .milliseconds(3))
        #expect(all[0].tally.latency("p99") == .milliseconds(100))
        #expect(all[1].tally.info == 1 && all[1].tally.latency("p50") == nil)
        let page = HTMLReport.render(ReportInput(result: sampleResult(), history: history))
        #expect(page.contains("<td>read</td><td class=\"number\">5</td>"))
    }
}
