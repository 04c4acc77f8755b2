import ChaosCore
import NodeKit

/// A node that moves money in two steps, and holds accounts that others move money between.
///
/// Balances are read one node after the other, so money on its way is missing in them.
struct StepwiseNode: Node {
    enum Habit: Sendable {
        /// With a log, numbers and a way back.
        case saga
        /// Each step is said once.
        case careless
        /// Each step is said until it is answered, and nobody knows one that comes again.
        case insistent
    }

    /// A client's question for all balances, and what has come so far.
    private struct Look {
        let request: Message
        var missing: Set<String>
        var balances: [String: JSONValue] = [:]
        let deadline: Duration
    }

    private static let timer = "transfers"
    private static let interval = Duration.milliseconds(100)
    private static let patience = Duration.milliseconds(500)

    private let habit: Habit
    private var sides: (coordinator: StepwiseCoordinator, accounts: StepwiseAccounts)?
    private var book: AccountBook?
    private var looks: [Int64: Look] = [:]
    private var lookCount: Int64 = 0
    private var log = LogCompaction()

    init(_ habit: Habit) { self.habit = habit }

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        let effects = self.live(input, at: now)
        guard self.log.isDue(after: effects), self.habit == .saga, let sides = self.sides else {
            return effects
        }
        let snapshot = sides.accounts.snapshot + sides.coordinator.snapshot
        return effects + [self.log.rewrite(as: snapshot)]
    }

    private mutating func live(_ input: Input, at now: Duration) -> [Effect] {
        if case .started(let membership) = input {
            self.log.start(membership.life)
            let book = AccountBook(membership)
            self.book = book
            self.sides = (
                StepwiseCoordinator(membership, book, self.habit),
                StepwiseAccounts(membership, book, self.habit)
            )
            // No answer to an earlier life belongs to a question of this one.
            self.lookCount = Int64(membership.life.incarnation & 0xFFFF_FFFF) << 20
            return [.setTimer(Self.timer, after: Self.interval)]
        }
        // Taken out, so that both sides change in place.
        guard var sides = self.sides, let book = self.book else { return [] }
        self.sides = nil
        defer { self.sides = sides }
        switch input {
        case .started: return []
        case .timer:
            return sides.coordinator.run(at: now) + self.giveUpLooks(at: now)
                + [.setTimer(Self.timer, after: Self.interval)]
        case .message(let message):
            switch message.type {
            case "step": return sides.accounts.step(message)
            case "cancel": return sides.accounts.cancel(message)
            case "look": return sides.accounts.look(message)
            case "done": return sides.coordinator.take(done: message, at: now)
            case "refused": return sides.coordinator.take(refusal: message)
            case "cancelled": return sides.coordinator.take(cancellation: message)
            case "seen": return self.take(seen: message)
            case "read": return self.look(for: message, book, at: now)
            case "transfer":
                do {
                    let transfer = try Transfer(message, book)
                    return sides.coordinator.begin(transfer, for: message, at: now)
                } catch {
                    return [error.answer]
                }
            default: return [.unsupported(message)]
            }
        }
    }

    private mutating func look(
        for request: Message, _ book: AccountBook, at now: Duration
    ) -> [Effect] {
        self.lookCount += 1
        let number = JSONValue.int(self.lookCount)
        self.looks[self.lookCount] = Look(
            request: request, missing: Set(book.nodes), deadline: now + Self.patience)
        return book.nodes.map { .send(to: $0, ["type": "look", "look": number]) }
    }

    private mutating func take(seen message: Message) -> [Effect] {
        guard let number = message["look"]?.intValue, var look = self.looks[number] else {
            return []
        }
        look.missing.remove(message.source)
        for member in message["balances"]?.objectValue?.members ?? [] {
            look.balances[member.key] = member.value
        }
        self.looks[number] = look
        if !look.missing.isEmpty { return [] }
        self.looks[number] = nil
        let balances = look.balances.sorted { $0.key < $1.key }
            .map { (key: $0.key, value: $0.value) }
        return [
            .reply(to: look.request, ["type": "read_ok", "value": .object(JSONObject(balances))])
        ]
    }

    private mutating func giveUpLooks(at now: Duration) -> [Effect] {
        let late = self.looks.filter { $0.value.deadline <= now }.sorted { $0.key < $1.key }
        for (number, _) in late { self.looks[number] = nil }
        return late.map {
            .error(to: $0.value.request, .temporarilyUnavailable, "not all accounts can be seen")
        }
    }
}
