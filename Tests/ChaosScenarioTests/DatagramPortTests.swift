import ChaosCore
import ChaosScenario
import Testing

@Suite("UDP ports of a scenario")
struct DatagramPortTests {
    private static let head = """
        nodes:
          n1..n3: { command: x, ports: { client: 7946, gossip: 7946/udp, news: udp } }
        network:

        """

    private func ports(of text: String) throws -> [PortSpec] {
        try ScenarioParser().scenario(text, file: "a.yaml").nodes[0].ports
    }

    @Test func areReadAndWritten() throws {
        let wanted = [
            PortSpec(name: "client", number: 7946),
            PortSpec(name: "gossip", number: 7946, transport: .udp),
            PortSpec(name: "news", transport: .udp),
        ]
        let text = Self.head + "  framing: { client: lines }"
        #expect(try self.ports(of: text) == wanted)
        let scenario = try ScenarioParser().scenario(text, file: "a.yaml")
        #expect(scenario.datagramPorts == ["gossip", "news"])
        #expect(try self.ports(of: scenario.yaml) == wanted)
    }

    @Test func haveTheFaultsOfPackets() {
        let text = """
              mode: lose
              links:
                "*->*:gossip":
                  delay: 5ms ± 5ms
                  loss: { percent: 1%, match: { after: 3 } }
                  duplicate: 1%
                  reorder: 1%
                  corrupt: 1%
                  rate: 1mbit
                n1->n2:news: { refuse: true }
            """
        #expect(mistakes(Self.head + text) == [])
    }

    /// A pattern without a port covers those that can; a fault that no port can have is a mistake.
    @Test func refuseTheFaultsOfStreams() {
        #expect(
            mistakes(
                Self.head + """
                      framing: { gossip: lines }
                      links:
                        n1->n2: { slicer: 10B }
                        n1->n2:gossip: { slicer: 10B, delay: 1s }
                        n2->n1:news: { loss: { percent: 5%, match: { type: a } } }
                    """) == [
                    "a.yaml:4:14: a udp port has no framing: each datagram is a message, found "
                        + "'gossip'",
                    "a.yaml:7:5: 'slicer' is for streams, and port 'gossip' is udp, found 'slicer "
                        + "10B 0B 0s'",
                    "hint: datagrams have delay, loss, duplicate, reorder, corrupt, rate and refuse",
                    "a.yaml:8:5: 'match' looks into messages, and nobody knows what is in the "
                        + "datagrams of port 'news', found 'loss 5% type:a'",
                    "hint: 'direction', 'nth', 'first' and 'after' count datagrams",
                ])
    }

    @Test func acceptNoConnections() {
        let text = "nodes: { n1: { command: x, ports: { u: udp }, ready: { tcp: u } } }"
        #expect(
            mistakes(text) == [
                "a.yaml:1:61: a udp port accepts no connections, found 'u'",
                "hint: a line of output can show that it is ready: log: 'listening'",
            ])
    }

    @Test func meanTheSameForAllNodes() {
        let text = """
            nodes:
              n1: { command: x, ports: { u: udp } }
              n2: { command: x, ports: { u: auto } }
            """
        #expect(
            mistakes(text) == [
                "a.yaml:2:3: a port's name means udp for all nodes that have it or for none, "
                    + "found 'u'"
            ])
    }
}
