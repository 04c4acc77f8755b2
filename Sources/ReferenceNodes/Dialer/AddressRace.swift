/// Attempts to connect to the addresses of one name, until one of them succeeds ("happy eyeballs", RFC 8305, section 5).
///
/// ```text
///            0 ms        100 ms        200 ms
///   ::1        ├───────────┼──────────────┼───── no answer: nobody waits for it
///   127.0.1.4              ├─▶ connected: the other attempt is given up
/// ```
///
/// The next address is tried when the last attempt has failed, and a little after it began where it has not: so a family that
/// is swallowed somewhere costs as much as the delay between two attempts, and no more.
struct AddressRace: Hashable, Sendable {
    /// What is to be done.
    enum Action: Hashable, Sendable {
        /// Begin an attempt to connect to this address.
        case connect(Int)
        /// Give an attempt up.
        case giveUp(Int)
        /// This attempt has won.
        case won(Int)
        /// No address is left.
        case lost
    }

    /// How long an attempt is alone; `nil` is until it has failed.
    private let delay: Duration?
    /// Addresses that were not tried yet, the best one last.
    private var untried: [Int]
    /// Attempts that have neither failed nor succeeded.
    private var attempts: [Int] = []
    /// When the next attempt begins, if none has failed or succeeded before.
    private(set) var deadline: Duration?

    /// Makes a race between so many addresses, in the order in which they are to be tried.
    init(count: Int, delay: Duration?) {
        self.delay = delay
        self.untried = (0..<count).reversed()
    }

    /// Begins the first attempt.
    mutating func start(at now: Duration) -> [Action] { self.tryNext(at: now) }

    /// An attempt has failed: the next one begins at once.
    mutating func failed(_ address: Int, at now: Duration) -> [Action] {
        self.attempts.removeAll { $0 == address }
        let next = self.tryNext(at: now)
        return next.isEmpty && self.attempts.isEmpty ? [.lost] : next
    }

    /// An attempt has succeeded: all others are given up.
    mutating func connected(_ address: Int) -> [Action] {
        let others = self.attempts.filter { $0 != address }
        self.attempts = []
        self.untried = []
        self.deadline = nil
        return others.map { .giveUp($0) } + [.won(address)]
    }

    /// Time has passed.
    mutating func run(at now: Duration) -> [Action] {
        guard let deadline = self.deadline, deadline <= now else { return [] }
        return self.tryNext(at: now)
    }

    private mutating func tryNext(at now: Duration) -> [Action] {
        self.deadline = nil
        guard let next = self.untried.popLast() else { return [] }
        self.attempts.append(next)
        if let delay = self.delay, !self.untried.isEmpty { self.deadline = now + delay }
        return [.connect(next)]
    }

    /// The order in which addresses are tried: the families in turn, IPv6 first (RFC 8305, section 4).
    static func order(_ names: [String], hosts: [String: String]) -> [String] {
        let isIPv6 = { (name: String) in hosts[name]?.contains(":") ?? false }
        let six = names.filter(isIPv6)
        let four = names.filter { !isIPv6($0) }
        return (0..<max(six.count, four.count)).flatMap { index in
            six.dropFirst(index).prefix(1) + four.dropFirst(index).prefix(1)
        }
    }
}
