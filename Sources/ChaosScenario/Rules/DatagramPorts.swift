import ChaosCore

extension Scenario {
    /// The names of the ports at which datagrams come in.
    package var datagramPorts: Set<PortName> {
        Set(self.nodes.flatMap(\.ports).filter { $0.transport == .udp }.map(\.name))
    }
}

extension Fault {
    /// Why the fault cannot be one of a port where datagrams come in; to be asked of those that cannot.
    package func refusal(byDatagramsOf port: PortName) -> InputError {
        if let match = self.match, match.type != nil || !match.fields.isEmpty {
            return InputError(
                "'match' looks into messages, and nobody knows what is in the datagrams of port "
                    + "'\(port)'", found: self.text,
                hint: "'direction', 'nth', 'first' and 'after' count datagrams")
        }
        return InputError(
            "'\(self.kind.rawValue)' is for streams, and port '\(port)' is udp", found: self.text,
            hint: "datagrams have delay, loss, duplicate, reorder, corrupt, rate and refuse")
    }
}
