#if os(Linux)
    import ChaosCore
    import ChaosEngine
    import NIOConcurrencyHelpers
    import Synchronization

    // Who may touch what. Each connection belongs to one loop, whose thread alone touches it. What all
    // loops share, the network first of all, is behind the plane's books: a turn that needs them opens
    // them, and they are closed again when the turn ends. And the first loop's thread can let all
    // others stand still (`EpollPlane.alone`); then everything is its own.

    /// One thread that carries traffic: it waits for its sockets and gives everybody a turn who wants
    /// one.
    final class EpollLoop: @unchecked Sendable {
        // Sound because only its own thread touches it while it holds `lock`, or the first loop's
        // thread while that one stands still.

        /// Its number; the first one also does what other threads ask for.
        let index: Int
        // The plane has its loops, and outlives their threads.
        unowned(unsafe) let plane: EpollPlane
        /// What others hand over to this loop.
        let mailbox: Mailbox
        /// Held by a thread that touches anything; of no use to the first one.
        let lock = NIOLock()
        let intake = Intake()
        /// Who wants to be woken when.
        var deadlines = Deadlines()
        /// How many connections belong to it; in the books.
        var connectionCount = 0
        /// What its connections carried, as far as the network does not know of it.
        var untold: [Tally] = []
        var isDone = false

        private let poller: Poller
        private lazy var trimming = Trimming(self)
        private(set) var connections = ConnectionTable()
        /// Who wants a turn, in order.
        private var waiting: [EpollConnection] = []
        private var waitingAcceptors: [EpollAcceptor] = []
        /// Whether this turn has opened the books.
        private var hasBooks = false
        /// How much there was in the journal when this thread last closed the books.
        private var journalCount = 0
        private lazy var lateJournal = LateJournal(self)
        /// Connections that are over, and are still in the books.
        private var ended: [EpollConnection] = []
        /// How many bytes a connection may carry before others have their turn.
        private(set) var turnSize = Intake.size
        /// How many rounds ago somebody sent few bytes.
        private var roundsSinceSmall = 0
        private var workSinceLook = 0
        /// Whether somebody sent few bytes over another loop: both may be on one processor.
        private let isBesideSmall = Atomic(false)

        /// How many bytes a connection carries in one turn while others send few: they must not wait
        /// long for it.
        private static let turnSizeBesideSmall = 64 << 10
        /// What counts as few bytes, and for how many rounds of the thread.
        private static let smallSize = 4 << 10
        private static let roundsBesideSmall = 64
        /// How many bytes may be read and written between two looks at mail and deadlines.
        private static let workBetweenLooks = 256 << 10
        /// For how many bytes a system call counts that carries fewer.
        private static let leastWork = 4 << 10
        /// How long the kernel may take to let a thread go on whose time has come. So much earlier the
        /// thread stops waiting, and only looks.
        private static let wakeupTime: Int64 = 50_000
        /// From a long sleep it takes longer, since the processor sleeps as well: then the thread wakes so
        /// much earlier, and sleeps once more, shortly.
        private static let longSleep: Int64 = 2_000_000
        private static let longWakeupTime: Int64 = 350_000
        /// How many entries of the journal are handed over at once, and how long fewer may wait.
        private static let muchJournal = 256
        private static let journalPatience: Int64 = 10_000_000

        init(_ index: Int, of plane: EpollPlane, _ station: Station) {
            self.index = index
            self.plane = plane
            self.mailbox = index == 0 ? Mailbox(beside: station.mailbox) : station.mailbox
            self.poller = station.poller
        }

        /// What a thread waits with, and where others leave word for it.
        struct Station: Sendable {
            let mailbox: Mailbox
            let poller: Poller

            /// - Throws: `ProxyError` when the system has no descriptors left.
            init() throws {
                self.mailbox = try Mailbox()
                self.poller = try Poller(waking: self.mailbox.descriptor)
            }
        }

        /// Whether this loop's thread is the one that can be alone.
        private var isFirst: Bool { self.index == 0 }

        // MARK: - The thread

        /// Works until the plane is closed.
        func run() {
            self.enter()
            while !self.isDone {
                let count = self.waitForEvents()
                let hasMail = self.poller.report(count) { self.dispatch($0, $1) }
                self.chooseTurnSize()
                self.giveTurns()
                if hasMail { self.readMail() }
                if self.isFirst { self.plane.goOn() }
                self.wakeSleepers()
                self.bookEnded()
                self.handOverMuchJournal()
            }
            self.leave()
        }

        /// Waits until something happens; tells how much did.
        private func waitForEvents() -> Int {
            let isPatient = self.mayWait
            self.leave()
            let count = self.poller.wait(isPatient: isPatient)
            self.enter()
            return count
        }

        private func enter() { if !self.isFirst { self.lock.lock() } }

        private func leave() { if !self.isFirst { self.lock.unlock() } }

        private var mayWait: Bool {
            self.waiting.isEmpty && self.waitingAcceptors.isEmpty
                && !(self.isFirst && self.plane.hasWork) && self.maySleep()
        }

        /// Whether nobody is to be woken in a moment. Then the poller ends its wait in time.
        private func maySleep() -> Bool {
            let first = self.deadlines.first
            if first == .never { return true }
            let left = first.nanoseconds - self.plane.clock.now.nanoseconds
            if left <= Self.wakeupTime { return false }
            let wakeup = first.advanced(
                byNanoseconds: left > Self.longSleep ? -Self.longWakeupTime : -Self.wakeupTime)
            self.poller.wake(at: wakeup, self.plane.clock.start)
            return true
        }

        /// Lets the thread go on if it waits and should not, after another one touched what is its
        /// own.
        func wakeIfNeeded() {
            let first = self.deadlines.first
            let isLate =
                first != .never
                && self.poller.isLate(for: first.advanced(byNanoseconds: -Self.wakeupTime))
            if isLate || self.isDone || !self.waiting.isEmpty || !self.waitingAcceptors.isEmpty {
                self.mailbox.wake()
            }
        }

        private func dispatch(_ tag: Poller.Tag, _ events: Poller.Events) {
            if tag.kind == .acceptor {
                self.plane.acceptor(tag, on: self)?.askForTurn()
            } else if let connection = self.connections[tag.index] {
                let leg = tag.kind == .opener ? connection.opener : connection.listener
                if self.generation(of: leg, in: connection) != tag.generation { return }
                connection.handle(leg, events)
            }
            self.endTurn()
        }

        private func giveTurns() {
            if !self.waitingAcceptors.isEmpty {
                let acceptors = self.waitingAcceptors
                self.waitingAcceptors = []
                for acceptor in acceptors {
                    acceptor.isWaitingForTurn = false
                    acceptor.acceptSome()
                    self.endTurn()
                }
            }
            if !self.waiting.isEmpty {
                let waiting = self.waiting
                self.waiting = []
                // One that moved has another loop, and its turn there.
                for connection in waiting where connection.loop === self {
                    connection.isWaitingForTurn = false
                    connection.service()
                    self.endTurn()
                }
            }
        }

        /// Between two turns: whoever wants to be alone, what other threads ask for, and who is to be
        /// woken must not wait until all had theirs.
        private func endTurn() {
            self.letOthersIn()
            if self.workSinceLook < Self.workBetweenLooks && !self.hasMail { return }
            self.workSinceLook = 0
            self.readMail()
            if self.isFirst { self.plane.goOn() }
            self.wakeSleepers()
        }

        /// Gives away what is not this thread's own, and stands still if another one wants to be alone.
        private func letOthersIn() {
            self.closeBooks()
            if !self.isFirst && self.plane.pause.isWanted { self.plane.pause.standStill(self.lock) }
        }

        /// Whether other threads ask for something.
        private var hasMail: Bool {
            self.mailbox.hasTasks || (self.isFirst && self.plane.mailbox.hasTasks)
        }

        private func readMail() {
            self.takeOver()
            if self.isFirst { self.plane.readMail() }
        }

        /// Does what others handed over.
        func takeOver() {
            for task in self.mailbox.take() {
                task(self.plane)
                self.closeBooks()
            }
        }

        private func wakeSleepers() {
            if self.deadlines.first == .never { return }
            let now = self.plane.clock.now
            while let sleeper = self.deadlines.popDue(at: now) {
                sleeper.wake(at: now)
                self.letOthersIn()
                // Who is left is woken in the next round, after the mail.
                if self.hasMail { return }
            }
        }

        /// Whether others should have their turn soon.
        var isPressed: Bool { self.plane.pause.isWanted || self.hasMail }

        /// Lets a connection go on after all others that have something to do.
        func giveTurn(to connection: EpollConnection) { self.waiting.append(connection) }

        func giveTurn(to acceptor: EpollAcceptor) { self.waitingAcceptors.append(acceptor) }

        // MARK: - Books

        /// Makes what all loops share this thread's own until its turn ends.
        func openBooks() {
            if self.hasBooks || self.plane.isAlone { return }
            self.plane.books.lock()
            self.hasBooks = true
        }

        /// Lets others have what all share, before the turn ends.
        func closeBooks() {
            if !self.hasBooks { return }
            self.hasBooks = false
            self.journalCount = self.plane.network.journalCount
            self.plane.books.unlock()
        }

        /// Hands over the journal if there is much in it, and otherwise soon.
        private func handOverMuchJournal() {
            if self.journalCount == 0 { return }
            if self.journalCount >= Self.muchJournal { return self.handOverJournal() }
            if self.lateJournal.isWaiting { return }
            let soon = self.plane.clock.now.advanced(byNanoseconds: Self.journalPatience)
            self.deadlines.set(self.lateJournal, at: soon)
        }

        func handOverJournal() {
            self.openBooks()
            self.plane.handOverJournal { self.closeBooks() }
            self.journalCount = 0
        }

        /// Strikes a connection off the books that is over: at once if they are this thread's, or with
        /// others that end in the same round.
        func bookEnd(of connection: EpollConnection) {
            self.ended.append(connection)
            if self.plane.isAlone || self.hasBooks { self.bookEnded() }
        }

        /// Strikes off the books who is over.
        func bookEnded() {
            if self.ended.isEmpty { return }
            let wereOpen = self.hasBooks
            self.openBooks()
            let now = self.plane.clock.now
            for connection in self.ended { self.plane.remove(connection, at: now) }
            self.ended.removeAll(keepingCapacity: true)
            if !wereOpen { self.closeBooks() }
        }

        // MARK: - Bytes

        /// A connection wrote bytes.
        func noteWritten(_ count: Int) { self.workSinceLook += max(count, Self.leastWork) }

        /// A connection read bytes.
        func noteRead(_ count: Int) {
            self.workSinceLook += max(count, Self.leastWork)
            if count >= Self.smallSize { return }
            self.roundsSinceSmall = 0
            for other in self.plane.loops where other !== self {
                // Whoever is told already need not be disturbed.
                if !other.isBesideSmall.load(ordering: .relaxed) {
                    other.isBesideSmall.store(true, ordering: .relaxed)
                }
            }
        }

        private func chooseTurnSize() {
            self.roundsSinceSmall += 1
            // Only before it matters: what two threads write goes from processor to processor.
            if self.roundsSinceSmall >= Self.roundsBesideSmall,
                self.isBesideSmall.load(ordering: .relaxed)
            {
                self.isBesideSmall.store(false, ordering: .relaxed)
                self.roundsSinceSmall = 0
            }
            self.turnSize =
                self.roundsSinceSmall < Self.roundsBesideSmall
                ? Self.turnSizeBesideSmall : Intake.size
        }

        /// Takes over bytes that were just read, by their place behind the intake's memory.
        func takeInput(from begin: Int, to end: Int) -> HeldBytes {
            let bytes = self.intake.take(from: begin, to: end)
            if self.intake.isTrimmable { self.trimming.begin() }
            return bytes
        }

        // MARK: - Connections

        /// Makes a connection its own.
        func take(_ connection: EpollConnection) {
            connection.slot = self.connections.add(connection)
            connection.tally = connection.line.tally(self.index)
        }

        /// Forgets a connection, and its sockets if they stay open.
        func release(_ connection: EpollConnection) {
            for leg in [connection.opener, connection.listener] where leg.exists {
                self.poller.forget(leg.descriptor)
            }
            self.deadlines.set(connection, at: .never)
            self.connections.remove(at: connection.slot)
        }

        /// Begins to report what happens to a connection's socket.
        func watch(_ leg: EpollLeg, of connection: EpollConnection) -> Bool {
            self.poller.watch(
                leg.descriptor,
                Poller.Tag(
                    leg.leg == .opener ? .opener : .listener, connection.slot,
                    self.generation(of: leg, in: connection)))
        }

        /// Tells apart the sockets that had the same place one after the other.
        private func generation(of leg: EpollLeg, in connection: EpollConnection) -> UInt32 {
            let call = leg.leg == .opener ? 0 : connection.dialling.call & 0xff
            return self.connections.generation(at: connection.slot) << 8 | call
        }

        /// Begins to report connections to a listening socket, or no longer does.
        func watch(_ descriptor: CInt, _ tag: Poller.Tag) -> Bool {
            self.poller.watch(descriptor, tag)
        }

        func forget(_ descriptor: CInt) { self.poller.forget(descriptor) }
    }

    /// Sees to it that the journal is handed over when there is not much in it, too.
    private final class LateJournal: Sleeper {
        // The loop has it.
        private unowned let loop: EpollLoop

        init(_ loop: EpollLoop) { self.loop = loop }

        override func wake(at now: Instant) { self.loop.handOverJournal() }
    }
#endif
