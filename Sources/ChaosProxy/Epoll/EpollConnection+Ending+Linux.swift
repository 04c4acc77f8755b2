#if os(Linux)
    import ChaosCore
    import ChaosEngine
    import Glibc

    // Streams end behind what was written; a closed socket takes in what still comes, so that its peer
    // is not reset before it has read all.

    extension EpollConnection {
        /// Makes deaf what must be.
        func applySilence() {
            guard !self.isOver, let engine = self.engine else { return }
            let isUnreached = self.dialling.progress != .done
            for leg in [self.opener, self.listener] {
                // Until the target is reached, its way is silent both ways or not at all; and who
                // dials it hears nothing where its answer would be lost.
                let isInVain =
                    leg === self.listener ? !engine.mayReachTarget : engine.isAnswerLost
                leg.setDeaf(engine.isSilent(leg.leg) || (isUnreached && isInVain))
            }
        }

        /// Ends the connection at once, because the proxy ends.
        func abort() {
            self.end { $0.reset() }
            self.settle()
        }

        /// Ends the connection at once, because its listener is closed for good.
        func close() {
            if self.isOver { return }
            if self.slot < 0 {
                self.isUnwanted = true
                return
            }
            self.end()
            self.service()
        }

        /// Ends both streams behind what was written.
        func end() { self.end { $0.close() } }

        func end(_ closing: (EpollLeg) -> Void) {
            self.isOver = true
            self.stopDialling()
            closing(self.opener)
            closing(self.listener)
            if self.opener.isLingering || self.listener.isLingering {
                self.lingerUntil = self.plane.clock.now.advanced(
                    byNanoseconds: EpollLeg.lingerTime)
            }
        }

        /// Writes what waits, and forgets what still arrives.
        func goOnClosing() {
            for leg in [self.opener, self.listener] where leg.isLingering && leg.exists {
                let direction: Direction = leg.leg == .opener ? .backward : .forward
                if leg.rest != nil, self.engine?.isGateClosed(direction) != true {
                    if self.writeRest(of: leg) {
                        self.lingerUntil = self.plane.clock.now.advanced(
                            byNanoseconds: EpollLeg.lingerTime)
                    }
                }
                self.forgetInput(of: leg)
            }
        }

        private func forgetInput(of leg: EpollLeg) {
            while leg.isReadable {
                if self.budget <= 0 { return self.askForTurn() }
                let count = self.read(leg)
                if count < 0 && count != -Int(EAGAIN) { return leg.closeNow() }
            }
            if leg.hasInputEnded && leg.rest == nil { leg.closeNow() }
        }
    }
#endif
