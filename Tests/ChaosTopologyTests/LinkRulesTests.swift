import ChaosCore
import ChaosTopology
import Testing

/// Which rules of the kernel links need.
struct LinkRulesTests {
    /// n1 and n2 have the same two ports; n3 has another.
    private let ports = LabPorts([
        1: [
            .init(name: "client", transport: .tcp, number: 2379),
            .init(name: "peer", transport: .tcp, number: 2380),
        ],
        2: [
            .init(name: "client", transport: .tcp, number: 2379),
            .init(name: "peer", transport: .tcp, number: 2380),
        ],
        3: [.init(name: "gossip", transport: .udp, number: 7946)],
    ])

    @Test func healthyPairsNeedNone() {
        #expect(LinkRules.rules(from: 1, to: 2, self.ports) { _ in .open }.isEmpty)
    }

    @Test func wholePairsNeedOneForEachFamily() {
        #expect(
            LinkRules.rules(from: 1, to: 2, self.ports) { _ in .dropped } == [
                RouteRule(
                    .ipv4, priority: 200, input: "h1", destination: "10.77.0.2", .blackhole),
                RouteRule(
                    .ipv6, priority: 200, input: "h1", destination: "fd00:77::2", .blackhole),
            ])
        #expect(
            LinkRules.rules(from: 3, to: 1, self.ports) { _ in .switched }.first
                == RouteRule(
                    .ipv4, priority: 200, input: "h3", destination: "10.77.0.1",
                    .lookup(.packetSwitch)))
        #expect(
            LinkRules.rules(from: 3, to: 1, self.ports) { _ in .refused }.first?.verdict
                == .lookup(.local))
    }

    /// One port of a pair is cut: what goes to it and what comes from it, and nothing else. The other
    /// port at the target's end needs a rule of its own, because its connections may come from port
    /// 2380 of the source.
    @Test func portsAreToldApart() {
        let rules = LinkRules.rules(from: 1, to: 2, self.ports) { $0 == "peer" ? .dropped : .open }
        #expect(
            rules.filter { $0.family == .ipv4 } == [
                RouteRule(
                    .ipv4, priority: 100, input: "h1", destination: "10.77.0.2", transport: .tcp,
                    destinationPort: 2379, .lookup(.main)),
                RouteRule(
                    .ipv4, priority: 100, input: "h1", destination: "10.77.0.2", transport: .tcp,
                    destinationPort: 2380, .blackhole),
                RouteRule(
                    .ipv4, priority: 110, input: "h1", destination: "10.77.0.2", transport: .tcp,
                    sourcePort: 2380, .blackhole),
            ])
    }

    /// A pair is cut but for one port.
    @Test func portsMayStayOpen() {
        let rules = LinkRules.rules(from: 1, to: 3, self.ports) {
            $0 == "gossip" ? .open : .unreachable
        }
        #expect(
            rules.filter { $0.family == .ipv6 } == [
                RouteRule(
                    .ipv6, priority: 100, input: "h1", destination: "fd00:77::3", transport: .udp,
                    destinationPort: 7946, .lookup(.main)),
                RouteRule(
                    .ipv6, priority: 200, input: "h1", destination: "fd00:77::3", .unreachable),
            ])
    }

    @Test func packetsBelongToTheListenersPort() {
        func place(
            _ source: Int, _ target: Int, _ transport: RouteRule.Transport?, _ sourcePort: UInt16,
            _ targetPort: UInt16
        ) -> LabPorts.Place {
            self.ports.place(
                from: source, to: target, transport, sourcePort: sourcePort, targetPort: targetPort)
        }
        #expect(place(1, 2, .tcp, 40_000, 2380) == .init(port: "peer", isToListener: true))
        #expect(place(2, 1, .tcp, 2380, 40_000) == .init(port: "peer", isToListener: false))
        // The target's end decides where both could.
        #expect(place(1, 2, .tcp, 2379, 2380) == .init(port: "peer", isToListener: true))
        #expect(place(1, 2, .udp, 40_000, 2380) == .init(port: "other", isToListener: nil))
        #expect(place(1, 2, nil, 0, 0) == .init(port: "other", isToListener: nil))
        #expect(self.ports.names(between: 2, and: 1) == ["client", "peer", "other"])
        #expect(self.ports.names(between: 3, and: 1) == ["client", "peer", "gossip", "other"])
    }

    @Test(arguments: [
        ([PartitionMode.drop, .hold], [PartitionMode](), [FaultKind.delay], LinkTreatment.dropped),
        ([.unreachable, .reject], [], [], .unreachable), ([.reject], [], [], .refused),
        ([], [], [.refuse, .loss], .refused), ([.hold], [], [], .switched),
        ([.newOnly], [], [], .switched), ([], [.establishedOnly], [], .switched),
        ([], [.drop], [], .open), ([], [], [.loss], .switched), ([], [], [], .open),
    ])
    func theStrictestCounts(
        _ cuts: [PartitionMode], _ reversed: [PartitionMode], _ faults: [FaultKind],
        _ expected: LinkTreatment
    ) {
        #expect(LinkTreatment(cuts: cuts, reversedCuts: reversed, faults: faults) == expected)
    }
}
