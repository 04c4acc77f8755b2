#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A file that only grows: bytes wait in this process, then in the kernel, then they are on the disk.
///
/// What is inside is the node's business, a torn end too. It lies in a folder that belongs to one
/// process at a time.
final class AppendFile {
    /// How often the folder's node was started, this time included.
    let start: UInt64
    private let path: String
    private let folderDescriptor: Int32
    private let descriptor: Int32
    private var buffer: [UInt8] = []

    /// Opens `FOLDER/ID/appendonly`, making it where it is not there yet.
    ///
    /// - Throws: `NodeError` with ``NodeError/Code-swift.struct/cannotStore``.
    init(in folder: String, id: String) throws(NodeError) {
        let (path, folderDescriptor) = try NodeStorage.lockFolder(in: folder, id: id)
        self.path = path + "/appendonly"
        do throws(NodeError) {
            self.start = try NodeStorage.countStart(in: path, folderDescriptor)
        } catch {
            close(folderDescriptor)
            throw error
        }
        self.folderDescriptor = folderDescriptor
        self.descriptor = open(self.path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard self.descriptor >= 0, fsync(folderDescriptor) == 0 else {
            throw NodeStorage.error("cannot open", self.path)
        }
    }

    deinit {
        close(self.descriptor)
        close(self.folderDescriptor)
    }

    /// All bytes that are in the file.
    func read() throws(NodeError) -> [UInt8] { try NodeStorage.read(self.path) ?? [] }

    /// Adds bytes, which a crash of this process loses.
    func append(_ bytes: [UInt8]) { self.buffer.append(contentsOf: bytes) }

    /// Brings all bytes to the kernel, or to the disk.
    func store(_ durability: StreamEffect.Durability) throws(NodeError) {
        try NodeStorage.write(self.buffer, to: self.descriptor, of: self.path)
        self.buffer.removeAll(keepingCapacity: true)
        guard durability == .disk else { return }
        #if canImport(Glibc)
            let isDurable = fdatasync(self.descriptor) == 0
        #else
            let isDurable = fcntl(self.descriptor, F_FULLFSYNC) == 0
        #endif
        guard isDurable else { throw NodeStorage.error("cannot write to", self.path) }
    }

    /// Cuts the file off behind so many bytes.
    func truncate(to count: Int) throws(NodeError) {
        guard ftruncate(self.descriptor, off_t(count)) == 0 else {
            throw NodeStorage.error("cannot cut", self.path)
        }
    }
}
