import ChaosCore
import ChaosScenario

// Between nodes of the lab there are packets, and connections that go through the proxy all the same.

extension NetworkControl {
    /// What is wrong with faults on links between nodes of the lab.
    func checkAmongPackets(_ rule: FaultRule) throws(InputError) {
        let ports = rule.links.port.map { [$0] } ?? self.ports
        let intercepted = self.interceptedPorts(of: rule.links)
        for fault in rule.faults {
            // What belongs to no declared port takes every fault of packets.
            if rule.links.port == nil && fault.isForPackets { continue }
            let takes = ports.contains { port in
                intercepted.contains(port) ? self.takes(fault, port: port) : fault.isForPackets
            }
            if takes { continue }
            if let port = ports.first(where: { intercepted.contains($0) && self.hasMessages($0) }),
                let framing = self.framing[port]
            {
                throw fault.refusal(by: framing, of: port)
            }
            let streams = ports.filter { !self.datagramPorts.contains($0) }
            guard let bare = streams.first else {
                throw fault.refusal(byDatagramsOf: ports.first ?? "main")
            }
            throw fault.refusalByLab(port: bare)
        }
    }

    /// The ports of the nodes at either end whose connections go through the proxy.
    private func interceptedPorts(of links: LinkPattern) -> Set<PortName> {
        Set(
            self.interceptedPorts.filter {
                links.sources.matches($0.key) || links.targets.matches($0.key)
            }.flatMap(\.value))
    }
}

extension Fault {
    /// Why the fault cannot be on a link between nodes of a lab, with what to declare; to be asked where it
    /// cannot.
    fileprivate func refusalByLab(port: PortName) -> InputError {
        let what = self.match == nil ? "'\(self.kind.rawValue)'" : "'match'"
        if self.needsFraming {
            return InputError(
                "\(what) needs messages, and port '\(port)' has no framing",
                found: self.text,
                hint: "name one under 'network: framing:' in the scenario, such as "
                    + "'framing: { \(port): lines }'")
        }
        return InputError(
            "\(what) looks into connections, and the kernel forwards those of port '\(port)' between "
                + "nodes of this run", found: self.text,
            hint:
                "write 'framing: { \(port): none }' under 'network' in the scenario, or a framing: then "
                + "they go through the proxy from the start; packets have delay, loss, duplicate, reorder, "
                + "corrupt, rate and refuse")
    }
}
