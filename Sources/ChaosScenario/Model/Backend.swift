import ChaosCore

/// What carries the bytes of a run.
package enum Backend: String, CaseIterable, Hashable, Sendable {
    /// Whichever is better: the proxy, unless something in it only the lab can do. Whoever knows the machine
    /// as well takes the lab for more (`BackendChoice`).
    case automatic = "auto"
    /// A proxy on each link; nodes are told their peers' proxied addresses.
    case proxy
    /// A network namespace for each node (Linux).
    case lab
    /// The lab, with the engine `netem`.
    case netem
}

/// What decides about the packets between nodes of the lab.
package enum PacketEngine: String, CaseIterable, Hashable, Sendable {
    /// The packet switch: every decision is seeded and in the journal.
    case `switch`
    /// The kernel's network emulator (`tc-netem(8)`) where it can do what is asked, the packet switch where
    /// it cannot.
    case netem
}

extension Scenario {
    /// The backend that carries this scenario: `proxy` or `lab`.
    package var chosenBackend: Backend {
        switch self.backend {
        case .proxy, .lab: self.backend
        case .netem: .lab
        case .automatic: self.needOfLab == nil ? .proxy : .lab
        }
    }

    /// What decides about packets, if there are any.
    package var packetEngine: PacketEngine {
        self.backend == .netem ? .netem : self.engine ?? .switch
    }

    /// What in the scenario only the lab can do, in words; nil when the proxy can do all of it.
    package var needOfLab: String? {
        var modes = [self.network.partitionMode]
        for entry in self.schedule {
            switch entry.action {
            case .partition(_, let mode, _), .nemesis(_, _, let mode): modes.append(mode)
            case .faults, .process, .tell, .heal: break
            }
        }
        if modes.contains(.unreachable) { return "mode 'unreachable'" }
        if let engine = self.engine { return "'engine: \(engine.rawValue)'" }
        if !self.captures.isEmpty { return "'capture'" }
        if let block = self.firstBlock, self.nodes.allSatisfy({ $0.address == nil }),
            !self.nodes.isEmpty
        {
            return "nodes in \(block) without an 'address' of theirs"
        }
        return self.exposedServices.isEmpty ? nil : "'expose'"
    }
}
