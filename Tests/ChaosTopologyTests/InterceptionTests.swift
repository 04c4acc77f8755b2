import ChaosCore
import ChaosTopology
import Testing

/// Ports whose connections go through the proxy: rules, filters, frames.
struct InterceptionTests {
    /// n1 and n2 have the port, and n2 another; n3 has none.
    private let ports = LabPorts([
        1: [.init(name: "api", transport: .tcp, number: 80, isIntercepted: true)],
        2: [
            .init(name: "api", transport: .tcp, number: 80, isIntercepted: true),
            .init(name: "admin", transport: .tcp, number: 81),
        ],
        3: [],
    ])

    private func rules(
        _ treatment: @escaping (PortName) -> LinkTreatment
    ) -> [RouteRule] {
        LinkRules.rules(from: 1, to: 2, self.ports, treatment: treatment)
            .filter { $0.family == .ipv4 }
    }

    private func rule(
        _ priority: UInt32, _ verdict: RouteRule.Verdict, to target: UInt16? = nil,
        from source: UInt16? = nil, isSentInPlace: Bool = false
    ) -> RouteRule {
        RouteRule(
            .ipv4, priority: priority, input: isSentInPlace ? "lo" : "h1",
            destination: "10.77.0.2", source: isSentInPlace ? "10.77.0.1" : nil,
            transport: target == nil && source == nil ? nil : .tcp, destinationPort: target,
            sourcePort: source, verdict)
    }

    @Test func healthyPairsNeedNoRulesOfTheirOwn() {
        #expect(self.rules { _ in .open }.isEmpty)
        // The proxy does what the switch would.
        #expect(self.rules { $0 == "api" ? .switched : .open }.isEmpty)
        #expect(self.rules { $0 == "api" ? .refused : .open }.isEmpty)
    }

    /// A cut is one rule for each leg: for what n1 sends, and for what the router sends in its place.
    @Test func cutsConcernBothLegs() {
        #expect(
            Set(self.rules { $0 == "api" ? .dropped : .open }) == [
                self.rule(100, .blackhole, to: 80), self.rule(110, .blackhole, from: 80),
                // Connections that n1 opens from its port 80 to another one go on.
                self.rule(100, .lookup(.main), to: 81),
                self.rule(90, .blackhole, to: 80, isSentInPlace: true),
                self.rule(90, .blackhole, from: 80, isSentInPlace: true),
            ])
        #expect(
            Set(self.rules { _ in .unreachable }) == [
                self.rule(200, .unreachable),
                self.rule(90, .blackhole, to: 80, isSentInPlace: true),
                self.rule(90, .blackhole, from: 80, isSentInPlace: true),
            ])
    }

    /// Where everything else of a pair crosses the switch, these connections do not.
    @Test func faultsOfThePairLeaveItAlone() {
        #expect(
            Set(self.rules { _ in .switched }) == [
                self.rule(100, .lookup(.local), to: 80), self.rule(110, .lookup(.local), from: 80),
                self.rule(100, .lookup(.packetSwitch), to: 81),
                self.rule(200, .lookup(.packetSwitch)),
            ])
    }

    @Test func rulesForAllNodesAreFewWhereAllHaveThePort() {
        let few = LabPorts([1: self.ports.ports(of: 1), 2: self.ports.ports(of: 1)])
        let rules = InterceptionRules.rules(few, nodes: 2)
        #expect(
            rules.filter { $0.family == .ipv4 } == [
                RouteRule(
                    .ipv4, priority: 900, input: "lo", destination: "10.77.0.0/24",
                    .lookup(.main)),
                RouteRule(
                    .ipv4, priority: 910, destination: "10.77.0.0/24", transport: .tcp,
                    destinationPort: 80, .lookup(.local)),
                RouteRule(
                    .ipv4, priority: 910, destination: "10.77.0.0/24", transport: .tcp,
                    sourcePort: 80, .lookup(.local)),
            ])
        #expect(rules.count == 6)
        // n3 may listen there as well, of which nobody knows.
        let many = InterceptionRules.rules(self.ports, nodes: 3).filter { $0.family == .ipv6 }
        #expect(
            many.dropFirst().map { "\($0.input ?? "-") \($0.destination ?? "-")" } == [
                "- fd00:77::1", "h1 fd00:77::/112", "- fd00:77::2", "h2 fd00:77::/112",
            ])
        #expect(InterceptionRules.rules(LabPorts([1: []]), nodes: 1).isEmpty)
    }

    /// Only what opens a connection to one of the ports is seen.
    @Test func openingsAreSeen() {
        let filter = InterceptionFilters.openings(to: [80, 2380])
        func sees(_ frame: [UInt8]) -> Bool { FilterMachine(filter).run(frame) > 0 }
        for frame in [FrameTests.ipv4(flags: 2), FrameTests.ipv6(flags: 2)] { #expect(sees(frame)) }
        for flags: UInt8 in [0x12, 0x10, 0x18, 0x04, 0x11] {
            #expect(!sees(FrameTests.ipv4(flags: flags)))
            #expect(!sees(FrameTests.ipv6(flags: flags)))
        }
        #expect(!sees(FrameTests.ipv4(flags: 2, to: 81)))
        #expect(sees(FrameTests.ipv4(flags: 2, to: 80)))
        #expect(!sees(FrameTests.ipv4(flags: 2, fragment: 100)))
        let arp = [UInt8](repeating: 0, count: 12) + [8, 6] + [UInt8](repeating: 0, count: 60)
        #expect(!sees(arp))
    }

    /// A SYN passes the gate at one interface alone, and everything else does at all.
    @Test func theGateKeepsOpeningsOut() {
        let gate = InterceptionFilters.gate(openedBy: 7)
        for frame in [FrameTests.ipv4(flags: 2), FrameTests.ipv6(flags: 2)] {
            let segment = Array(frame.suffix(30))
            #expect(FilterMachine(gate, interface: 7).run(segment) > 0)
            #expect(FilterMachine(gate, interface: 8).run(segment) == 0)
        }
        for flags: UInt8 in [0x12, 0x10, 0x18, 0x04] {
            let segment = Array(FrameTests.ipv4(flags: flags).suffix(30))
            #expect(FilterMachine(gate, interface: 8).run(segment) > 0)
        }
    }

    /// Over what a right checksum covers, with it, the sum is zero.
    @Test func checksumsAreCompleted() throws {
        for bytes in [FrameTests.ipv4(flags: 2, data: 3), FrameTests.ipv6(flags: 2, data: 3)] {
            let frame = try #require(LabFrame(bytes))
            let whole = frame.withChecksum(bytes)
            let addresses = whole[
                frame.headerOffset + (frame.family == .ipv4 ? 12 : 8)..<34
                    + (frame.family == .ipv4 ? 0 : 20)]
            let segment = whole[frame.transportOffset..<frame.end]
            #expect(Checksum.of(Array(addresses) + [0, 6, 0, UInt8(segment.count)] + segment) == 0)
            #expect(whole.count == bytes.count)
            // What is cut off is left as it is.
            #expect(frame.withChecksum(Array(bytes.dropLast(2))) == Array(bytes.dropLast(2)))
        }
    }
}
