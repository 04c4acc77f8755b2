import DequeModule
import NodeKit

/// S30: several clients of one server, each with a connection of its own, and a supervisor that starts
/// a client anew that died: three times in five seconds, and if that does not help it dies with all.
///
/// A pool of one is a client under a supervisor.
struct RedisPool: Sendable {
    /// Who gets a call.
    enum Choice: Hashable, Sendable {
        /// In turn, those who are connected; where nobody is, the caller is told so at once.
        case inTurn
        /// Anybody, connected or not.
        case anybody
        /// Whoever is lent to nobody, for the time of the call; callers wait for one that comes back.
        case lent(returnsOfDead: Bool)
    }

    /// What the pool asks for.
    enum Action: Hashable, Sendable {
        /// What one of the clients asks for: `open`, `write` or `close`.
        case client(Int, RedisClientAction)
        case finish(Int, RedisOutcome)
        case report(String)
        /// The supervisor gave up.
        case crash(String)
    }

    private struct Call {
        let client: Int
        let borrower: StreamID
    }

    private struct Waiting {
        let caller: RedisCaller
        let borrower: StreamID
    }

    /// How often clients may die, and in what time, before the supervisor gives up: OTP's defaults.
    private static let restartsMax = 3
    private static let restartPeriod = Duration.seconds(5)

    private let choice: Choice
    private let timing: RedisClientTiming
    private let make: @Sendable (Int, inout Randomness) -> any RedisClient
    private var randomness: Randomness
    private var clients: [any RedisClient] = []
    private var calls: [Int: Call] = [:]
    private var restarts: [Duration] = []
    private var cursor = 0
    /// Which clients are lent.
    private var lent: Set<Int> = []
    private var waiting: Deque<Waiting> = []
    private let count: Int

    /// Makes a pool of so many clients.
    init(
        count: Int, _ choice: Choice, timing: RedisClientTiming = RedisClientTiming(),
        randomness: Randomness,
        make: @escaping @Sendable (Int, inout Randomness) -> any RedisClient
    ) {
        self.count = count
        self.choice = choice
        self.timing = timing
        self.randomness = randomness
        self.make = make
    }

    /// When ``run(at:)`` is wanted; `nil` is never.
    var deadline: Duration? {
        let own = self.waiting.first?.caller.deadline
        return (self.clients.compactMap(\.deadline) + [own].compactMap(\.self)).min()
    }

    /// Starts all clients.
    mutating func start(at now: Duration) -> [Action] {
        var actions: [Action] = []
        for index in 0..<self.count {
            self.clients.append(self.make(index, &self.randomness))
            actions += self.tell(index, .started, at: now)
        }
        return actions
    }

    /// Carries out a command for whoever waits under this number, and for as long as this connection
    /// of theirs lives.
    mutating func call(
        _ id: Int, _ words: [[UInt8]], for borrower: StreamID, at now: Duration
    ) -> [Action] {
        switch self.choice {
        case .inTurn:
            for step in 0..<self.count {
                let index = (self.cursor + step) % self.count
                guard self.clients[index].isReady else { continue }
                self.cursor = index + 1
                return self.hand(id, words, to: index, for: borrower, at: now)
            }
            return [.finish(id, .refused("no connection is up"))]
        case .anybody:
            let index = self.randomness.next(below: self.count)
            return self.hand(id, words, to: index, for: borrower, at: now)
        case .lent:
            let caller = RedisCaller(id: id, words: words, deadline: now + self.timing.call)
            self.waiting.append(Waiting(caller: caller, borrower: borrower))
            return self.lend(at: now)
        }
    }

    /// Tells a client what became of its connection.
    mutating func tell(
        _ index: Int, _ event: RedisClientEvent, at now: Duration
    ) -> [Action] {
        var actions: [Action] = []
        for action in self.clients[index].handle(event, at: now) {
            switch action {
            case .open, .write, .close: actions.append(.client(index, action))
            case .finish(let id, let outcome):
                if let call = self.calls.removeValue(forKey: id) {
                    actions.append(.finish(id, outcome))
                    actions += self.giveBack(call, at: now)
                }
            case .crash(let reason): actions += self.restart(index, because: reason, at: now)
            }
        }
        return actions
    }

    /// Does what is due.
    mutating func run(at now: Duration) -> [Action] {
        var actions: [Action] = []
        while let first = self.waiting.first, let deadline = first.caller.deadline, deadline <= now
        {
            self.waiting.removeFirst()
            actions.append(.finish(first.caller.id, .refused("no connection came back in time")))
        }
        for index in self.clients.indices {
            guard let deadline = self.clients[index].deadline, deadline <= now else { continue }
            actions += self.tell(index, .due, at: now)
        }
        return actions
    }

    /// Takes note that a caller's connection has ended: nobody waits for its calls any more.
    mutating func forget(_ borrower: StreamID, at now: Duration) -> [Action] {
        self.waiting.removeAll { $0.borrower == borrower }
        var actions: [Action] = []
        for (id, call) in self.calls.sorted(by: { $0.key < $1.key })
        where call.borrower == borrower {
            self.calls[id] = nil
            // Whoever borrowed brings back; the dead do not, unless somebody watches them.
            if self.choice != .lent(returnsOfDead: false) {
                actions += self.giveBack(call, at: now)
            }
        }
        return actions
    }

    private mutating func hand(
        _ id: Int, _ words: [[UInt8]], to index: Int, for borrower: StreamID, at now: Duration
    ) -> [Action] {
        self.calls[id] = Call(client: index, borrower: borrower)
        return self.tell(index, .call(id, words), at: now)
    }

    /// Hands waiting calls to clients that nobody has, to those that are connected before others.
    private mutating func lend(at now: Duration) -> [Action] {
        var actions: [Action] = []
        while let first = self.waiting.first {
            let free = self.clients.indices.filter { !self.lent.contains($0) }
            guard let free = free.first(where: { self.clients[$0].isReady }) ?? free.first else {
                break
            }
            self.waiting.removeFirst()
            self.lent.insert(free)
            actions += self.hand(
                first.caller.id, first.caller.words, to: free, for: first.borrower, at: now)
        }
        return actions
    }

    private mutating func giveBack(_ call: Call, at now: Duration) -> [Action] {
        guard self.lent.remove(call.client) != nil else { return [] }
        return self.lend(at: now)
    }

    private mutating func restart(
        _ index: Int, because reason: String, at now: Duration
    ) -> [Action] {
        // Whoever waited for the dead one has died with it.
        self.calls = self.calls.filter { $0.value.client != index }
        self.lent.remove(index)
        self.restarts = self.restarts.filter { now - $0 < Self.restartPeriod } + [now]
        if self.restarts.count > Self.restartsMax {
            return [
                .crash(
                    "the supervisor gave up after \(Self.restartsMax) restarts in"
                        + " \(Self.restartPeriod.text): \(reason)")
            ]
        }
        self.clients[index] = self.make(index, &self.randomness)
        return [.client(index, .close), .report("client \(index + 1) died: \(reason)")]
            + self.tell(index, .started, at: now) + self.lend(at: now)
    }
}
