import ChaosCore
import NodeKit

/// Takes money from one account and brings it to another, one step after the other and without locks.
///
/// As a saga (Garcia-Molina, Salem: Sagas, SIGMOD 1987) it has each step in its log before it takes it. While nobody
/// knows whether the money was taken, the way out is back: the step is cancelled. Once it was taken, the way out is
/// forward: bringing money cannot be refused, so it is tried until it is done.
struct StepwiseCoordinator {
    /// How long taking the money may last before it is cancelled.
    private static let patience = Duration.seconds(1)
    /// After how long what was not answered is said again.
    private static let repetition = Duration.milliseconds(300)

    private enum Phase {
        case withdrawing, depositing, cancelling
    }

    /// A transfer on its way.
    private struct Course {
        let transfer: Transfer
        /// Who asked for it; a client that asks again waits with itself.
        var requests: [Message] = []
        var phase = Phase.withdrawing
        /// When the patience with it ends.
        var deadline = Duration.zero
        var repeatsAt = Duration.zero
    }

    private let habit: StepwiseNode.Habit
    private let book: AccountBook
    private let namePrefix: String
    private var count = 0
    private var courses: [String: Course] = [:]
    /// The transfers that are done, by their clients' names for them.
    private var finished: Set<String> = []

    /// Begins a life, knowing what the log says of the earlier ones: what they had begun is cancelled or
    /// finished as soon as the clock runs.
    init(_ membership: Membership, _ book: AccountBook, _ habit: StepwiseNode.Habit) {
        self.habit = habit
        self.book = book
        self.namePrefix = "\(membership.id).\(membership.life.incarnation)"
        for record in membership.life.records { self.recall(record) }
    }

    private mutating func recall(_ record: JSONValue) {
        if let tx = record["begun"]?.stringValue, let transfer = Transfer(record["transfer"]) {
            self.courses[tx] = Course(transfer: transfer)
        } else if let tx = record["withdrawn"]?.stringValue {
            self.courses[tx]?.phase = .depositing
        } else if let tx = record["cancelling"]?.stringValue {
            self.courses[tx]?.phase = .cancelling
        } else if let tx = record["ended"]?.stringValue {
            self.courses[tx] = nil
            if let id = record["id"]?.stringValue { self.finished.insert(id) }
        } else if let ids = record["finished"]?.arrayValue {
            self.finished.formUnion(ids.compactMap(\.stringValue))
        }
    }

    /// What the next life has to know: what is done, and how far everything else is.
    var snapshot: [JSONValue] {
        let courses = self.courses.sorted { $0.key < $1.key }.flatMap { tx, course -> [JSONValue] in
            let begun: JSONValue = ["begun": .string(tx), "transfer": course.transfer.json]
            switch course.phase {
            case .withdrawing: return [begun]
            case .depositing: return [begun, ["withdrawn": .string(tx)]]
            case .cancelling: return [begun, ["cancelling": .string(tx)]]
            }
        }
        return [["finished": .array(self.finished.sorted().map { .string($0) })]] + courses
    }

    mutating func begin(
        _ transfer: Transfer, for request: Message, at now: Duration
    ) -> [Effect] {
        if self.finished.contains(transfer.id) {
            return [.reply(to: request, ["type": "transfer_ok"])]
        }
        if let tx = self.courses.first(where: { $0.value.transfer.id == transfer.id })?.key {
            self.courses[tx]?.requests.append(request)
            return []
        }
        self.count += 1
        let tx = "\(self.namePrefix).\(self.count)"
        let course = Course(
            transfer: transfer, requests: [request], deadline: now + Self.patience,
            repeatsAt: now + Self.repetition)
        self.courses[tx] = course
        return self.note(["begun": .string(tx), "transfer": transfer.json]) + self.say(tx, course)
    }

    /// Takes in that a step is done.
    mutating func take(done message: Message, at now: Duration) -> [Effect] {
        guard let tx = message["tx"]?.stringValue, var course = self.courses[tx] else { return [] }
        switch (course.phase, message["step"]?.stringValue) {
        case (.withdrawing, "withdraw"):
            course.phase = .depositing
            course.deadline = now + Self.patience
            course.repeatsAt = now + Self.repetition
            self.courses[tx] = course
            return self.note(["withdrawn": .string(tx)]) + self.say(tx, course)
        case (.depositing, "deposit"):
            self.courses[tx] = nil
            self.finished.insert(course.transfer.id)
            return self.note(["ended": .string(tx), "id": .string(course.transfer.id)])
                + course.requests.map { .reply(to: $0, ["type": "transfer_ok"]) }
        default: return []
        }
    }

    /// Takes in that the money cannot be taken.
    mutating func take(refusal message: Message) -> [Effect] {
        self.giveUp(message, in: .withdrawing, .preconditionFailed, "there is too little money")
    }

    /// Takes in that the money is back where it was.
    mutating func take(cancellation message: Message) -> [Effect] {
        self.giveUp(message, in: .cancelling, .abort, "the account's node did not answer")
    }

    private mutating func giveUp(
        _ message: Message, in phase: Phase, _ code: ErrorCode, _ reason: String
    ) -> [Effect] {
        guard let tx = message["tx"]?.stringValue, let course = self.courses[tx],
            course.phase == phase
        else { return [] }
        self.courses[tx] = nil
        return self.note(["ended": .string(tx)])
            + course.requests.map { .error(to: $0, code, reason) }
    }

    /// Says again what nobody answers, and turns back from what takes too long.
    mutating func run(at now: Duration) -> [Effect] {
        var effects: [Effect] = []
        for (tx, old) in self.courses.sorted(by: { $0.key < $1.key }) {
            var course = old
            let isOverdue = course.deadline <= now
            if self.habit == .careless {
                guard isOverdue else { continue }
                self.courses[tx] = nil
                effects += course.requests.map {
                    .error(to: $0, .timeout, "a step was not answered")
                }
            } else if self.habit == .saga, course.phase == .withdrawing, isOverdue {
                course.phase = .cancelling
                course.repeatsAt = now + Self.repetition
                self.courses[tx] = course
                effects += self.note(["cancelling": .string(tx)]) + self.say(tx, course)
            } else if course.repeatsAt <= now {
                self.courses[tx]?.repeatsAt = now + Self.repetition
                effects += self.say(tx, course)
            }
        }
        return effects
    }

    /// What a transfer's phase asks of an account's node.
    private func say(_ tx: String, _ course: Course) -> [Effect] {
        let transfer = course.transfer
        let account = course.phase == .depositing ? transfer.to : transfer.from
        guard let node = self.book.node(of: account) else { return [] }
        var body: JSONObject = [
            "type": "step", "tx": .string(tx), "account": .string(account),
            "amount": .int(transfer.amount),
        ]
        switch course.phase {
        case .withdrawing: body["step"] = "withdraw"
        case .depositing: body["step"] = "deposit"
        case .cancelling: body["type"] = "cancel"
        }
        return [.send(to: node, body)]
    }

    /// Only a saga has a log of where it is.
    private func note(_ record: JSONValue) -> [Effect] {
        self.habit == .saga ? [.append(record)] : []
    }
}
