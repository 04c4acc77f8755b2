#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where a node keeps what it has to know after a crash, until its name is known and it is opened.
///
/// Shared by both runners. Without a folder, records are dropped, and each life gets a random
/// incarnation.
struct NodeFolder {
    private let path: String?
    private var storage: NodeStorage?

    init(_ path: String?) { self.path = path }

    /// Whether sending must wait for ``sync()``.
    var isDirty: Bool { self.storage?.isDirty ?? false }

    /// Finds out what the node brings from earlier lives; says so where its log had a torn tail.
    mutating func open(
        for id: String, log: (String) -> Void
    ) throws(NodeError) -> NodeLife {
        guard let path = self.path else {
            var random = SystemRandomNumberGenerator()
            // Below 2^48, so that numbers made from it stay exact in every reader of JSON.
            return NodeLife(incarnation: random.next() >> 16, date: Self.date)
        }
        let storage = try NodeStorage(in: path, id: id, date: Self.date)
        if storage.tornByteCount > 0 {
            log("cut \(storage.tornByteCount) bytes off the log that a crash had left unfinished")
        }
        self.storage = storage
        return storage.life
    }

    /// Sets the clock of the node's later lives forward, or back.
    ///
    /// - Throws: `NodeError` where the node has no folder to remember it in.
    mutating func jumpClock(by jump: Duration) throws(NodeError) {
        guard let storage = self.storage else {
            throw NodeError("a node without a folder has no clock of its own to set")
        }
        try storage.jumpClock(by: jump)
    }

    mutating func append(_ record: JSONValue) { self.storage?.append(record) }

    mutating func replaceLog(with records: [JSONValue]) throws(NodeError) {
        try self.storage?.replaceLog(with: records)
    }

    mutating func sync() throws(NodeError) { try self.storage?.sync() }

    private static var date: Duration {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }
}
