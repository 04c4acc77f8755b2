#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A node that runs under Maelstrom: one JSON message a line on standard input and output.
///
/// The first message is `init`, which names the node and its peers; all messages, whoever they are
/// for, leave on standard output.
public struct StandardIONode {
    private var host: NodeHost
    private var reader: LineReader
    private var limiter = ReportLimiter()
    private let input: Int32
    private let output: Int32
    private let log: (String) -> Void
    private var folder: NodeFolder
    /// What goes out once the log's latest records are durable.
    private var unwritten: [UInt8] = []
    private let origin = ContinuousClock.now

    /// Prepares a node.
    ///
    /// - Parameters:
    ///   - seed: Fixes the node's randomness.
    ///   - input: The descriptor to read from.
    ///   - output: The descriptor to write to.
    ///   - timeScale: How long a second of the node's takes (``NodeHost/init(_:seed:timeScale:)``).
    ///   - folder: Where the node's folder is, or is made; without one it forgets when it dies.
    ///   - log: Takes sentences for the operator.
    public init(
        _ node: any Node, seed: UInt64 = 0, timeScale: Double = 1, input: Int32 = STDIN_FILENO,
        output: Int32 = STDOUT_FILENO, folder: String? = nil,
        log: @escaping (String) -> Void = { _ in }
    ) {
        self.host = NodeHost(node, seed: seed, timeScale: timeScale)
        self.reader = LineReader(for: node)
        self.input = input
        self.output = output
        self.folder = NodeFolder(folder)
        self.log = log
    }

    private var now: Duration { ContinuousClock.now - self.origin }

    /// Runs on the calling thread until the input ends or nobody reads the output.
    ///
    /// - Throws: `NodeError` when the node's folder cannot be had, read or written.
    public mutating func run() throws(NodeError) {
        var bytes = [UInt8](repeating: 0, count: 65536)
        while true {
            guard self.waitForInput() else {
                try self.carryOut(self.host.fireTimers(at: self.now))
                if try !self.flush() { return }
                continue
            }
            let count = read(self.input, &bytes, bytes.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { break }
            for event in self.reader.read(bytes[..<count]) { try self.take(event) }
            try self.carryOut(self.host.fireTimers(at: self.now))
            if try !self.flush() { return }
        }
        if let event = self.reader.finish() { try self.take(event) }
    }

    /// Waits for input or the next timer; `false` when the timer came first.
    private func waitForInput() -> Bool {
        var timeout: Int32 = -1
        if let deadline = self.host.deadline {
            let wait = max(.zero, deadline - self.now)
            // Rounded up, so that the timer is due when the wait is over.
            timeout = Int32(clamping: (wait.wholeNanoseconds + 999_999) / 1_000_000)
        }
        var descriptor = pollfd(fd: self.input, events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, timeout) > 0
    }

    private mutating func take(_ event: LineReader.Event) throws(NodeError) {
        switch event {
        case .line(let line):
            let message: Message
            do {
                message = try Message(parsing: line)
            } catch {
                return self.report("skipped a line of \(line.count) bytes: \(error)")
            }
            try self.take(message)
        case .overlong(let count):
            let limit = self.reader.limit
            self.report("skipped a line of \(count) bytes: a message has at most \(limit) bytes")
        case .unfinished(let count):
            self.report("lost a line that ended after \(count) bytes")
        }
    }

    private mutating func take(_ message: Message) throws(NodeError) {
        // Only the first message tells whose folder it is.
        if self.host.membership == nil, message.type == "init",
            let id = message["node_id"]?.stringValue
        {
            self.host.life = try self.folder.open(for: id, log: self.log)
        }
        try self.carryOut(self.host.receive(message, at: self.now))
    }

    private mutating func carryOut(_ outputs: [NodeHost.Output]) throws(NodeError) {
        for output in outputs {
            switch output {
            case .report(let sentence): self.report(sentence)
            case .send(let message):
                self.unwritten.append(contentsOf: message.line.utf8)
                self.unwritten.append(UInt8(ascii: "\n"))
            case .append(let record): self.folder.append(record)
            case .replaceLog(let records): try self.folder.replaceLog(with: records)
            case .crash(let reason):
                _ = try self.flush()
                throw NodeError(reason, code: .crashed)
            }
        }
    }

    /// Makes the log durable and then writes what was sent; `false` when nobody reads it any more.
    private mutating func flush() throws(NodeError) -> Bool {
        try self.folder.sync()
        var rest = self.unwritten[...]
        while !rest.isEmpty {
            // The pointer is used during the call only.
            let count = rest.withUnsafeBytes { write(self.output, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count < 0 { return false }
            rest = rest.dropFirst(count)
        }
        self.unwritten.removeAll(keepingCapacity: true)
        return true
    }

    private mutating func report(_ sentence: String) {
        switch self.limiter.decide(at: self.now) {
        case .pass: self.log(sentence)
        case .last: self.log("\(sentence) (further reports of this second are left out)")
        case .omit: break
        }
    }
}
