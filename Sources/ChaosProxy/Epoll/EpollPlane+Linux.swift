#if os(Linux)
    import ChaosCore
    import ChaosEngine
    import ChaosSockets
    import Dispatch
    import Glibc
    import NIOCore

    /// Everything of the proxy that lives on the driver's thread: the network, listeners and
    /// connections.
    ///
    /// One thread carries all traffic, so that a change takes effect between two chunks and never
    /// inside one, and the same events give the same decisions. It waits for sockets, gives everybody
    /// a turn who wants one, then does what other threads asked for, one change at a time.
    final class EpollPlane {
        let network: Network
        let clock: RunClock
        /// Who wants to be woken when.
        var deadlines = Deadlines()
        /// The memory into which all sockets are read, and where it is free.
        private var input: Segment
        private var inputBegin = 0
        /// How many bytes a connection may carry before others have their turn.
        private(set) var turnSize = EpollPlane.readSize
        /// How many rounds ago somebody sent few bytes.
        private var roundsSinceSmall = 0
        private var bytesSinceLook = 0

        private let poller: Poller
        let mailbox: Mailbox
        private let journal: @Sendable ([JournalEntry]) -> Void
        private let segments = SegmentPool(size: EpollPlane.readSize)
        private let trimming = Trimming()
        private let feeding = Feeding()

        private var connections: [EpollConnection?] = []
        private var connectionGenerations: [UInt32] = []
        private var freeSlots: [Int] = []
        private var connectionsOpen = 0
        private var connectionsAccepted = 0
        private var listeners: [EpollListener?] = []
        private var listenerGenerations: [UInt32] = []
        /// The connections over each link, and its listeners. A line stays once it is there, as the
        /// network's links do.
        private var lines: [Link: LinkLine] = [:]

        /// Who wants a turn, in order.
        private var waiting: [EpollConnection] = []
        private var waitingListeners: [EpollListener] = []
        /// The connections that could not dial for want of a descriptor, in order.
        private var starving: [EpollConnection] = []
        private var descriptorLimit = Sockets.descriptorLimit
        private var warnedOfShortageAt: Instant?

        private var changes: [() -> Void] = []
        private var isLooking = false
        private var attempts: SilentWatch?
        private var hasSilenceChanged = false
        /// Who waits for the answer to a look-up.
        private var lookUps: [Endpoint: [(Result<[SocketAddress], any Error>) -> Void]] = [:]

        private var isClosing = false
        private var isDone = false
        private var whenDone: (@Sendable () -> Void)?

        /// How much one read takes in at most, and at least if there is as much.
        private static let readSize = 1 << 20
        private static let readSizeMin = 512 << 10
        /// How many bytes a connection carries in one turn while others send few: they must not wait
        /// long for it.
        private static let turnSizeBesideSmall = 64 << 10
        /// What counts as few bytes, and for how many rounds of the thread.
        private static let smallSize = 4 << 10
        private static let roundsBesideSmall = 64
        /// How many bytes may be carried between two looks at mail and deadlines.
        private static let bytesBetweenLooks = 256 << 10
        /// Fewer bytes than this that must wait are copied.
        private static let copySizeMax = 32 << 10
        /// How long the kernel may take to let a thread go on whose time has come. So much earlier the
        /// thread stops waiting, and only looks.
        private static let wakeupTime: Int64 = 50_000
        /// How many descriptors are left to others in this process: the control socket, files,
        /// commands to be started.
        private static let descriptorMargin = 32
        /// How long a shortage of descriptors counts as one.
        private static let shortageTime = Duration.seconds(10)

        init(
            network: Network, clock: RunClock, poller: Poller, mailbox: Mailbox,
            journal: @escaping @Sendable ([JournalEntry]) -> Void
        ) {
            self.network = network
            self.clock = clock
            self.poller = poller
            self.mailbox = mailbox
            self.journal = journal
            self.input = self.segments.take()
            self.trimming.plane = self
            self.feeding.plane = self
        }

        // MARK: - The thread

        /// Works until the proxy is closed.
        func run() {
            while !self.isDone {
                let mayWait =
                    self.waiting.isEmpty && self.waitingListeners.isEmpty
                    && (self.changes.isEmpty || self.isLooking) && self.maySleep()
                let hasMail = self.poller.wait(isPatient: mayWait) { self.dispatch($0, $1) }
                self.roundsSinceSmall += 1
                self.turnSize =
                    self.roundsSinceSmall < Self.roundsBesideSmall
                    ? Self.turnSizeBesideSmall : Self.readSize
                self.giveTurns()
                if hasMail { self.readMail() }
                self.changeOnce()
                self.wakeSleepers()
                self.flushJournal()
            }
            for task in self.mailbox.close() { task(self) }
            while !self.changes.isEmpty { self.changeOnce() }
            self.flushJournal()
            self.whenDone?()
        }

        /// Whether nobody is to be woken in a moment. Then the poller ends its wait in time.
        private func maySleep() -> Bool {
            let first = self.deadlines.first
            if first == .never { return true }
            let wakeup = first.advanced(byNanoseconds: -Self.wakeupTime)
            if wakeup <= self.clock.now { return false }
            self.poller.wake(at: wakeup, self.clock.start)
            return true
        }

        private func dispatch(_ tag: Poller.Tag, _ events: Poller.Events) {
            if tag.kind == .acceptor {
                guard self.listenerGenerations[tag.index] == tag.generation,
                    let listener = self.listeners[tag.index]
                else { return }
                listener.isReadable = true
                return self.giveTurn(to: listener)
            }
            guard let connection = self.connections[tag.index] else { return }
            let leg = tag.kind == .opener ? connection.opener : connection.listener
            guard self.generation(of: leg, in: connection) == tag.generation else { return }
            connection.handle(leg, events)
            self.lookUpFromWork()
        }

        /// Tells apart the sockets that had the same place one after the other.
        private func generation(of leg: EpollLeg, in connection: EpollConnection) -> UInt32 {
            let call = leg.leg == .opener ? 0 : connection.dialling.call & 0xff
            return self.connectionGenerations[connection.slot] << 8 | call
        }

        private func readMail() {
            let tasks = self.mailbox.take()
            if tasks.isEmpty { return }
            // Who gets an answer finds in the journal what it rests on.
            self.flushJournal()
            for task in tasks { task(self) }
        }

        /// Between two turns: what other threads ask for, and who is to be woken, must not wait until
        /// all had theirs if those carry much.
        private func lookUpFromWork() {
            if self.bytesSinceLook < Self.bytesBetweenLooks { return }
            self.bytesSinceLook = 0
            self.readMail()
            self.changeOnce()
            self.wakeSleepers()
        }

        /// A connection carried bytes.
        func noteCarried(_ count: Int) {
            self.bytesSinceLook += count
            if count < Self.smallSize { self.roundsSinceSmall = 0 }
        }

        private func giveTurns() {
            if !self.waitingListeners.isEmpty {
                let listeners = self.waitingListeners
                self.waitingListeners = []
                for listener in listeners {
                    listener.isWaitingForTurn = false
                    listener.acceptSome()
                }
            }
            if !self.waiting.isEmpty {
                let waiting = self.waiting
                self.waiting = []
                for connection in waiting {
                    connection.isWaitingForTurn = false
                    connection.service()
                    self.lookUpFromWork()
                }
            }
        }

        private func wakeSleepers() {
            if self.deadlines.first == .never { return }
            let now = self.clock.now
            while let sleeper = self.deadlines.popDue(at: now) { sleeper.wake(at: now) }
        }

        /// Lets a connection go on after all others that have something to do.
        func giveTurn(to connection: EpollConnection) { self.waiting.append(connection) }

        func giveTurn(to listener: EpollListener) {
            if listener.isWaitingForTurn { return }
            listener.isWaitingForTurn = true
            self.waitingListeners.append(listener)
        }

        // MARK: - Memory

        /// Where the next read puts what it finds, and for how much there is room.
        var inputMemory: UnsafeMutableRawPointer { self.input.memory + self.inputBegin }
        var inputSize: Int { self.input.capacity - self.inputBegin }
        /// How much of a raw stream the engine hands out at once.
        static var pieceLimit: Int { Self.readSize }

        /// Takes over bytes that were just read, by their place behind ``inputMemory``. Few bytes are
        /// copied: what waits must not hold much more memory than it has bytes.
        func takeInput(from begin: Int, to end: Int) -> HeldBytes {
            if end - begin <= Self.copySizeMax {
                return HeldBytes(copying: self.inputMemory + begin, end - begin)
            }
            let bytes = HeldBytes(
                self.input, from: self.inputBegin + begin, to: self.inputBegin + end)
            self.inputBegin += end
            if self.inputSize < Self.readSizeMin {
                self.input = self.segments.take()
                self.inputBegin = 0
                self.trimming.begin()
            }
            return bytes
        }

        /// Gives memory back that bytes needed which are gone.
        private final class Trimming: Sleeper {
            unowned(unsafe) var plane: EpollPlane?
            private var isOn = false
            private static let interval: Int64 = 100_000_000

            func begin() {
                if self.isOn { return }
                self.isOn = true
                self.again()
            }

            private func again() {
                guard let plane = self.plane else { return }
                plane.deadlines.set(
                    self, at: plane.clock.now.advanced(byNanoseconds: Self.interval))
            }

            override func wake(at now: Instant) {
                guard let plane = self.plane else { return }
                plane.segments.trim()
                if plane.segments.isInUse { self.again() } else { self.isOn = false }
            }
        }

        // MARK: - Connections

        /// Takes in an accepted socket whose link is known.
        ///
        /// - Parameter isShared: Whether its listener serves several links, so that it could not
        ///   refuse for this one alone.
        func admit(
            _ opener: EpollLeg, over line: LinkLine, _ route: Route, isShared: Bool = false
        ) {
            if self.isClosing { return opener.reset() }
            if isShared, self.network.listenerPolicy(for: line.forward.link) == .refused {
                self.network.attemptBlocked(on: line.forward.link)
                return opener.reset()
            }
            let connection = EpollConnection(
                number: self.connectionsAccepted, on: self, over: line, route, opener)
            self.connectionsAccepted += 1
            self.connectionsOpen += 1
            if let slot = self.freeSlots.popLast() {
                connection.slot = slot
                self.connections[slot] = connection
            } else {
                connection.slot = self.connections.count
                self.connections.append(connection)
                self.connectionGenerations.append(0)
            }
            line.add(connection)
            if !self.watch(opener, of: connection) { connection.fail(opener) }
            connection.begin()
        }

        /// Forgets a connection.
        func remove(_ connection: EpollConnection) {
            self.connections[connection.slot] = nil
            self.connectionGenerations[connection.slot] &+= 1
            self.freeSlots.append(connection.slot)
            self.connectionsOpen -= 1
            connection.line.remove(connection)
            if !self.starving.isEmpty { self.feedStarving() }
        }

        /// Begins to report what happens to a connection's socket.
        func watch(_ leg: EpollLeg, of connection: EpollConnection) -> Bool {
            self.poller.watch(
                leg.descriptor,
                Poller.Tag(
                    leg.leg == .opener ? .opener : .listener, connection.slot,
                    self.generation(of: leg, in: connection)))
        }

        /// Sets what every TCP socket has.
        func tune(_ descriptor: CInt) { Sockets.setNoDelay(descriptor) }

        private var connectionsInOrder: [EpollConnection] {
            self.connections.compactMap { $0 }.sorted { $0.number < $1.number }
        }

        /// What the open connections hold, in the order in which they were accepted.
        var status: [ConnectionStatus] { self.connectionsInOrder.map(\.status) }

        /// Finds the addresses of a name. Connections that ask for the same one meanwhile share the
        /// answer.
        func lookUp(
            _ endpoint: Endpoint,
            _ finish: @escaping (Result<[SocketAddress], any Error>) -> Void
        ) {
            if self.lookUps[endpoint] != nil {
                self.lookUps[endpoint]?.append(finish)
                return
            }
            self.lookUps[endpoint] = [finish]
            let mailbox = self.mailbox
            NameLookup.addresses(of: endpoint) { result in
                _ = mailbox.post { plane in
                    let waiting = plane.lookUps.removeValue(forKey: endpoint) ?? []
                    for finish in waiting { finish(result) }
                }
            }
        }

        // MARK: - Shortage of descriptors

        /// Whether a connection that was accepted still waits for a descriptor: no others are
        /// accepted before it.
        var isShortOfDescriptors: Bool { !self.starving.isEmpty }

        /// Lets a connection dial when there are descriptors again.
        func starve(_ connection: EpollConnection, _ number: CInt) {
            self.warnOfShortage(number, at: connection.route.upstream, isAccepting: false)
            self.starving.append(connection)
            self.feeding.begin()
        }

        /// Tries again every now and then, since others in this process have descriptors too.
        private final class Feeding: Sleeper {
            unowned(unsafe) var plane: EpollPlane?
            private static let interval: Int64 = 100_000_000

            func begin() {
                guard let plane = self.plane else { return }
                plane.deadlines.set(
                    self, at: plane.clock.now.advanced(byNanoseconds: Self.interval))
            }

            override func wake(at now: Instant) { self.plane?.feedStarving() }
        }

        private func feedStarving() {
            let starving = self.starving
            self.starving = []
            for connection in starving {
                if self.isShortOfDescriptors {
                    // One that still could not is in front.
                    self.starving.append(connection)
                } else if !connection.isOver {
                    connection.dialIfPossible()
                    connection.askForTurn()
                }
            }
        }

        /// Whether the descriptors are about to run out, by the number of the newest.
        func isNearLimit(_ descriptor: CInt) -> Bool {
            let margin = min(Self.descriptorMargin, self.descriptorLimit / 8)
            if Int(descriptor) < self.descriptorLimit - margin { return false }
            self.descriptorLimit = Sockets.descriptorLimit
            return Int(descriptor) >= self.descriptorLimit - margin
        }

        /// Says once what keeps connections waiting.
        func warnOfShortage(_ number: CInt, at place: Endpoint, isAccepting: Bool = true) {
            let now = self.clock.now
            defer { self.warnedOfShortageAt = now }
            if let last = self.warnedOfShortageAt, now - last < Self.shortageTime { return }
            let what = isAccepting ? "accept on" : "connect to"
            self.record(
                "warning",
                [
                    (
                        "message",
                        .string(
                            "cannot \(what) \(place): \(SocketFailure.text(of: number)); "
                                + "new connections wait until it can again")
                    )
                ])
        }

        /// Keeps a descriptor for a connection that will dial later.
        func reserveDescriptor(for connection: EpollConnection) {
            let placeholder = Sockets.placeholder(of: self.mailbox.descriptor)
            if placeholder >= 0 { connection.dialling.placeholder = placeholder }
        }

        // MARK: - Listeners and changes

        func line(of link: Link) -> LinkLine {
            if let line = self.lines[link] { return line }
            let line = LinkLine(
                forward: self.network.state(of: link),
                backward: self.network.state(of: link.reversed)
            )
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

        private func forget(_ listener: EpollListener) {
            listener.close()
            self.listeners[listener.slot] = nil
            for link in listener.links {
                self.lines[link]?.listeners.removeAll { $0 === listener }
            }
        }

        /// Begins to report connections to a listener's socket.
        func watch(_ listener: EpollListener, _ descriptor: CInt) -> Bool {
            self.poller.watch(
                descriptor,
                Poller.Tag(.acceptor, listener.slot, self.listenerGenerations[listener.slot]))
        }

        /// What was reported of a listener's socket concerns none that it opens later.
        func renumber(_ listener: EpollListener) { self.listenerGenerations[listener.slot] &+= 1 }

        /// Does something behind all earlier changes.
        func enqueue(_ change: @escaping () -> Void) { self.changes.append(change) }

        /// Carries out one change; a flood of them must not keep bytes waiting.
        private func changeOnce() {
            if self.changes.isEmpty || self.isLooking { return }
            // Who tries in vain must be counted before a heal forgets the cut.
            if let attempts = self.attempts, !self.isClosing, attempts.isWatching {
                self.isLooking = true
                return self.look { plane in
                    plane.isLooking = false
                    plane.changes.removeFirst()()
                }
            }
            self.changes.removeFirst()()
        }

        /// Changes the network; when this returns, the change is in effect on every socket.
        func change<Result>(_ body: (Network, Instant) throws -> Result) throws -> Result {
            if self.isClosing { throw ProxyError(description: "the proxy is closed") }
            let result = try body(self.network, self.clock.now)
            defer { self.flushJournal() }
            try self.networkChanged()
            return result
        }

        /// Looks at what the change concerns, and at nothing else.
        private func networkChanged() throws {
            var concerned: [LinkLine] = []
            for state in self.network.takeChangedLinks() {
                for link in [state.link, state.link.reversed] {
                    guard let line = self.lines[link], !line.isConcerned else { continue }
                    line.isConcerned = true
                    concerned.append(line)
                }
            }
            var failure: (any Error)?
            var connections: [EpollConnection] = []
            for line in concerned {
                line.isConcerned = false
                for listener in line.listeners {
                    do {
                        try listener.apply(self.network.listenerPolicy(for: listener.links))
                    } catch {
                        failure = failure ?? error
                    }
                }
                line.forEach { connections.append($0) }
            }
            connections.sort { $0.number < $1.number }
            for connection in connections { connection.networkChanged() }
            self.watchSilentListeners()
            if let failure { throw failure }
        }

        // MARK: - Attempts that nobody answers

        /// Some listener keeps silent now, or no longer does.
        func silenceChanged() { self.hasSilenceChanged = true }

        private func watchSilentListeners() {
            if !self.hasSilenceChanged { return }
            self.hasSilenceChanged = false
            let attempts = self.attempts ?? SilentWatch(on: self)
            self.attempts = attempts
            attempts.watch(
                self.listeners.compactMap { $0 }.filter(\.isSilent).compactMap { listener in
                    SocketEnd(listener.address)
                        .map { Silence.Listener(end: $0, spec: listener.spec) }
                })
        }

        /// Counts who tries to connect in vain, and then does something.
        func look(_ finish: @escaping @Sendable (EpollPlane) -> Void) {
            let mailbox = self.mailbox
            guard let look = self.attempts?.lookAround else { return finish(self) }
            SilentWatch.queue.async {
                let attempts = look()
                _ = mailbox.post { plane in
                    plane.attempts?.count(attempts)
                    finish(plane)
                }
            }
        }

        func lookedAround() { self.attempts?.goOn() }

        // MARK: - Journal and end

        /// Writes something down.
        func record(_ event: String, _ details: [(key: String, value: JSONValue)]) {
            self.network.record(
                JournalEntry(at: self.clock.now, event: event, details: JSONObject(details)))
        }

        private func flushJournal() {
            if self.network.hasJournal { self.journal(self.network.takeJournal()) }
        }

        /// Closes what is over these links.
        func close(_ links: [Link]) {
            for link in links {
                guard let line = self.lines[link] else { continue }
                for listener in line.listeners { self.forget(listener) }
                var connections: [EpollConnection] = []
                line.forEach { connections.append($0) }
                for connection in connections.sorted(by: { $0.number < $1.number }) {
                    connection.close()
                }
                self.lines[link] = nil
                self.network.forget(link)
            }
            self.watchSilentListeners()
        }

        /// Closes everything and ends the thread.
        func close(_ finish: @escaping @Sendable () -> Void) {
            if self.isClosing { return finish() }
            self.isClosing = true
            self.isLooking = false
            self.whenDone = finish
            self.attempts?.watch([])
            for listener in self.listeners { listener.map { self.forget($0) } }
            for connection in self.connectionsInOrder { connection.abort() }
            self.lines = [:]
            self.isDone = true
        }
    }
#endif
