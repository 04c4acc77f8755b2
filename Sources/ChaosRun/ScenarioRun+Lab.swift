import ChaosCluster
import ChaosCore
import ChaosLab
import ChaosProxy
import ChaosScenario
import ChaosTopology
import Foundation

// What is different where each node has a network of its own.

extension ScenarioRun {
    /// Whether this run's nodes are in a lab.
    var isInLab: Bool { self.scenario.chosenBackend == .lab }

    /// Makes the nodes' namespaces, if the run has any.
    func openLab(
        _ directory: RunDirectory, _ plan: AddressPlan, _ clock: RunClock
    ) async throws -> Lab? {
        if !self.isInLab { return nil }
        let begin = clock.now
        let numbers = self.labPorts(plan).flatMap { $0.value.map(\.number) }
        let folder = directory.file("lab")
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
            let lab = try await Lab.open(
                self.scenario.nodes.map(\.name),
                family: self.scenario.addressing == .ipv6 ? .ipv6 : .ipv4,
                services: self.scenario.exposedServices.map { ($0.name, $0.target) },
                reservedPorts: Set(numbers).sorted(),
                usesNetem: self.scenario.packetEngine == .netem, files: folder)
            self.holdings.lab = lab
            let count = self.scenario.nodes.count
            self.tell(
                "lab of \(count == 1 ? "1 node" : "\(count) nodes"), set up in "
                    + (clock.now - begin).roundedText, at: clock.now)
            return lab
        } catch { throw RunError("\(error)") }
    }

    /// Has packets between nodes go as the run's network says.
    func connectLab(_ lab: Lab?, _ plan: AddressPlan, _ proxy: Proxy) async throws {
        guard let lab else { return }
        let intercepted = Set(self.scenario.interceptedPorts.values.flatMap { $0 }).sorted()
        if let first = intercepted.first {
            if proxy.driverKind != .epoll {
                throw RunError(
                    "connections between nodes to port '\(first)' go through the proxy, which in the lab "
                        + "needs the driver epoll\nhint: unset \(ProxyDriverKind.variable)")
            }
            let names = intercepted.map { "'\($0)'" }.joined(separator: ", ")
            self.tell(
                "between nodes, connections to port \(names) go through the proxy; the rest is packets",
                at: proxy.clock.now)
        }
        do {
            try await lab.connect(
                to: proxy, ports: LabPorts(self.labPorts(plan)),
                usesNetem: self.scenario.packetEngine == .netem)
            for node in self.scenario.nodes {
                for port in node.ports where port.transport == .tcp {
                    guard
                        let view = plan.endpoint(of: node.name, port.name, seenBy: .client)
                    else { continue }
                    try await lab.forward(node.name, port.name, to: view)
                }
            }
        } catch { throw RunError("\(error)") }
    }

    /// The lab's first process, as the machine knows it.
    var labProcess: Int? {
        self.holdings.lab == nil ? nil : LabEntrance.current.map { Int($0.initProcess) }
    }

    /// Where a node's network namespace is, for who comes into the lab.
    func networkPath(of node: NodeName) -> String? {
        self.holdings.lab?.namespace(of: node).map {
            "/proc/\(ProcessInfo.processInfo.processIdentifier)/fd/\($0)"
        }
    }

    /// The declared ports of each node with the numbers they got, by the node's number.
    private func labPorts(_ plan: AddressPlan) -> [Int: [LabPorts.Declared]] {
        var ports: [Int: [LabPorts.Declared]] = [:]
        let intercepted = self.scenario.interceptedPorts
        for node in self.scenario.nodes {
            ports[plan.number(of: node.name)] = node.ports.compactMap { port in
                guard case .tcp(_, let number)? = plan.listen(node.name, port.name) else {
                    return nil
                }
                return LabPorts.Declared(
                    name: port.name, transport: port.transport == .udp ? .udp : .tcp,
                    number: number,
                    isIntercepted: intercepted[node.name]?.contains(port.name) == true)
            }
        }
        return ports
    }

    /// Where programs run that are no nodes, if not where chaos does: they find nodes by name at the
    /// addresses that clients use.
    var clientPlacement: SpawnRequest.Placement? {
        self.holdings.lab.map { SpawnRequest.Placement(hosts: $0.clientHosts, isBare: false) }
    }

    /// Where each node runs, if not where chaos does.
    var placements: @Sendable (NodeName) -> SpawnRequest.Placement? {
        let lab = self.holdings.lab
        return { node in
            lab?.namespace(of: node).map {
                SpawnRequest.Placement(network: $0, hostName: node.text, isBare: true)
            }
        }
    }

    /// The process that other commands mean by this run, as they know it.
    var processOutside: Int32 {
        LabEntrance.current?.launcher ?? ProcessInfo.processInfo.processIdentifier
    }
}
