#if os(Linux)
    import ChaosCore
    import ChaosEngine

    /// Everything that is over one link: its listeners, and the connections that were opened over it.
    ///
    /// Who adds or removes a connection has the books open. Everything else changes only while all
    /// threads stand still.
    final class LinkLine {
        let forward: LinkState
        let backward: LinkState
        var listeners: [EpollListener] = []
        /// Whether a change concerns it that is just being carried out.
        var isConcerned = false
        /// Grows with each change of its links. A connection that has seen another one must look at
        /// them before it does anything.
        private(set) var revision = 0
        /// Whether its connections need an engine: a fault, a cut or a framing concerns them.
        private(set) var isTouched = false
        private var tallies: [Tally]
        private var first: EpollConnection?

        /// - Parameter loopCount: How many threads carry its connections.
        init(forward: LinkState, backward: LinkState, loopCount: Int) {
            self.forward = forward
            self.backward = backward
            self.tallies = (0..<loopCount).map { _ in
                Tally(forward: forward, backward: backward)
            }
            self.update()
        }

        /// Looks at what faults and cuts its links have now.
        func update() {
            self.revision += 1
            self.isTouched =
                !self.forward.isUntouched || !self.backward.isUntouched
                || self.forward.framing != .none
        }

        /// What the connections of one thread carry over it.
        func tally(_ loop: Int) -> Tally { self.tallies[loop] }

        func add(_ connection: EpollConnection) {
            connection.next = self.first
            self.first?.previous = connection
            self.first = connection
        }

        func remove(_ connection: EpollConnection) {
            if let previous = connection.previous {
                previous.next = connection.next
            } else {
                self.first = connection.next
            }
            connection.next?.previous = connection.previous
            connection.previous = nil
            connection.next = nil
        }

        func forEach(_ body: (EpollConnection) -> Void) {
            var next = self.first
            while let connection = next {
                next = connection.next
                body(connection)
            }
        }
    }

    /// What connections without an engine carried over one link, both ways, and one thread has not yet
    /// told the network.
    final class Tally {
        private let forward: LinkState
        private let backward: LinkState
        private var forwardReceived = 0
        private var forwardDelivered = 0
        private var backwardReceived = 0
        private var backwardDelivered = 0
        /// Whether its thread knows that there is something to tell.
        private var isNoted = false

        init(forward: LinkState, backward: LinkState) {
            self.forward = forward
            self.backward = backward
        }

        func received(_ count: Int, _ direction: Direction, _ loop: EpollLoop) {
            if direction == .forward {
                self.forwardReceived += count
            } else {
                self.backwardReceived += count
            }
            self.note(loop)
        }

        func delivered(_ count: Int, _ direction: Direction, _ loop: EpollLoop) {
            if direction == .forward {
                self.forwardDelivered += count
            } else {
                self.backwardDelivered += count
            }
            self.note(loop)
        }

        private func note(_ loop: EpollLoop) {
            if self.isNoted { return }
            self.isNoted = true
            loop.untold.append(self)
        }

        /// Tells the network, while all threads stand still.
        func tell() {
            self.forward.received(self.forwardReceived)
            self.forward.delivered(self.forwardDelivered)
            self.backward.received(self.backwardReceived)
            self.backward.delivered(self.backwardDelivered)
            (self.forwardReceived, self.forwardDelivered) = (0, 0)
            (self.backwardReceived, self.backwardDelivered) = (0, 0)
            self.isNoted = false
        }
    }
#endif
