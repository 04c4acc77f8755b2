import DequeModule

/// One database of a small Redis: keys with values that may expire.
///
/// Expired entries are as good as gone, and go when they are met.
struct RedisDatabase: Sendable {
    /// What a key holds.
    enum Content: Hashable, Sendable {
        case string([UInt8])
        case list(Deque<[UInt8]>)

        /// The type's name.
        var name: String {
            switch self {
            case .string: "string"
            case .list: "list"
            }
        }
    }

    private struct Entry {
        var content: Content
        /// Milliseconds since 1970; `nil` lives for ever.
        var expiry: Int64?
    }

    private var entries: [[UInt8]: Entry] = [:]

    /// What a key holds at a time, in milliseconds since 1970.
    mutating func content(of key: [UInt8], at time: Int64) -> Content? {
        self.entry(of: key, at: time)?.content
    }

    /// When a key expires; `nil` of one that never does or is not there.
    mutating func expiry(of key: [UInt8], at time: Int64) -> Int64? {
        self.entry(of: key, at: time)?.expiry
    }

    /// Puts a value in the place of what a key holds, or takes the key away.
    mutating func set(_ key: [UInt8], to content: Content?, expiry: Int64? = nil) {
        self.entries[key] = content.map { Entry(content: $0, expiry: expiry) }
    }

    /// Changes when a key expires.
    mutating func setExpiry(of key: [UInt8], to expiry: Int64?) {
        self.entries[key]?.expiry = expiry
    }

    /// Takes a key away; `false` where it was not there.
    mutating func remove(_ key: [UInt8], at time: Int64) -> Bool {
        self.entry(of: key, at: time) != nil && self.entries.removeValue(forKey: key) != nil
    }

    /// How many keys are there.
    mutating func count(at time: Int64) -> Int {
        self.entries = self.entries.filter { $0.value.expiry.map { $0 > time } ?? true }
        return self.entries.count
    }

    private mutating func entry(of key: [UInt8], at time: Int64) -> Entry? {
        guard let entry = self.entries[key] else { return nil }
        guard let expiry = entry.expiry, expiry <= time else { return entry }
        self.entries[key] = nil
        return nil
    }
}
