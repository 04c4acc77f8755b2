import Glibc

/// How an exchange over one connection ended.
enum SoakEnd: Equatable {
    /// All bytes went there and back.
    case complete
    /// The network or the other side ended it before.
    case broken(String)
}

/// One connection for raw bytes, from its opener's side.
///
/// Whatever arrives is compared with what must come; a stream that breaks off is no violation by
/// itself, since resets, cuts and killed nodes break streams.
final class SoakExchange {
    /// Reasons of a broken end that others ask for.
    static let givenUp = "given up"
    static let nothing = "nothing happened"

    private let socket: Socket
    private let header: SoakHeader
    private let patience: Int
    private(set) var sent = 0
    private(set) var received = 0
    private var headerLeft: ArraySlice<UInt8>

    /// Connects.
    ///
    /// - Parameter patience: How many seconds nothing may happen.
    init(to endpoint: Endpoint, number: UInt64, length: Int, patience: Int) throws {
        self.socket = try Socket.connected(to: endpoint, patience: patience)
        self.header = SoakHeader(number: number, length: length)
        self.headerLeft = ArraySlice(self.header.bytes)
        self.patience = patience
    }

    /// Makes the kernel hold as little as it can for the receiver.
    func holdLittle() { self.socket.limitReceiveBuffer(to: 4096) }

    /// Resets the connection instead of ending it.
    func reset() { self.socket.resetWhenClosed() }

    /// Sends and receives until `limit` bytes went there and back.
    ///
    /// - Parameters:
    ///   - piece: At most so many bytes are sent or received at once.
    ///   - pause: Milliseconds to wait after each piece that arrived.
    func run(
        to limit: Int? = nil, piece: Int = PatternStream.pieceMax, pause: UInt32 = 0,
        room: Room, until isOver: () -> Bool = { false }
    ) throws -> SoakEnd {
        let limit = min(limit ?? self.header.length, self.header.length)
        var lastNews = MonotonicClock.now
        do {
            while self.received < limit {
                if isOver() { return .broken(Self.givenUp) }
                let mustSend = !self.headerLeft.isEmpty || self.sent < limit
                let ready = self.socket.wait(forOutput: mustSend, milliseconds: 200)
                if ready.output, try self.send(to: limit, piece) { lastNews = MonotonicClock.now }
                if ready.input {
                    guard let end = try self.receive(room, piece) else { continue }
                    if end { return .broken("the stream ended") }
                    lastNews = MonotonicClock.now
                    if pause > 0 { Pause.milliseconds(pause) }
                }
                if MonotonicClock.seconds(since: lastNews) > Double(self.patience) {
                    return .broken("\(Self.nothing) for \(self.patience) s")
                }
            }
        } catch let error as BenchError { return .broken(error.description) }
        return .complete
    }

    private func send(to limit: Int, _ piece: Int) throws -> Bool {
        if !self.headerLeft.isEmpty {
            let count = try self.headerLeft.withUnsafeBytes { try self.socket.sendNow($0) }
            self.headerLeft = self.headerLeft.dropFirst(count)
            return count > 0
        }
        let count = min(limit - self.sent, piece, PatternStream.pieceMax)
        let taken = try self.header.request.withBytes(at: self.sent, count: count) {
            try self.socket.sendNow($0)
        }
        self.sent += taken
        return taken > 0
    }

    /// Returns whether the stream ended; `nil` if nothing was there.
    private func receive(_ room: Room, _ piece: Int) throws -> Bool? {
        let space = room.prefix(min(piece, room.bytes.count))
        guard let count = try self.socket.receiveNow(space) else { return nil }
        if count == 0 { return true }
        let bytes = UnsafeRawBufferPointer(rebasing: space.prefix(count))
        let stream = "stream \(self.header.number): "
        if self.received + count > self.sent {
            throw SoakViolation(
                stream
                    + "\(self.sent) bytes were sent, and after \(self.received) another \(count) "
                    + "came back: \(SoakViolation.text(bytes))")
        }
        if !self.header.reply.matches(bytes, at: self.received) {
            throw SoakViolation(
                stream + "among the \(count) bytes that came back from \(self.received) on is one "
                    + "that does not belong there: \(SoakViolation.text(bytes))")
        }
        self.received += count
        return false
    }
}

/// One connection for lines, from its opener's side.
enum SoakLines {
    /// What came back of the lines that were sent.
    struct Outcome: Equatable {
        var sent = 0
        var returned = 0
        /// How many lines came more than once, or after a later one.
        var repeated = 0
        var overtaken = 0
        var end = SoakEnd.complete
    }

    /// Sends lines and takes what comes back, until all have or nothing came for `patience`
    /// milliseconds.
    static func run(
        to endpoint: Endpoint, number: UInt64, count: Int, length: Int, patience: Double,
        room: Room, until isOver: () -> Bool = { false }
    ) throws -> Outcome {
        var outcome = Outcome()
        do {
            let socket = try Socket.connected(to: endpoint, patience: 5)
            var unsent: [UInt8] = []
            var partial: [UInt8] = []
            var seen = Set<Int>()
            var latest = -1
            var lastNews = MonotonicClock.now
            while seen.count < count, !isOver() {
                if unsent.isEmpty, outcome.sent < count {
                    let line = SoakLine(number: number, count: outcome.sent)
                    unsent = Array(line.text(length: length).utf8)
                    outcome.sent += 1
                }
                let ready = socket.wait(forOutput: !unsent.isEmpty, milliseconds: 50)
                if ready.output {
                    let taken = try unsent.withUnsafeBytes { try socket.sendNow($0) }
                    unsent.removeFirst(taken)
                    if taken > 0 { lastNews = MonotonicClock.now }
                }
                if ready.input, let taken = try socket.receiveNow(room.bytes) {
                    if taken == 0 {
                        outcome.end = .broken("the stream ended")
                        break
                    }
                    partial += room.bytes.prefix(taken)
                    lastNews = MonotonicClock.now
                }
                var start = 0
                while let end = partial[start...].firstIndex(of: 0x0A) {
                    guard let line = SoakLine(partial[start..<end]), line.number == number,
                        line.count < outcome.sent
                    else {
                        let text = String(decoding: partial[start..<end].prefix(200), as: UTF8.self)
                        throw SoakViolation("a line came back that was not sent: '\(text)'")
                    }
                    outcome.returned += 1
                    if !seen.insert(line.count).inserted { outcome.repeated += 1 }
                    if line.count < latest { outcome.overtaken += 1 }
                    latest = max(latest, line.count)
                    start = end + 1
                }
                partial.removeFirst(start)
                if MonotonicClock.seconds(since: lastNews) > patience { break }
            }
        } catch let error as BenchError { outcome.end = .broken(error.description) }
        return outcome
    }
}
