#if os(Linux)
    import ChaosCore
    import ChaosEngine
    import Glibc

    // With an engine, it says what happens to what was read, and when.

    extension EpollConnection {
        /// How many actions of the engine are carried out in one turn. Each may be a system call, so
        /// that they are fewer while others wait for the turn's end.
        private var actionsPerTurn: Int { self.loop.isPressed ? 16 : 256 }

        /// The engine, which takes over from here if there was none.
        @discardableResult
        func makeEngine() -> Connection<HeldBytes> {
            if let engine = self.engine { return engine }
            let engine = Connection(
                self.ticket, forward: self.passed(.forward), backward: self.passed(.backward),
                pieceLimit: Intake.size, at: self.plane.clock.now)
            self.opener.rest = nil
            self.listener.rest = nil
            self.engine = engine
            return engine
        }

        /// Carries out all actions that are due, and reads on where there is room.
        func run(_ engine: Connection<HeldBytes>) {
            var actions = 0
            while true {
                self.writeRests(engine)
                self.updateReadiness(engine)
                var hasMoved = false
                while !self.isOver, actions < self.actionsPerTurn, self.budget > 0,
                    let action = engine.nextAction(at: self.plane.clock.now)
                {
                    actions += 1
                    hasMoved = true
                    self.perform(action, engine)
                    self.updateReadiness(engine)
                }
                if self.isOver { return }
                if actions >= self.actionsPerTurn || self.budget <= 0 { return self.askForTurn() }
                if self.takeIn(self.opener, engine) { hasMoved = true }
                if self.takeIn(self.listener, engine) { hasMoved = true }
                if !hasMoved { return }
            }
        }

        private func writeRests(_ engine: Connection<HeldBytes>) {
            for direction in Direction.allCases {
                let sink = self.sink(direction)
                // What the kernel did not take before a cut waits for its end.
                if sink.rest != nil && !engine.isGateClosed(direction) {
                    _ = self.writeRest(of: sink)
                }
            }
        }

        private func updateReadiness(_ engine: Connection<HeldBytes>) {
            engine.setReady(.forward, self.listener.canTakeBytes)
            engine.setReady(.backward, self.opener.canTakeBytes)
        }

        private func perform(
            _ action: StreamAction<HeldBytes>, _ engine: Connection<HeldBytes>
        ) {
            switch action {
            case .write(let direction, let bytes):
                let sink = self.sink(direction)
                if !sink.exists { return }
                self.budget -= bytes.count
                sink.rest = bytes
                sink.isBlocked = false
                _ = self.writeRest(of: sink)
            case .closeWriting(let direction): self.sink(direction).closeOutput()
            case .close: self.end { $0.close() }
            case .reset: self.end { $0.reset() }
            }
        }

        /// Reads once from a socket, if anybody wants it; whether anything came.
        private func takeIn(_ source: EpollLeg, _ engine: Connection<HeldBytes>) -> Bool {
            let direction = self.direction(from: source)
            let sink = self.sink(direction)
            guard source.isReadable, sink.isConnected, !engine.isSilent(source.leg),
                engine.wantsInput(direction)
            else { return false }
            let count = self.read(source)
            if count > 0 {
                if sink.canTakeBytes && engine.passes(count, direction) {
                    self.pass(count, to: sink)
                } else {
                    engine.received(
                        self.loop.takeInput(from: 0, to: count), direction,
                        at: self.plane.clock.now)
                }
            } else if count == 0 {
                engine.ended(direction, at: self.plane.clock.now)
            } else if count == -Int(EAGAIN) {
                return false
            } else {
                self.fail(source)
            }
            return true
        }
    }
#endif
