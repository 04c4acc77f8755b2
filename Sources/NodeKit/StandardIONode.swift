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
    private var reader = LineReader()
    private var limiter = ReportLimiter()
    private let input: Int32
    private let output: Int32
    private let log: (String) -> Void
    private let origin = ContinuousClock.now

    /// Prepares a node.
    ///
    /// - Parameters:
    ///   - seed: Fixes the node's randomness.
    ///   - input: The descriptor to read from.
    ///   - output: The descriptor to write to.
    ///   - log: Takes sentences for the operator.
    public init(
        _ node: any Node, seed: UInt64 = 0, input: Int32 = STDIN_FILENO,
        output: Int32 = STDOUT_FILENO, log: @escaping (String) -> Void = { _ in }
    ) {
        self.host = NodeHost(node, seed: seed)
        self.input = input
        self.output = output
        self.log = log
    }

    private var now: Duration { ContinuousClock.now - self.origin }

    /// Runs on the calling thread until the input ends or nobody reads the output.
    public mutating func run() {
        var bytes = [UInt8](repeating: 0, count: 65536)
        while true {
            guard self.waitForInput() else {
                if !self.carryOut(self.host.fireTimers(at: self.now)) { return }
                continue
            }
            let count = read(self.input, &bytes, bytes.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { break }
            for event in self.reader.read(bytes[..<count]) where !self.take(event) { return }
            if !self.carryOut(self.host.fireTimers(at: self.now)) { return }
        }
        if let event = self.reader.finish() { _ = self.take(event) }
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

    /// Handles what was read; `false` when nobody reads the output any more.
    private mutating func take(_ event: LineReader.Event) -> Bool {
        switch event {
        case .line(let line):
            do {
                return self.carryOut(self.host.receive(try Message(parsing: line), at: self.now))
            } catch {
                self.report("skipped a line of \(line.count) bytes: \(error)")
            }
        case .overlong(let count):
            let limit = self.reader.limit
            self.report("skipped a line of \(count) bytes: a message has at most \(limit) bytes")
        case .unfinished(let count):
            self.report("lost a line that ended after \(count) bytes")
        }
        return true
    }

    private mutating func carryOut(_ outputs: [NodeHost.Output]) -> Bool {
        var lines: [UInt8] = []
        for output in outputs {
            switch output {
            case .report(let sentence): self.report(sentence)
            case .send(let message):
                lines.append(contentsOf: message.line.utf8)
                lines.append(UInt8(ascii: "\n"))
            }
        }
        var rest = lines[...]
        while !rest.isEmpty {
            // The pointer is used during the call only.
            let count = rest.withUnsafeBytes { write(self.output, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count < 0 { return false }
            rest = rest.dropFirst(count)
        }
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
