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
}

extension Scenario {
    /// The backend that carries this scenario: never `automatic`.
    package var chosenBackend: Backend {
        switch self.backend {
        case .proxy, .lab: self.backend
        case .automatic: self.needOfLab == nil ? .proxy : .lab
        }
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
        return self.exposedServices.isEmpty ? nil : "'expose'"
    }
}
