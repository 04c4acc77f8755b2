import CLinux
import ChaosCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A named pipe into which any program may write lines: `echo … >> PATH` is enough.
///
/// The order of lines is the order in which they were written. What several programs write at once
/// stays apart as long as each line is written at once and has at most `PIPE_BUF` bytes (4096 on
/// Linux, pipe(7)); longer ones need one writer at a time.
package final class LinePipe: Sendable {
    /// How many bytes a line may have: the read of a large set is one line.
    private static let bytesMax = 16 * 1024 * 1024

    package let path: String
    private let descriptor: Int32
    /// A byte in here asks the reader to finish.
    private let stop: (read: Int32, write: Int32)
    private let end = Mutex<(isOver: Bool, waiting: [CheckedContinuation<Void, Never>])>(
        (false, []))

    /// Makes the pipe and begins to read it.
    ///
    /// - Parameter onLine: Gets each line, on one thread, in order.
    /// - Throws: `InputError` that names the path when the system refuses.
    package init(path: String, onLine: @escaping @Sendable (String) -> Void) throws(InputError) {
        self.path = path
        guard mkfifo(path, 0o600) == 0 else { throw Self.failure(path, errno) }
        // Reading and writing at once, so that it never ends and that no writer waits for a reader.
        let descriptor = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure(path, errno) }
        var ends: [Int32] = [-1, -1]
        let code = chaos_pipe(&ends)
        guard code == 0 else {
            _ = systemClose(descriptor)
            throw Self.failure(path, code)
        }
        self.descriptor = descriptor
        self.stop = (ends[0], ends[1])
        BlockingThread.start { self.read(onLine) }
    }

    private static func failure(_ path: String, _ code: Int32) -> InputError {
        InputError("a named pipe must be possible: \(ProgramSearch.text(code))", found: path)
    }

    /// Waits until everything that was written so far is read, and reads no more. Call it once.
    package func finish() async {
        _ = write(self.stop.write, "x", 1)
        await withCheckedContinuation { continuation in
            let isOver = self.end.withLock { end in
                if !end.isOver { end.waiting.append(continuation) }
                return end.isOver
            }
            if isOver { continuation.resume() }
        }
        _ = unlink(self.path)
    }

    private func read(_ onLine: (String) -> Void) {
        var splitter = LineSplitter(limit: Self.bytesMax)
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        var isStopping = false
        while true {
            let count = systemRead(self.descriptor, &buffer, buffer.count)
            if count > 0 {
                for line in splitter.append(buffer[..<count]) { onLine(line) }
                continue
            }
            if count < 0, errno == EINTR { continue }
            // Nothing is there now.
            if isStopping { break }
            var watched = [self.descriptor, self.stop.read].map {
                pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
            }
            _ = poll(&watched, nfds_t(watched.count), -1)
            isStopping = watched[1].revents != 0
        }
        if let last = splitter.finish() { onLine(last) }
        for end in [self.descriptor, self.stop.read, self.stop.write] { _ = systemClose(end) }
        let waiting = self.end.withLock { end in
            end.isOver = true
            defer { end.waiting = [] }
            return end.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
