import ChaosCore

extension LinkState {
    /// Notes packets that the kernel carried with the link's faults (netem), about which nobody decided here.
    ///
    /// Which packets were doubled, broken or reordered the kernel does not tell, so those faults are met
    /// and strike nothing that could be counted.
    package func wasCarriedByKernel(packets: Int, lost: Int) {
        for injection in self.winningInjections {
            guard let fault = self.fault(injection.fault.kind) else { continue }
            if packets > 0 { fault.touch(packets) }
            switch fault.kind {
            case .loss: if lost > 0 { fault.hit(lost) }
            case .delay, .rate: if packets > 0 { fault.hit(packets) }
            default: break
            }
        }
    }
}
