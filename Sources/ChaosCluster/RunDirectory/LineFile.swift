import ChaosCore
import Dispatch
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file to which every thread may add lines.
///
/// Lines are written together, at the latest 100 ms after they were added, in the order in which
/// they were added, so that a killed chaos loses no more than the last 100 ms. Nobody waits for
/// the disk, unless 16 MiB have piled up: then who adds lines writes them.
package final class LineFile: Sendable {
    private static let flushBytes = 64 * 1024
    private static let bytesMax = 16 * 1024 * 1024
    private static let flushInterval = DispatchTimeInterval.milliseconds(100)

    private struct State {
        var buffer: [UInt8] = []
        var isFlushPending = false
        var isClosed = false
        var failure: Int32?
    }

    package let path: String

    private let descriptor: Int32
    private let state = Mutex(State())
    private let queue: DispatchQueue

    /// Opens a file for appending and makes it if there is none.
    ///
    /// - Throws: `InputError` that names the path when the system refuses.
    package init(path: String) throws(InputError) {
        self.path = path
        self.descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard self.descriptor >= 0 else {
            throw InputError(
                "a file of the run must be writable: \(ProgramSearch.text(errno))", found: path)
        }
        self.queue = DispatchQueue(label: "chaos.lines")
    }

    deinit {
        self.writeOut()
        _ = systemClose(self.descriptor)
    }

    /// Adds a line; the line end is added here. After `close` it does nothing.
    package func append(_ line: String) {
        let (overfull, schedule): (Bool, DispatchTime?) = self.state.withLock { state in
            guard !state.isClosed else { return (false, nil) }
            let before = state.buffer.count
            state.buffer += line.utf8
            state.buffer.append(UInt8(ascii: "\n"))
            if state.buffer.count > Self.bytesMax { return (true, nil) }
            if before < Self.flushBytes, state.buffer.count >= Self.flushBytes {
                return (false, .now())
            }
            if state.isFlushPending { return (false, nil) }
            state.isFlushPending = true
            return (false, .now() + Self.flushInterval)
        }
        if overfull { return self.queue.sync { self.writeOut() } }
        guard let schedule else { return }
        self.queue.asyncAfter(deadline: schedule) { self.writeOut() }
    }

    /// Adds a JSON document on a line of its own.
    package func append(_ value: JSONValue) { self.append(value.text) }

    /// Writes what was added so far. Blocks until the system has it.
    ///
    /// - Throws: `InputError` when any write has failed; lines are missing then.
    package func flush() throws(InputError) {
        let failure: Int32? = self.queue.sync {
            self.writeOut()
            return self.state.withLock { $0.failure }
        }
        if let failure {
            throw InputError(
                "a file of the run must take every line: \(ProgramSearch.text(failure))",
                found: self.path)
        }
    }

    /// Writes what was added and takes no more.
    ///
    /// - Throws: As `flush`.
    package func close() throws(InputError) {
        self.state.withLock { $0.isClosed = true }
        try self.flush()
    }

    /// Runs on the queue, or when nobody else has this file any more.
    private func writeOut() {
        let bytes = self.state.withLock { state in
            state.isFlushPending = false
            defer { state.buffer = [] }
            return state.buffer
        }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(self.descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count < 0 {
                let code = errno
                self.state.withLock { state in if state.failure == nil { state.failure = code } }
                return
            }
            rest = rest.dropFirst(count)
        }
    }
}

/// close(2) under a name that no method shadows.
func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
