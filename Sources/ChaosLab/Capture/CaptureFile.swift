import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file or pipe that a capture goes to. A thread of its own writes, so that nobody waits for a disk or for
/// who reads; what finds no room meanwhile is missing.
final class CaptureFile: Sendable {
    /// How much may wait to be written.
    private static let room = 64 << 20
    /// For how long a reader may stand still before it is given up at the end, in milliseconds.
    private static let patience: Int32 = 2000

    private struct State {
        var waiting: [UInt8] = []
        /// Whether nothing more comes.
        var isEnding = false
        /// Whether nothing more is written: all is, or it cannot be.
        var isOver = false
        var failure: Int32 = 0
        var isAwake = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let descriptor: Int32
    private let wake: (reading: Int32, writing: Int32)
    private let state = Mutex(State())

    /// Opens a new file, or a pipe that somebody reads (fifo(7)).
    ///
    /// - Throws: `LabError` when there is such a file already, or nobody reads.
    init(path: String) throws(LabError) {
        var facts = stat()
        let isPipe = stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFIFO
        let kind = isPipe ? O_NONBLOCK : O_CREAT | O_EXCL
        let descriptor = open(path, O_WRONLY | O_CLOEXEC | kind, 0o644)
        if descriptor < 0 {
            throw LabError(
                "the capture cannot be written to \(path): "
                    + String(cString: strerror(errno)).lowercased())
        }
        var ends: [Int32] = [0, 0]
        if pipe(&ends) < 0 {
            let code = errno
            close(descriptor)
            throw LabError("the capture cannot be written: \(String(cString: strerror(code)))")
        }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        self.descriptor = descriptor
        self.wake = (ends[0], ends[1])
    }

    deinit { for end in [self.descriptor, self.wake.reading, self.wake.writing] { close(end) } }

    /// Begins to write; `whenOver` is called once, on the writing thread, when nobody reads any more or
    /// nothing can be written.
    func start(whenOver: @escaping @Sendable () -> Void) {
        let thread = Thread { self.run(whenOver) }
        thread.name = "chaos-capture"
        thread.start()
    }

    /// Adds bytes; false when there is no room for them.
    func append(_ bytes: [UInt8]) -> Bool {
        let (hasRoom, mustWake) = self.state.withLock { state in
            if state.isOver || state.isEnding || state.waiting.count + bytes.count > Self.room {
                return (false, false)
            }
            state.waiting += bytes
            defer { state.isAwake = true }
            return (true, !state.isAwake)
        }
        if mustWake { self.wakeUp() }
        return hasRoom
    }

    /// Writes what is left, and returns why not all could be written, if not.
    func finish() async -> String? {
        await withCheckedContinuation { continuation in
            let isOver = self.state.withLock { state in
                state.isEnding = true
                if !state.isOver { state.waiter = continuation }
                return state.isOver
            }
            if isOver { continuation.resume() } else { self.wakeUp() }
        }
        let failure = self.state.withLock { $0.failure }
        return failure == 0 ? nil : String(cString: strerror(failure)).lowercased()
    }

    private func wakeUp() {
        var byte: UInt8 = 1
        _ = systemWrite(self.wake.writing, &byte, 1)
    }

    // MARK: - The thread

    private func run(_ whenOver: @Sendable () -> Void) {
        // A reader that has gone is an error of write(2), not the end of the process.
        var pipes = sigset_t()
        sigemptyset(&pipes)
        sigaddset(&pipes, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &pipes, nil)
        var rest: ArraySlice<UInt8> = []
        while true {
            if rest.isEmpty {
                let (more, isEnding) = self.state.withLock { state in
                    defer { (state.waiting, state.isAwake) = ([], false) }
                    return (state.waiting, state.isEnding)
                }
                rest = more[...]
                if rest.isEmpty && isEnding { return self.leave(0) }
            }
            let failure = rest.isEmpty ? 0 : self.write(&rest)
            if failure != 0 {
                self.leave(failure)
                return whenOver()
            }
            let isEnding = self.state.withLock { $0.isEnding }
            if !rest.isEmpty || !isEnding, let failure = self.sleep(!rest.isEmpty, isEnding) {
                self.leave(failure)
                return whenOver()
            }
        }
    }

    /// Writes what can be written now; the errno when nothing ever can.
    private func write(_ rest: inout ArraySlice<UInt8>) -> Int32 {
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                systemWrite(self.descriptor, $0.baseAddress, $0.count)
            }
            if count < 0 {
                if errno == EINTR { continue }
                return errno == EAGAIN ? 0 : errno
            }
            rest = rest.dropFirst(count)
        }
        return 0
    }

    /// Waits until there is room or something to do; the errno when nobody reads any more.
    private func sleep(_ isFull: Bool, _ isEnding: Bool) -> Int32? {
        var places = [
            pollfd(fd: self.descriptor, events: isFull ? Int16(POLLOUT) : 0, revents: 0),
            pollfd(fd: self.wake.reading, events: Int16(POLLIN), revents: 0),
        ]
        let count = poll(&places, 2, isEnding ? Self.patience : -1)
        if count == 0 { return ETIMEDOUT }
        if places[0].revents & Int16(POLLERR) != 0 { return EPIPE }
        var bytes: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0]
        while read(self.wake.reading, &bytes, bytes.count) > 0 {}
        return nil
    }

    private func leave(_ failure: Int32) {
        let waiter = self.state.withLock { state in
            state.isOver = true
            state.failure = failure
            state.waiting = []
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}

/// write(2) under a name that no method shadows.
private func systemWrite(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(file, bytes, count)
}
