/// Lends tasks to workers, and takes them back from those that are not heard of any more.
///
/// A task is lent for a while, and again as long as its worker says that it is at it. One that nobody has finished in
/// time is lent to the next one; one that takes long is lent to a second worker besides, where there is nothing else to
/// do. So a task may be done several times, and the first one to finish it counts.
struct TaskDispatcher {
    /// After how many attempts a task is given up, where nobody says otherwise.
    static let attemptsMax = 5

    /// How long a task is lent; `nil` is for ever.
    let lease: Duration?
    /// After how long a task is given to a second worker, too.
    let straggling: Duration
    /// After how many attempts a task is given up.
    let attemptsMax: Int
    /// Whether a worker that is not heard of counts as one that has nothing to do.
    let relends: Bool

    /// A task that somebody is at.
    fileprivate struct Loan {
        let worker: String
        let since: Duration
        var until: Duration?
    }

    fileprivate struct Task {
        var attempts = 0
        var loans: [Loan] = []
    }

    /// A task that is to be sent to a worker.
    struct Assignment: Equatable {
        let worker: String
        let task: String
        let attempt: Int
    }

    private var tasks: [String: Task] = [:]
    /// The tasks that nobody is at, in the order in which they are lent.
    private var waiting: [String] = []
    private var idle: [String] = []

    init(
        lease: Duration? = .milliseconds(600), straggling: Duration = .seconds(1),
        attemptsMax: Int = Self.attemptsMax, relends: Bool = false
    ) {
        self.lease = lease
        self.straggling = straggling
        self.attemptsMax = attemptsMax
        self.relends = relends
    }

    /// Whether any task is not finished.
    var isBusy: Bool { !self.tasks.isEmpty }

    /// The task that a worker was lent last and has not finished.
    func task(of worker: String) -> String? {
        self.tasks.filter { $0.value.loans.contains { $0.worker == worker } }
            .max { ($0.value.since(worker), $0.key) < ($1.value.since(worker), $1.key) }?.key
    }

    /// How often a task was lent.
    func attempts(of task: String) -> Int { self.tasks[task]?.attempts ?? 0 }

    mutating func add(_ tasks: [String]) {
        for task in tasks where self.tasks[task] == nil {
            self.tasks[task] = Task()
            self.waiting.append(task)
        }
    }

    /// Forgets the tasks that a test names.
    mutating func remove(where isGone: (String) -> Bool) {
        self.tasks = self.tasks.filter { !isGone($0.key) }
        self.waiting.removeAll(where: isGone)
    }

    /// Takes note that a worker has nothing to do. One whose task is still lent may not have got it yet.
    mutating func ready(_ worker: String) {
        let hasLoan = self.tasks.values.contains { $0.loans.contains { $0.worker == worker } }
        if !hasLoan, !self.idle.contains(worker) { self.idle.append(worker) }
    }

    /// Takes note that a worker is still at a task.
    mutating func extend(_ task: String, by worker: String, at now: Duration) {
        guard let index = self.tasks[task]?.loans.firstIndex(where: { $0.worker == worker }) else {
            return
        }
        self.tasks[task]?.loans[index].until = self.lease.map { now + $0 }
    }

    /// Takes note that a task is done; `false` where it was before.
    mutating func finish(_ task: String, by worker: String) -> Bool {
        let isFirst = self.tasks.removeValue(forKey: task) != nil
        self.waiting.removeAll { $0 == task }
        return isFirst
    }

    /// Takes back what is overdue, and lends what is waiting.
    ///
    /// - Returns: What is to be sent, and the tasks that are given up.
    mutating func run(at now: Duration) -> (assignments: [Assignment], failed: [String]) {
        var failed: [String] = []
        for (name, task) in self.tasks.sorted(by: { $0.key < $1.key }) {
            let overdue = task.loans.filter { $0.until.map { $0 <= now } ?? false }
            if overdue.isEmpty { continue }
            self.tasks[name]?.loans.removeAll { $0.until.map { $0 <= now } ?? false }
            if self.relends { self.idle += overdue.map(\.worker) }
            guard self.tasks[name]?.loans.isEmpty == true else { continue }
            if task.attempts >= self.attemptsMax {
                failed.append(name)
            } else {
                self.waiting.append(name)
            }
        }
        var assignments: [Assignment] = []
        while let worker = self.idle.first, let task = self.next(for: worker, at: now) {
            self.idle.removeFirst()
            assignments.append(self.lend(task, to: worker, at: now))
        }
        return (assignments, failed)
    }

    private mutating func next(for worker: String, at now: Duration) -> String? {
        if !self.waiting.isEmpty { return self.waiting.removeFirst() }
        if self.lease == nil { return nil }
        let stragglers = self.tasks.filter { _, task in
            task.loans.count == 1 && task.loans[0].since + self.straggling <= now
        }
        return stragglers.min {
            ($0.value.loans[0].since, $0.key) < ($1.value.loans[0].since, $1.key)
        }?.key
    }

    private mutating func lend(_ task: String, to worker: String, at now: Duration) -> Assignment {
        let loan = Loan(worker: worker, since: now, until: self.lease.map { now + $0 })
        self.tasks[task]?.attempts += 1
        self.tasks[task]?.loans.append(loan)
        return Assignment(worker: worker, task: task, attempt: self.attempts(of: task))
    }
}

extension TaskDispatcher.Task {
    /// When a worker was lent the task.
    fileprivate func since(_ worker: String) -> Duration {
        self.loans.first { $0.worker == worker }?.since ?? .zero
    }
}
