import ChaosControl
import ChaosCore
import ChaosReport
import Testing

@Suite("What top shows") struct TopTextTests {
    private func status(at seconds: Double, messages: Int, bytes: Int) -> RunStatus {
        RunStatus(
            run: .init(
                name: "demo", seed: Seed(7), elapsed: .seconds(seconds), directory: "runs/x"),
            nodes: [
                .init(name: "n1", state: .running, pid: 1, restarts: 0, ports: []),
                .init(name: "n2", state: .killed, pid: nil, restarts: 2, ports: []),
            ],
            links: [
                .init(Link("n1", "n2", "main"), connections: 1, bytes: bytes, messages: messages),
                .init(
                    Link("n2", "n1", "main"), connections: 1, bytes: 10, messages: 1, isCut: true),
                .init(Link("n1", "n3", "main")),
            ],
            workload: [
                "kind": "echo",
                "recent": ["ops_per_s": 48.2, "not_ok_per_s": 0.0, "p50_ms": 2.1, "p99_ms": 30.0],
            ])
    }

    @Test func ratesAreBetweenTwoLooks() {
        let lines = TopText.lines(
            self.status(at: 12, messages: 150, bytes: 5000),
            since: self.status(at: 10, messages: 50, bytes: 1000), rows: 40, .plain)
        #expect(
            lines == [
                "demo  seed 7  12s",
                "clients  48.2 ops/s ok, 0.0 not ok, p50 2.1 ms, p99 30.0 ms in the last 5s",
                "",
                "nodes    n1 running  n2 killed (2 restarts)",
                "",
                "LINK         STATE  CONN  MSG/S  BYTES/S  BYTES  FAULTS",
                "n2->n1:main  cut       1      0      0 B   10 B",
                "n1->n2:main  open      1     50     2 kB   5 kB",
                "1 more link",
            ])
    }

    @Test func theFirstLookHasNoRates() {
        let lines = TopText.lines(
            self.status(at: 12, messages: 150, bytes: 5000), since: nil, rows: 40, .plain)
        #expect(lines.contains { $0.hasPrefix("n1->n2:main") && $0.contains("  0  ") })
    }

    @Test func noMoreThanFitsIsShown() {
        let status = self.status(at: 12, messages: 150, bytes: 5000)
        for rows in 6..<12 {
            #expect(TopText.lines(status, since: nil, rows: rows, .plain).count <= rows)
        }
        let lines = TopText.lines(status, since: nil, rows: 8, .plain)
        #expect(lines.last == "2 more links")
    }
}
