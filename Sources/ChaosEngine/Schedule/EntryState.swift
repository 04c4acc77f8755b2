import ChaosCore
import ChaosScenario

/// One entry of a schedule and when it happens next.
struct EntryState: Sendable {
    let entry: ScheduleEntry
    /// When it happens next by the clock.
    private(set) var planned: Instant?
    private var ordinal = 0
    private let seed: Seed
    private let last: Instant
    private let pattern: LogPattern?

    init(_ entry: ScheduleEntry, seed: Seed, length: Duration?) {
        self.entry = entry
        self.seed = seed.derived("schedule", entry.id)
        let whole = length ?? .zero
        var last = length.map { Instant.start + $0 } ?? .never
        var pattern: LogPattern?
        var planned: Instant?
        switch entry.timing {
        case .at(let point): planned = .start + point.resolved(in: whole)
        case .every(_, _, let from, let until):
            planned = .start + from.resolved(in: whole)
            if let until { last = min(last, .start + until.resolved(in: whole)) }
        case .when(let trigger):
            // Whoever made the entry has read the pattern before; what cannot be read never matches.
            if case .log(let text) = trigger.source { pattern = try? LogPattern(parsing: text) }
        }
        self.last = last
        self.pattern = pattern
        self.planned = planned.flatMap { $0 < last ? $0 : nil }
    }

    /// Whether the entry waits for something that a node shows.
    var isWaiting: Bool {
        guard case .when(let trigger) = self.entry.timing else { return false }
        return trigger.times.map { self.ordinal < $0 } ?? true
    }

    /// Counts one happening and plans the next; returns the ordinal, from 0.
    mutating func take() -> Int {
        let ordinal = self.ordinal
        self.ordinal += 1
        guard case .every(let interval, let jitter, _, _) = self.entry.timing,
            let planned = self.planned
        else {
            self.planned = nil
            return ordinal
        }
        var generator = self.seed.derived("interval", String(ordinal)).generator
        let drawn = generator.duration(around: interval, spread: jitter).wholeNanoseconds
        // Whole milliseconds read better, and time must go on, whatever the spread.
        let next = planned + .milliseconds(max(1, drawn / 1_000_000))
        self.planned = next < self.last ? next : nil
        return ordinal
    }

    /// Plans nothing more.
    mutating func stop() { self.planned = nil }

    func matches(log line: String, from node: NodeName) -> Bool {
        guard self.isWaiting, case .when(let trigger) = self.entry.timing,
            let pattern = self.pattern
        else { return false }
        return trigger.nodes.matches(node) && pattern.matches(line)
    }

    func matches(message entry: String, from node: NodeName) -> Bool {
        guard self.isWaiting, self.entry.id == entry, case .when(let trigger) = self.entry.timing,
            case .message = trigger.source
        else { return false }
        return trigger.nodes.matches(node)
    }

    /// The id of one happening: numbered from 1 where there may be several.
    func id(of ordinal: Int) -> String {
        switch self.entry.timing {
        case .at: return self.entry.id
        case .when(let trigger) where trigger.times == 1: return self.entry.id
        case .every, .when: return "\(self.entry.id)#\(ordinal + 1)"
        }
    }

    /// When something that begins then ends by itself.
    func end(from planned: Instant, length: Duration?) -> Instant? {
        self.entry.duration.map { planned + $0.resolved(in: length ?? .zero) }
    }
}
