#if os(Linux)
    import ChaosCore
    import ChaosEngine

    // Listeners change only while all threads stand still.

    extension EpollPlane {
        func line(of link: Link) -> LinkLine {
            if let line = self.lines[link] { return line }
            let line = LinkLine(
                forward: self.network.state(of: link),
                backward: self.network.state(of: link.reversed), loopCount: self.loops.count)
            self.lines[link] = line
            return line
        }

        /// Opens listeners. If one cannot, none stays open.
        func open(_ routes: [ListenerRoute]) throws -> [Endpoint] {
            if self.isClosing { throw ProxyError(description: "the proxy is closed") }
            var opened: [EpollListener] = []
            do {
                for route in routes {
                    let line = self.line(of: route.spec.link)
                    let listener = try EpollListener(route, over: line, on: self)
                    self.keep(listener)
                    opened.append(listener)
                    try listener.apply(self.network.listenerPolicy(for: listener.links))
                }
            } catch {
                for listener in opened { self.forget(listener) }
                if error is ProxyError { throw error }
                throw ProxyError(description: "proxy: \(error)")
            }
            self.watchSilentListeners()
            return opened.map(\.bound)
        }

        private func keep(_ listener: EpollListener) {
            listener.slot = self.listeners.count
            self.listeners.append(listener)
            self.listenerGenerations.append(0)
            self.addToLines(listener)
        }

        /// Lets a listener know of changes of all links that may come in there.
        private func addToLines(_ listener: EpollListener) {
            for link in listener.links {
                let line = self.line(of: link)
                if !line.listeners.contains(where: { $0 === listener }) {
                    line.listeners.append(listener)
                }
            }
        }

        /// The listener that is kept here, if it is still open.
        func listener(at slot: Int) -> EpollListener? { self.listeners[slot] }

        /// Whom an event of a listening socket concerns.
        func acceptor(_ tag: Poller.Tag, on loop: EpollLoop) -> EpollAcceptor? {
            if self.listenerGenerations[tag.index] != tag.generation { return nil }
            return self.listeners[tag.index]?.acceptors[loop.index]
        }

        /// Others than before may come in at a listener.
        func linksChanged(of listener: EpollListener) {
            self.addToLines(listener)
            do {
                try listener.apply(self.network.listenerPolicy(for: listener.links))
            } catch {
                self.record("warning", [("message", .string("\(error)"))])
            }
            self.watchSilentListeners()
        }

        func forget(_ listener: EpollListener) {
            listener.close()
            self.listeners[listener.slot] = nil
            for link in listener.links {
                self.lines[link]?.listeners.removeAll { $0 === listener }
            }
        }

        /// Begins to report connections to a listener's socket on a loop.
        func watch(_ listener: EpollListener, _ descriptor: CInt, on loop: EpollLoop) -> Bool {
            loop.watch(
                descriptor,
                Poller.Tag(.acceptor, listener.slot, self.listenerGenerations[listener.slot]))
        }

        /// What was reported of a listener's socket concerns none that it opens later.
        func renumber(_ listener: EpollListener) { self.listenerGenerations[listener.slot] &+= 1 }
    }
#endif
