import ChaosControl
import ChaosCore
import ChaosReport
import Testing

@Suite("What commands print")
struct CommandTextTests {
    private func injection(
        _ id: InjectionID, _ kind: InjectionSummary.Kind, _ text: String,
        mode: PartitionMode? = nil, ports: [PortName] = [], until: Instant? = nil
    ) -> InjectionSummary {
        InjectionSummary(
            id: id, kind: kind, text: text, mode: mode, ports: ports, links: [],
            since: Instant(nanoseconds: 12_034_567_000), until: until)
    }

    @Test func aPartitionIsConfirmedInOneLine() {
        let until = Instant(nanoseconds: 22_034_567_000)
        let open = self.injection("p1", .partition, "n1 / n2 n3", mode: .drop)
        #expect(
            CommandText.line(InjectionReceipt(open))
                == "p1 cuts n1 / n2 n3 (drop) until healed; undo with 'chaos heal p1'")
        let leased = self.injection(
            "p2", .partition, "n1 -> n2", mode: .reject, ports: ["peer"], until: until)
        #expect(
            CommandText.line(InjectionReceipt(leased), suffix: " --run demo")
                == "p2 cuts n1 -> n2 (reject, port peer) until 22.035s of the run, for 10s;"
                + " undo with 'chaos heal p2 --run demo'")
    }

    @Test func holdsAndFaultsAreConfirmedToo() {
        #expect(
            CommandText.line(InjectionReceipt(self.injection("h1", .hold, "n1->n2", mode: .hold)))
                == "h1 holds n1->n2 until released; undo with 'chaos release h1'")
        #expect(
            CommandText.line(
                InjectionReceipt(self.injection("f3", .faults, "n1->n2 delay 100ms ± 10ms loss 5%"))
            )
                == "f3 sets n1->n2 delay 100ms ± 10ms loss 5% until cleared;"
                + " undo with 'chaos clear f3'")
    }

    @Test func endingsAreListed() {
        #expect(CommandText.lines(EndingReceipt(ended: [])) == ["nothing was active"])
        #expect(
            CommandText.lines(
                EndingReceipt(ended: [
                    self.injection("p1", .partition, "n1 / n2"),
                    self.injection("h1", .hold, "n1->n2"),
                    self.injection("f1", .faults, "n1->n2 loss 5%"),
                ])) == [
                    "p1 is healed: n1 / n2", "h1 is released: n1->n2",
                    "f1 is cleared: n1->n2 loss 5%",
                ])
    }

    @Test func nodesAreListed() {
        let receipt = ProcessReceipt(nodes: [
            .init(name: "n1", state: .killed), .init(name: "n2", state: .paused, pid: 17),
        ])
        #expect(CommandText.lines(receipt) == ["n1 is killed", "n2 is paused, pid 17"])
    }

    @Test func eventsAreLinesWithTheirTime() {
        let at = Instant(nanoseconds: 22_000_000_000)
        let cut = self.injection("p1", .partition, "n1 / n2", mode: .drop)
        let events: [(RunEvent, String)] = [
            (.injected(cut), "   12.034s  p1 cuts n1 / n2 (drop)"),
            (.ended(cut, .lease, at: at), "   22.000s  p1 is healed: n1 / n2 (its time was up)"),
            (.ended(cut, .command, at: at), "   22.000s  p1 is healed: n1 / n2"),
            (
                .node(.init(name: "n1", state: .died), reason: "exit code 3", at: at),
                "   22.000s  n1 died: exit code 3"
            ),
            (.warning("framing lost", at: at), "   22.000s  warning: framing lost"),
            (.progress(["ok": 12, "fail": 1], at: at), "   22.000s  ok 12, fail 1"),
            (.end(verdict: "valid", at: at), "   22.000s  the run is over: valid"),
            (.missed(3), "            3 events missed"),
        ]
        for (event, line) in events { #expect(EventText.line(event.json, .plain) == line) }
        #expect(
            EventText.line(["event": "new", "x": 1], .plain) == #"{"event":"new","x":1}"#)
    }
}
