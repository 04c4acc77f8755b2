#if os(Linux)
    import ChaosEngine

    /// Everything that is over one link: its listeners, and the connections that were opened over it.
    final class LinkLine {
        let forward: LinkState
        let backward: LinkState
        var listeners: [EpollListener] = []
        /// Whether a change concerns it that is just being carried out.
        var isConcerned = false
        private var first: EpollConnection?

        init(forward: LinkState, backward: LinkState) {
            self.forward = forward
            self.backward = backward
        }

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
#endif
