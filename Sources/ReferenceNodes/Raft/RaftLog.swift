import ChaosCore
import NodeKit

/// The log of a Raft node: a snapshot of everything up to some index, and the entries after it.
///
/// Indices begin at 1. Every change says which records make it durable; ``replay(_:)`` takes them in
/// again after a restart.
struct RaftLog: Sendable {
    /// A command at its place in the log.
    struct Entry: Hashable, Sendable {
        let term: Int64
        /// The command; null for the entry that a new leader begins with.
        let command: JSONValue

        var json: JSONValue { [.int(self.term), self.command] }

        init(term: Int64, command: JSONValue) {
            self.term = term
            self.command = command
        }

        init?(_ json: JSONValue) {
            guard let pair = json.arrayValue, pair.count == 2, let term = pair[0].intValue else {
                return nil
            }
            self.init(term: term, command: pair[1])
        }
    }

    /// The state that everything up to an index led to.
    struct Snapshot: Hashable, Sendable {
        var index: Int64 = 0
        var term: Int64 = 0
        var state: JSONValue = .null
    }

    private(set) var snapshot = Snapshot()
    private var entries: [Entry] = []

    /// The index of the last entry; 0 for none.
    var lastIndex: Int64 { self.snapshot.index + Int64(self.entries.count) }
    /// The term of the last entry.
    var lastTerm: Int64 { self.entries.last?.term ?? self.snapshot.term }
    /// How many entries there are after the snapshot.
    var count: Int { self.entries.count }

    /// The term of the entry at an index; `nil` where that is unknown.
    func term(at index: Int64) -> Int64? {
        index == self.snapshot.index ? self.snapshot.term : self[index]?.term
    }

    /// The entry at an index; `nil` where there is none, or the snapshot has swallowed it.
    subscript(index: Int64) -> Entry? {
        let position = Int(index - self.snapshot.index) - 1
        return self.entries.indices.contains(position) ? self.entries[position] : nil
    }

    /// At most so many entries from an index on.
    func entries(from index: Int64, limit: Int) -> [Entry] {
        let start = max(0, Int(index - self.snapshot.index) - 1)
        return Array(self.entries.dropFirst(start).prefix(limit))
    }

    /// Adds an entry at the end.
    mutating func append(_ entry: Entry) -> Effect {
        self.entries.append(entry)
        return .append(["index": .int(self.lastIndex), "entry": entry.json])
    }

    /// Takes over a leader's entries after an index, where they are not there already.
    ///
    /// Only a real conflict cuts the log: an old message with fewer entries must not undo newer ones.
    mutating func merge(_ news: [Entry], after previous: Int64) -> [Effect] {
        var effects: [Effect] = []
        for (offset, entry) in news.enumerated() {
            let index = previous + 1 + Int64(offset)
            // The snapshot holds only what is committed, and therefore equal.
            if index <= self.snapshot.index || self[index]?.term == entry.term { continue }
            if index <= self.lastIndex {
                self.entries.removeLast(Int(self.lastIndex - index) + 1)
            }
            effects.append(self.append(entry))
        }
        return effects
    }

    /// Puts a snapshot in the place of everything up to its index.
    mutating func compact(into snapshot: Snapshot) {
        // Entries after it stay if they follow on it, and go if they belong to another history.
        let followsOn = self.term(at: snapshot.index) == snapshot.term
        let kept = followsOn ? self.entries(from: snapshot.index + 1, limit: .max) : []
        self.snapshot = snapshot
        self.entries = kept
    }

    /// The records of the whole log, for a new file.
    var records: [JSONValue] {
        var records: [JSONValue] = []
        if self.snapshot.index > 0 {
            records.append([
                "snapshot": self.snapshot.state, "index": .int(self.snapshot.index),
                "term": .int(self.snapshot.term),
            ])
        }
        for (offset, entry) in self.entries.enumerated() {
            let index = self.snapshot.index + 1 + Int64(offset)
            records.append(["index": .int(index), "entry": entry.json])
        }
        return records
    }

    /// Takes in one of the records; `false` when it is about something else.
    mutating func replay(_ record: JSONValue) -> Bool {
        guard let index = record["index"]?.intValue else { return false }
        if let state = record["snapshot"] {
            let term = record["term"]?.intValue ?? 0
            self.snapshot = Snapshot(index: index, term: term, state: state)
            self.entries = []
        } else if let entry = record["entry"].flatMap({ Entry($0) }) {
            // An entry at a place that was taken cuts off what stood there.
            let count = Int(index - self.snapshot.index) - 1
            if count >= 0, count <= self.entries.count {
                self.entries.removeLast(self.entries.count - count)
                self.entries.append(entry)
            }
        }
        return true
    }
}
