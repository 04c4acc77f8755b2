import ChaosCore

extension Scenario {
    /// The names of the ports at which datagrams come in.
    package var datagramPorts: Set<PortName> {
        Set(self.nodes.flatMap(\.ports).filter { $0.transport == .udp }.map(\.name))
    }
}

extension Framing {
    /// Why a cut cannot take messages away on a port with such a framing; to be asked where it cannot.
    package func refusalOfLose(_ port: PortName) -> InputError {
        InputError(
            "mode 'lose' would leave no connection of port '\(port)' alive, whose framing is \(self.rawValue)",
            found: PartitionMode.lose.rawValue,
            hint: "'drop' is silence, 'reject' resets and refuses, 'hold' keeps everything back")
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

    /// Why the fault cannot be one of a port with such a framing; to be asked of those that cannot.
    package func refusal(by framing: Framing, of port: PortName) -> InputError {
        InputError(
            "no message may come twice or overtake another on \(framing.rawValue), which port '\(port)' has",
            found: self.text,
            hint: "delay, loss, ack_loss, corrupt and rate leave its connections alive")
    }
}
