// What pipelines hold: they must not be generic over the driver's bytes, or the compiler could not
// specialise them across modules, and each step would cost ten times as much.

/// A run of bytes within something that a driver read.
///
/// Taking pieces of it moves two numbers and copies nothing.
struct Chunk {
    private var storage: ChunkStorage
    /// Where it begins and ends in its storage.
    private(set) var begin: Int
    private(set) var end: Int

    /// All that was read.
    init<Bytes: StreamBytes>(_ bytes: Bytes) {
        self.storage = StoredBytes(bytes)
        self.begin = 0
        self.end = bytes.count
    }

    fileprivate init(_ storage: ChunkStorage, _ count: Int) {
        self.storage = storage
        self.begin = 0
        self.end = count
    }

    var count: Int { self.end - self.begin }

    /// Cuts off and returns the first bytes.
    mutating func removePrefix(_ count: Int) -> Chunk {
        var prefix = self
        prefix.end = self.begin + count
        self.begin += count
        return prefix
    }

    /// Puts the bytes behind, if they follow in the same storage.
    mutating func extend(by other: Chunk) -> Bool {
        guard self.storage === other.storage, self.end == other.begin else { return false }
        self.end = other.end
        return true
    }

    /// Puts a copy of the bytes behind. Offsets into this chunk begin at 0 afterwards.
    mutating func append(_ other: Chunk) {
        if self.begin > 0 || self.end < self.storage.count
            || !isKnownUniquelyReferenced(&self.storage)
        {
            self = self.storage.copy(from: self.begin, to: self.end)
        }
        self.storage.append(other.storage, from: other.begin, to: other.end)
        self.end += other.count
    }

    /// Flips bits, given by their numbers from the first bit of the first byte on.
    mutating func flip(_ places: [Int]) {
        self = self.storage.copy(from: self.begin, to: self.end)
        self.storage.flip(places)
    }

    /// Shows the bytes.
    func withSpan<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        var result: Result?
        self.storage.withSpan { span in
            result = body(span.extracting(self.begin..<self.end))
        }
        guard let result else { preconditionFailure("a storage always shows its bytes") }
        return result
    }

    /// The bytes as the driver holds them.
    func bytes<Bytes: StreamBytes>(as type: Bytes.Type) -> Bytes {
        guard let stored = self.storage as? StoredBytes<Bytes> else {
            // What the engine has thought up itself.
            return Bytes(copying: self.array)
        }
        return stored.slice(from: self.begin, to: self.end)
    }

    /// A copy of the bytes.
    var array: [UInt8] {
        self.withSpan { span in
            var copy: [UInt8] = []
            copy.reserveCapacity(span.count)
            for index in span.indices { copy.append(span[index]) }
            return copy
        }
    }
}

/// Bytes of a kind that only the driver knows. They are changed only while one chunk alone refers
/// to them.
class ChunkStorage {
    var count: Int { preconditionFailure("only subclasses are made") }

    func withSpan(_ body: (Span<UInt8>) -> Void) {
        preconditionFailure("only subclasses are made")
    }

    func copy(from begin: Int, to end: Int) -> Chunk {
        preconditionFailure("only subclasses are made")
    }

    func append(_ other: ChunkStorage, from begin: Int, to end: Int) {
        preconditionFailure("only subclasses are made")
    }

    func flip(_ places: [Int]) { preconditionFailure("only subclasses are made") }
}

/// The bytes of one driver.
private final class StoredBytes<Bytes: StreamBytes>: ChunkStorage {
    private var bytes: Bytes

    init(_ bytes: Bytes) { self.bytes = bytes }

    override var count: Int { self.bytes.count }

    override func withSpan(_ body: (Span<UInt8>) -> Void) { self.bytes.withSpan(body) }

    func slice(from begin: Int, to end: Int) -> Bytes {
        if begin == 0 && end == self.bytes.count { return self.bytes }
        var rest = self.bytes
        if begin > 0 { _ = rest.removePrefix(begin) }
        return rest.removePrefix(end - begin)
    }

    override func copy(from begin: Int, to end: Int) -> Chunk {
        Chunk(StoredBytes(self.slice(from: begin, to: end)), end - begin)
    }

    override func append(_ other: ChunkStorage, from begin: Int, to end: Int) {
        guard let stored = other as? StoredBytes<Bytes> else {
            var copy: [UInt8] = []
            other.withSpan { span in
                for index in begin..<end { copy.append(span[index]) }
            }
            return self.bytes.append(Bytes(copying: copy))
        }
        self.bytes.append(stored.slice(from: begin, to: end))
    }

    override func flip(_ places: [Int]) {
        for place in places { self.bytes.flipBit(place % 8, at: place / 8) }
    }
}
