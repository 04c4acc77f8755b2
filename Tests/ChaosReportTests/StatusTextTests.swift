import ChaosControl
import ChaosCore
import ChaosReport
import Testing

@Suite("What status prints")
struct StatusTextTests {
    private func status() -> RunStatus {
        RunStatus(
            run: .init(
                name: "demo", seed: Seed(42), elapsed: Instant(nanoseconds: 12_300_000_000),
                directory: "runs/1-demo"),
            nodes: [
                .init(
                    name: "n1", state: .running, pid: 1234, restarts: 1,
                    ports: [
                        .init(
                            name: "client", listen: .tcp(host: "127.77.1.1", port: 7000),
                            proxied: .tcp(host: "127.77.0.1", port: 7000))
                    ]),
                .init(name: "n2", state: .killed),
            ],
            links: [
                .init(
                    Link("n1", "n2", "peer"), connections: 2, bytes: 1_400_000, messages: 120,
                    isCut: true,
                    faults: [
                        .init(id: "f2", text: "delay 20ms", hits: 7, touched: 9, wins: true),
                        .init(id: "f1", text: "delay 5ms", hits: 0, touched: 0, wins: false),
                    ]),
                .init(Link("n2", "n1", "peer"), connections: 2, bytes: 800, messages: 4),
                .init(Link("n1", "n2", "client")), .init(Link("n2", "n1", "client")),
            ],
            partitions: [
                .init(
                    id: "p1", text: "n1 / n2", mode: .drop,
                    since: Instant(nanoseconds: 10_000_000_000),
                    until: Instant(nanoseconds: 20_000_000_000)),
                .init(
                    id: "h1", text: "n2->n1", mode: .hold,
                    since: Instant(nanoseconds: 11_500_000_000), crossedBytes: 3),
            ],
            workload: ["kind": "broadcast", "ok": 1200])
    }

    @Test func tablesAreAligned() {
        #expect(
            StatusText.lines(self.status(), .plain).joined(separator: "\n") == """
                demo  seed 42  12.3s  runs/1-demo

                NODE  STATE     PID  RESTARTS  PORTS
                n1    running  1234         1  client 127.77.1.1:7000 (clients: 127.77.0.1:7000)
                n2    killed      -         0

                LINK         STATE  CONNECTIONS  MESSAGES   BYTES  FAULT                     TOUCHED  HITS
                n1->n2:peer  cut              2       120  1.4 MB  f2 delay 20ms                   9     7
                                                                   f1 delay 5ms (overruled)        0     0
                n2->n1:peer  open             2         4   800 B
                2 more links without traffic or faults

                ID  CUT      MODE  SINCE   UNTIL  CROSSED
                p1  n1 / n2  drop    10s     20s      0 B
                h1  n2->n1   hold  11.5s  undone      3 B

                workload  kind broadcast, ok 1200
                """)
    }

    @Test func coloursChangeNothingButColours() {
        let coloured = StatusText.lines(self.status(), TerminalStyle(isColoured: true))
        #expect(coloured.contains { $0.contains("\u{1B}[31mcut\u{1B}[0m") })
        let stripped = coloured.map {
            $0.replacing(/\u{1B}\[[0-9]+m/, with: "")
        }
        #expect(stripped == StatusText.lines(self.status(), .plain))
    }

    @Test func aRunWithoutTrafficSaysSo() {
        var status = self.status()
        status.nodes = []
        status.links = [.init(Link("n1", "n2", "client"))]
        status.partitions = []
        status.workload = [:]
        #expect(
            StatusText.lines(status, .plain) == [
                "demo  seed 42  12.3s  runs/1-demo", "", "1 link without traffic or faults",
            ])
    }

    @Test(
        "colours only where they are wanted",
        arguments: [
            (true, [:], true), (false, [:], false), (true, ["NO_COLOR": "1"], false),
            (true, ["NO_COLOR": ""], true), (true, ["TERM": "dumb"], false),
        ] as [(Bool, [String: String], Bool)])
    func colours(isTerminal: Bool, environment: [String: String], expected: Bool) {
        let style = TerminalStyle(isTerminal: isTerminal, environment: environment)
        #expect(style.isColoured == expected)
    }
}
