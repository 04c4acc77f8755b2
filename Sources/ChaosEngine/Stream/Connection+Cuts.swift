import ChaosCore

// What cuts do to a connection. A cut of a directed link concerns what flows over that link,
// whoever opened the connection; `reject`, `new-only` and `established-only` concern connections
// opened over it, with both of their directions.

extension Connection {
    /// Whether the socket of a leg must be deaf: a cut in mode `drop` loses all that its peer
    /// sends. A connection that slipped in under `new-only` hears nothing either.
    package func isSilent(_ leg: Leg) -> Bool {
        let state = leg == .opener ? self.forward.link : self.backward.link
        return state.isCut(.drop) || self.isNewUnderNewOnly
    }

    /// Whether the target may be dialled now: nothing may reach it, or come back, through a cut in
    /// mode `drop`; nothing may reach it while it is held; `new-only` cuts off what came later.
    package var mayReachTarget: Bool {
        let forward = self.forward.link
        return !forward.isCut(.drop) && !self.backward.link.isCut(.drop) && !forward.isCut(.hold)
            && !self.isNewUnderNewOnly
    }

    /// Whether a target's answer to being dialled would be lost on its way back.
    package var isAnswerLost: Bool { self.backward.link.isCut(.drop) }

    /// The driver wrote bytes to the socket at which a direction ends. Counted apart from the
    /// pipeline's own numbers: this is the evidence that nothing crossed a cut.
    package func wrote(_ count: Int, _ direction: Direction) {
        let state = self.state(direction)
        state.bytesDelivered += count
        if state.cuts.isEmpty && self.forward.link.cuts.isEmpty { return }
        for cut in state.cuts where self.forbids(cut, direction) {
            cut.crossedBytes[state.link, default: 0] += count
        }
        for cut in self.forward.link.cuts where self.forbidsBothWays(cut) {
            cut.crossedBytes[state.link, default: 0] += count
        }
    }

    private func state(_ direction: Direction) -> LinkState {
        direction == .forward ? self.forward.link : self.backward.link
    }

    /// Whether a cut of a direction's link forbids to write in that direction.
    private func forbids(_ cut: Cut, _ direction: Direction) -> Bool {
        switch self.state(direction).effect(of: cut) {
        case .drop, .hold: return true
        case .lose:
            // What is left of a message that had begun to cross before the cut belongs across.
            let pipeline = direction == .forward ? self.forward : self.backward
            return pipeline.framer == nil || cut.order < pipeline.leavingSince
        case .reject, .unreachable, .newOnly, .establishedOnly: return false
        }
    }

    /// Whether a cut of the opener's link forbids this connection altogether.
    private func forbidsBothWays(_ cut: Cut) -> Bool {
        switch cut.mode {
        case .reject: true
        case .establishedOnly: cut.order > self.order
        case .newOnly: cut.order < self.order
        case .lose, .drop, .hold, .unreachable: false
        }
    }

    /// Whether the connection was opened under a cut that new connections do not pass. Listeners
    /// keep silent then, but a handshake may have been under way when the cut came.
    private var isNewUnderNewOnly: Bool {
        self.forward.link.isCut
            && self.forward.link.cuts.contains { $0.mode == .newOnly && $0.order < self.order }
    }

    /// Whether cuts keep everything back in a direction, also what was handed to the driver.
    package func isGateClosed(_ direction: Direction) -> Bool {
        let state = self.state(direction)
        return state.isCut(.drop) || state.isCut(.hold) || self.isNewUnderNewOnly
    }

    /// Whether a cut ends the connection.
    var resetsByCut: Bool {
        self.forward.link.cuts.contains {
            ($0.mode == .reject || $0.mode == .establishedOnly) && self.forbidsBothWays($0)
        }
    }

    /// Counts the connection for the cuts that it meets. `lose` counts messages instead.
    func meetCuts() {
        for state in [self.forward.link, self.backward.link] {
            for cut in state.cuts where [.drop, .hold].contains(state.effect(of: cut)) {
                cut.strike(connection: self.order)
            }
        }
        for cut in self.forward.link.cuts where self.forbidsBothWays(cut) {
            cut.strike(connection: self.order)
        }
    }

    /// Lets the cuts forget the connection.
    func forgetCuts() {
        for state in [self.forward.link, self.backward.link] {
            for cut in state.cuts { cut.forget(connection: self.order) }
        }
    }
}
