import ChaosCore

/// What stands in `/etc/hosts` (hosts(5)) inside a lab.
package enum HostsFile {
    /// The file for nodes: each name at its own address. The address of the other family has a name of
    /// its own, because programs differ in which of several they take.
    package static func forNodes(
        _ names: [NodeName], _ family: LabAddresses.Family, services: [NodeName] = []
    ) -> String {
        let nodes = names.enumerated().flatMap { offset, name in
            LabAddresses.Family.allCases.map { other in
                let own = "\(name).\(other == .ipv4 ? "ip4" : "ip6")"
                return "\(LabAddresses.node(offset + 1, other)) "
                    + (other == family ? "\(name) \(own)" : own)
            }
        }
        return self.text(nodes, services)
    }

    /// The file for clients: each name where the proxy listens for it, so that what clients send goes
    /// over their links.
    package static func forClients(_ names: [NodeName], services: [NodeName] = []) -> String {
        self.text(
            names.enumerated().map { "\(LabAddresses.clientView(of: $0 + 1)) \($1)" }, services)
    }

    private static func text(_ nodes: [String], _ services: [NodeName]) -> String {
        let lines =
            ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"] + nodes
            + services.enumerated().map { "\(LabAddresses.service($0 + 1)) \($1)" }
        return lines.joined(separator: "\n") + "\n"
    }
}
