/// Decides when a log that grows with traffic is written anew: as what the node knows (a snapshot) in the place of all that ever
/// happened.
///
/// The log is rewritten when it has at least ``least`` records and twice as many as the snapshot had that it began with, so that
/// what rewriting costs is shared by as many appended records as it writes, and a log is never more than twice as long as it need
/// be (Redis does the same with its append-only file: `auto-aof-rewrite-percentage 100`). Rewriting is ``Effect/replaceLog(_:)``: at
/// once or not at all.
///
/// ```swift
/// return self.log.compacting(role.handle(input, at: now)) { role.snapshot }
/// ```
public struct LogCompaction: Sendable {
    /// A shorter log is left as it is.
    public let least: Int
    /// How many records the log has.
    public private(set) var count = 0
    private var snapshotCount = 0

    /// Makes a rule for an empty log.
    public init(least: Int = 1000) {
        precondition(least > 0, "a log is rewritten when it has records, got a least of \(least)")
        self.least = least
    }

    /// Begins to live on the log of earlier lives.
    public mutating func start(_ life: NodeLife) { self.count = life.records.count }

    /// Counts what a node writes down, and adds a snapshot where it is time for one.
    ///
    /// - Parameters:
    ///   - effects: What the node asks for. One that is about to crash writes no snapshot: its effects end before.
    ///   - snapshot: Records that tell the next life as much as all that were appended, these effects' too.
    public mutating func compacting(
        _ effects: [Effect], _ snapshot: () -> [JSONValue]
    ) -> [Effect] {
        self.isDue(after: effects) ? effects + [self.rewrite(as: snapshot())] : effects
    }

    /// Counts what a node writes down, and tells whether it is time for a snapshot.
    public mutating func isDue(after effects: [Effect]) -> Bool {
        for effect in effects {
            switch effect {
            case .append: self.count += 1
            case .replaceLog(let records):
                (self.count, self.snapshotCount) = (records.count, records.count)
            case .crash: return false
            default: break
            }
        }
        return self.count >= max(self.least, 2 * self.snapshotCount)
    }

    /// Puts a snapshot in the place of the log.
    public mutating func rewrite(as snapshot: [JSONValue]) -> Effect {
        (self.count, self.snapshotCount) = (snapshot.count, snapshot.count)
        return .replaceLog(snapshot)
    }
}
