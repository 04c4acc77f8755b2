import CLinux
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Reads what one node's process writes: two pipes in, lines out. Where a dialogue takes the first of
/// them, it reads the other one alone.
///
/// Lines of both streams come on one thread. While a line is being handled nothing is read, so a
/// node that writes faster than chaos can keep up is held back by its own pipe.
final class NodeOutput: Sendable {
    typealias LineHandler = @Sendable (NodeLine.Stream, String) -> Void

    /// The ends that the process gets.
    let output: Int32
    let error: Int32

    private struct State {
        var openStreams = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
        /// Whoever comes to wait after the limit has passed waits no more.
        var isOverdue = false
    }

    /// The end from which standard output is read.
    let readOutput: Int32
    private let readError: Int32
    private let state = Mutex(State())

    /// Makes the pipes.
    ///
    /// - Throws: `ProcessHostError` when there are no descriptors left.
    init() throws(ProcessHostError) {
        var output: [Int32] = [-1, -1]
        var error: [Int32] = [-1, -1]
        var code = chaos_pipe(&output)
        if code == 0 {
            code = chaos_pipe(&error)
            if code != 0 { for end in output { _ = systemClose(end) } }
        }
        guard code == 0 else {
            throw ProcessHostError(
                .limit, "a node needs two pipes for its output: \(ProgramSearch.text(code))",
                hint: "raise the limit of open files: ulimit -n")
        }
        self.output = output[1]
        self.error = error[1]
        self.readOutput = output[0]
        self.readError = error[0]
    }

    /// Gives up chaos's copies of the writing ends and begins to read. Call it once, after the
    /// process was started or could not be.
    ///
    /// - Parameter isTaken: Whether somebody else reads standard output, whose reading end is
    ///   ``readOutput``, and closes it.
    func start(isTaken: Bool = false, _ onLine: @escaping LineHandler) {
        _ = systemClose(self.output)
        _ = systemClose(self.error)
        let ownReaders = [PipeReader(descriptor: self.readError, stream: .error)]
        let readers =
            isTaken
            ? ownReaders
            : [PipeReader(descriptor: self.readOutput, stream: .output)] + ownReaders
        self.state.withLock { $0.openStreams = readers.count }
        for reader in readers { _ = fcntl(reader.descriptor, F_SETFL, O_NONBLOCK) }
        BlockingThread.start { self.read(readers, onLine) }
    }

    /// Reads until both streams have ended.
    private func read(_ readers: [PipeReader], _ onLine: LineHandler) {
        var open = readers
        while !open.isEmpty {
            var watched = open.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
            // Interrupted by a signal, or not: whoever has something says so by `revents`.
            _ = poll(&watched, nfds_t(watched.count), -1)
            var stillOpen: [PipeReader] = []
            for (reader, state) in zip(open, watched) {
                if state.revents == 0 || reader.drain({ onLine(reader.stream, $0) }) {
                    stillOpen.append(reader)
                } else {
                    _ = systemClose(reader.descriptor)
                    self.endStream()
                }
            }
            open = stillOpen
        }
    }

    private func endStream() {
        let waiting = self.state.withLock { state in
            state.openStreams -= 1
            guard state.openStreams == 0 else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Waits until both streams have ended and their last lines were handled. A process that
    /// handed its pipes to somebody else keeps them open, hence the limit.
    func waitForEnd(atMost limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.end() }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            self.giveUpWaiting()
            group.cancelAll()
        }
    }

    private func end() async {
        await withCheckedContinuation { continuation in
            let mustWait = self.state.withLock { state in
                let mustWait = state.openStreams > 0 && !state.isOverdue
                if mustWait { state.waiting.append(continuation) }
                return mustWait
            }
            if !mustWait { continuation.resume() }
        }
    }

    private func giveUpWaiting() {
        let waiting = self.state.withLock { state in
            defer { state.waiting = [] }
            state.isOverdue = true
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}

/// Reads one pipe; used on one thread only.
private final class PipeReader: Sendable {
    let descriptor: Int32
    let stream: NodeLine.Stream
    private let splitter = Mutex(LineSplitter())

    init(descriptor: Int32, stream: NodeLine.Stream) {
        self.descriptor = descriptor
        self.stream = stream
    }

    /// Reads all there is.
    ///
    /// - Returns: False at the end of the stream.
    func drain(_ onLine: (String) -> Void) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = systemRead(self.descriptor, &buffer, buffer.count)
            if count > 0 {
                let lines = self.splitter.withLock { $0.append(buffer[..<count]) }
                for line in lines { onLine(line) }
                continue
            }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN { return true }
            if let last = self.splitter.withLock({ $0.finish() }) { onLine(last) }
            return false
        }
    }
}

/// read(2) under a name that no method shadows.
func systemRead(_ file: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(file, bytes, count)
}
