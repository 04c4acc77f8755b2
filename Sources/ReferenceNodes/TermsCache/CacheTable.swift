import ChaosCore

/// A table whose entries live for a given time, or for ever.
///
/// It has no clock: whoever asks says what time it is, on the clock of their choice.
struct CacheTable: Sendable {
    /// What a table gets wrong.
    struct Flaws: OptionSet, Sendable {
        let rawValue: Int
        /// An entry is there until a sweep takes it, whether it has expired or not.
        static let readsExpired = Flaws(rawValue: 1)
        /// A sweep keeps what expires later, and takes what never does.
        static let sweepsEternal = Flaws(rawValue: 2)
        /// Nothing is taken that nobody asks for.
        static let neverSweeps = Flaws(rawValue: 4)
    }

    private struct Entry {
        var value: JSONValue
        /// `nil` never expires.
        var expiry: Duration?
        /// When it was used last, counted in uses.
        var used: Int
    }

    private let flaws: Flaws
    private let capacity: Int
    private var entries: [JSONValue: Entry] = [:]
    private var uses = 0

    /// Makes an empty table for at most so many entries, at least one.
    init(_ flaws: Flaws = [], capacity: Int = 100_000) {
        precondition(capacity > 0, "a table holds at least one entry, got \(capacity)")
        self.flaws = flaws
        self.capacity = capacity
    }

    /// How many entries take up memory.
    var count: Int { self.entries.count }

    /// Puts a value under a key; without a lifetime it stays for ever.
    mutating func put(
        _ value: JSONValue, under key: JSONValue, for lifetime: Duration?, at now: Duration
    ) {
        if self.entries.count >= self.capacity && self.entries[key] == nil {
            self.makeRoom(at: now)
        }
        self.uses += 1
        self.entries[key] = Entry(
            value: value, expiry: lifetime.map { now + $0 }, used: self.uses)
    }

    /// The value under a key.
    mutating func get(_ key: JSONValue, at now: Duration) -> JSONValue? {
        guard let entry = self.entries[key] else { return nil }
        if let expiry = entry.expiry, expiry <= now, !self.flaws.contains(.readsExpired) {
            self.entries[key] = nil
            return nil
        }
        self.uses += 1
        self.entries[key]?.used = self.uses
        return entry.value
    }

    /// Takes what has expired.
    mutating func sweep(at now: Duration) {
        if self.flaws.contains(.neverSweeps) { return }
        let sweepsEternal = self.flaws.contains(.sweepsEternal)
        self.entries = self.entries.filter { _, entry in
            entry.expiry.map { $0 > now } ?? !sweepsEternal
        }
    }

    /// Takes what has expired, and then a sixteenth of the rest, that which was used longest ago: so the
    /// work is done once for many entries.
    private mutating func makeRoom(at now: Duration) {
        self.sweep(at: now)
        if self.entries.count < self.capacity { return }
        let victims = self.entries.sorted { $0.value.used < $1.value.used }
            .prefix(max(1, self.capacity / 16))
        for victim in victims { self.entries[victim.key] = nil }
    }
}
