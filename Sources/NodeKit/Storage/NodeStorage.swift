#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A node's folder: its log, and how often it was started.
///
/// `log` has the records (``LogCodec``). `starts` has a number that is raised, and durable, before
/// the node lives. Both are replaced by way of a new file and a rename, so that a crash at any moment
/// leaves the old one or the new one. A folder belongs to one process at a time.
public final class NodeStorage {
    /// What the node brings from earlier lives.
    public let life: NodeLife
    /// How many bytes of a torn tail were cut off.
    public let tornByteCount: Int
    /// Whether something was appended that is not durable yet.
    public private(set) var isDirty = false

    /// By how many milliseconds the node's clock is wrong; kept in `clock`.
    private var clockOffset: Int64
    private let folder: String
    private let folderDescriptor: Int32
    private var log: Int32 = -1
    private var buffer: [UInt8] = []

    /// Opens the folder of a node, making it where it is not there yet.
    ///
    /// - Parameters:
    ///   - folder: The folder that holds those of all nodes.
    ///   - id: The node's name, and that of its folder.
    ///   - date: What the machine's clock shows.
    /// - Throws: `NodeError` with ``NodeError/Code-swift.struct/cannotStore``.
    public init(in folder: String, id: String, date: Duration = .zero) throws(NodeError) {
        (self.folder, self.folderDescriptor) = try Self.lockFolder(in: folder, id: id)
        let start = try Self.countStart(in: self.folder, self.folderDescriptor)
        let bytes = try Self.read("\(self.folder)/log") ?? []
        let (records, byteCount) = LogCodec.records(in: bytes)
        self.tornByteCount = bytes.count - byteCount
        let clock = try Self.read("\(self.folder)/clock") ?? []
        self.clockOffset = Int64(String(decoding: clock, as: UTF8.self)) ?? 0
        self.life = NodeLife(
            start: start, records: records, date: date + .milliseconds(self.clockOffset))
        try self.openLog(keeping: byteCount)
    }

    deinit {
        close(self.log)
        close(self.folderDescriptor)
    }

    /// Adds a record, which is durable after ``sync()``.
    public func append(_ record: JSONValue) {
        self.buffer.append(contentsOf: LogCodec.line(of: record).utf8)
        self.isDirty = true
    }

    /// Lets the clock that later lives see be wrong by so much more.
    public func jumpClock(by jump: Duration) throws(NodeError) {
        self.clockOffset += jump.wholeNanoseconds / 1_000_000
        try Self.replaceFile(
            "clock", in: self.folder, self.folderDescriptor,
            with: Array(String(self.clockOffset).utf8))
    }

    /// Makes durable what was appended.
    public func sync() throws(NodeError) {
        if !self.isDirty { return }
        try Self.write(self.buffer, to: self.log, of: "\(self.folder)/log")
        self.buffer.removeAll(keepingCapacity: true)
        #if canImport(Glibc)
            let isDurable = fdatasync(self.log) == 0
        #else
            let isDurable = fsync(self.log) == 0
        #endif
        if !isDurable { throw Self.error("cannot write to", "\(self.folder)/log") }
        self.isDirty = false
    }

    /// Puts records in the place of all others, durably.
    public func replaceLog(with records: [JSONValue]) throws(NodeError) {
        try self.replaceLog(with: records) { _ throws(NodeError) in }
    }

    func replaceLog(
        with records: [JSONValue], after step: (ReplacementStep) throws(NodeError) -> Void
    ) throws(NodeError) {
        var bytes: [UInt8] = []
        for record in records { bytes.append(contentsOf: LogCodec.line(of: record).utf8) }
        try Self.replaceFile(
            "log", in: self.folder, self.folderDescriptor, with: bytes, after: step)
        self.buffer.removeAll(keepingCapacity: true)
        self.isDirty = false
        try self.openLog(keeping: bytes.count)
    }

    /// Makes a node's folder where it is not there yet, and takes it for this process until the
    /// descriptor is closed.
    static func lockFolder(
        in folder: String, id: String
    ) throws(NodeError) -> (path: String, descriptor: Int32) {
        guard !id.isEmpty, id != ".", id != "..", !id.contains("/"), !id.contains("\0") else {
            throw NodeError(
                "a node's folder has its name, found '\(id)'", code: .cannotStore,
                hint: "a name without '/'")
        }
        let path = "\(folder)/\(id)"
        for path in [folder, path] where mkdir(path, 0o755) != 0 && errno != EEXIST {
            throw Self.error("cannot make the folder", path)
        }
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.error("cannot open the folder", path) }
        // The kernel gives the lock back when the process dies, however it dies.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw NodeError(
                "the folder '\(path)' belongs to another process that runs",
                code: .cannotStore, hint: "give each cluster a folder of its own with --data")
        }
        return (path, descriptor)
    }

    private func openLog(keeping byteCount: Int) throws(NodeError) {
        if self.log >= 0 { close(self.log) }
        let path = "\(self.folder)/log"
        self.log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard self.log >= 0, ftruncate(self.log, off_t(byteCount)) == 0 else {
            throw Self.error("cannot open", path)
        }
        guard fsync(self.folderDescriptor) == 0 else { throw Self.error("cannot write to", path) }
    }

    /// Raises the number of a folder's starts, durably: how often a node began to live on it, this time included.
    static func countStart(
        in folder: String, _ folderDescriptor: Int32
    ) throws(NodeError) -> UInt64 {
        let starts = try Self.read("\(folder)/starts") ?? []
        let start = (UInt64(String(decoding: starts.prefix { $0 != 10 }, as: UTF8.self)) ?? 0) + 1
        try Self.replaceFile(
            "starts", in: folder, folderDescriptor, with: Array("\(start)\n".utf8))
        return start
    }

    /// What replacing a file has come to. A crash after any of these leaves the old file or the new one.
    enum ReplacementStep: CaseIterable {
        /// There is an empty file beside the old one.
        case opened
        /// It has all bytes, which may be in the kernel alone.
        case written
        /// They are on the disk.
        case synced
        /// It has the old one's name, which may be in the kernel alone.
        case renamed
    }

    /// Puts a file in the place of another one: a new one beside it, a rename, and the folder brought to the disk.
    private static func replaceFile(
        _ name: String, in folder: String, _ folderDescriptor: Int32, with bytes: [UInt8],
        after step: (ReplacementStep) throws(NodeError) -> Void = { _ throws(NodeError) in }
    ) throws(NodeError) {
        let path = "\(folder)/\(name)"
        let newPath = path + ".new"
        let descriptor = open(newPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Self.error("cannot open", newPath) }
        defer { close(descriptor) }
        try step(.opened)
        try Self.write(bytes, to: descriptor, of: newPath)
        try step(.written)
        guard fsync(descriptor) == 0 else { throw Self.error("cannot write to", newPath) }
        try step(.synced)
        guard rename(newPath, path) == 0 else { throw Self.error("cannot replace", path) }
        try step(.renamed)
        guard fsync(folderDescriptor) == 0 else { throw Self.error("cannot write to", folder) }
    }

    /// Writes all bytes, however many calls it takes.
    static func write(
        _ bytes: [UInt8], to descriptor: Int32, of path: String
    ) throws(NodeError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            // The pointer is used during the call only.
            let count = rest.withUnsafeBytes { buffer in
                #if canImport(Glibc)
                    Glibc.write(descriptor, buffer.baseAddress, buffer.count)
                #else
                    Darwin.write(descriptor, buffer.baseAddress, buffer.count)
                #endif
            }
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw Self.error("cannot write to", path) }
            rest = rest.dropFirst(count)
        }
    }

    /// The bytes of a file; `nil` where there is none.
    static func read(_ path: String) throws(NodeError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0, errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw Self.error("cannot open", path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 65536)
        while true {
            #if canImport(Glibc)
                let count = Glibc.read(descriptor, &block, block.count)
            #else
                let count = Darwin.read(descriptor, &block, block.count)
            #endif
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw Self.error("cannot read", path) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: block[..<count])
        }
    }

    static func error(_ rule: String, _ path: String) -> NodeError {
        let reason = String(cString: strerror(errno)).lowercased()
        return NodeError("\(rule) '\(path)': \(reason)", code: .cannotStore)
    }
}
