import Foundation
import Synchronization

/// The server behind the soak's links: checks every byte it gets and answers each.
///
/// One thread. What does not fit is told once per connection, and the connection closed.
final class SoakServer: Sendable {
    let raw: Endpoint
    let lines: Endpoint
    /// Bytes that arrived, on all connections.
    let received = Atomic<Int>(0)
    /// Connections that were accepted.
    let accepted = Atomic<Int>(0)

    /// Listens on two addresses, or on ports of the kernel's choice, until the process ends.
    init(
        raw: Endpoint? = nil, lines: Endpoint? = nil,
        violation: @escaping @Sendable (String) -> Void
    ) throws {
        let rawSocket = try Socket.listening(at: raw ?? Endpoint(port: 0))
        let lineSocket = try Socket.listening(at: lines ?? Endpoint(port: 0))
        self.raw = rawSocket.endpoint
        self.lines = lineSocket.endpoint
        let loop = try SoakServerLoop(
            rawSocket.socket, lineSocket.socket, server: self, violation: violation)
        // The thread is the loop's only user from here on.
        nonisolated(unsafe) let owned = loop
        let thread = Thread { owned.run() }
        thread.name = "soak-server"
        thread.start()
    }
}

/// One accepted connection.
private final class SoakPeer {
    let socket: Socket
    let isLines: Bool
    /// The header, or the line, whose rest has not arrived.
    var partial: [UInt8] = []
    var header: SoakHeader?
    /// How many bytes of the pattern arrived, and how many were answered.
    var received = 0
    var answered = 0
    /// Lines to send back for which the kernel had no room.
    var unsent: [UInt8] = []
    var isEnded = false
    var watchesOutput = false

    init(_ socket: Socket, isLines: Bool) {
        self.socket = socket
        self.isLines = isLines
    }

    /// Whether something waits to be sent.
    var hasUnsent: Bool { self.isLines ? !self.unsent.isEmpty : self.answered < self.received }
}

private final class SoakServerLoop {
    private static let rawToken = 1 << 32
    private static let linesToken = (1 << 32) + 1
    /// As much as a peer may have unanswered; then nothing is read from it.
    private static let unansweredMax = 1 << 20

    private let raw: Socket
    private let lines: Socket
    private let server: SoakServer
    private let violation: @Sendable (String) -> Void
    private let epoll: Epoll
    private var peers: [Int: SoakPeer] = [:]
    private let room = Room(128 << 10)

    init(
        _ raw: Socket, _ lines: Socket, server: SoakServer,
        violation: @escaping @Sendable (String) -> Void
    ) throws {
        self.raw = raw
        self.lines = lines
        self.server = server
        self.violation = violation
        self.epoll = try Epoll()
        try self.epoll.add(raw, for: .input, token: Self.rawToken)
        try self.epoll.add(lines, for: .input, token: Self.linesToken)
    }

    func run() {
        while true {
            try? self.epoll.wait(-1) { token in
                switch token {
                case Self.rawToken: self.accept(self.raw, isLines: false)
                case Self.linesToken: self.accept(self.lines, isLines: true)
                default: self.serve(token)
                }
            }
        }
    }

    private func accept(_ listener: Socket, isLines: Bool) {
        guard let socket = listener.accepted() else { return }
        self.server.accepted.add(1, ordering: .relaxed)
        let token = Int(socket.descriptor)
        try? self.epoll.add(socket, for: .input, token: token)
        self.peers[token] = SoakPeer(socket, isLines: isLines)
    }

    private func serve(_ token: Int) {
        guard let peer = self.peers[token] else { return }
        do {
            try self.receive(peer)
            try self.send(peer)
            let isDone =
                !peer.hasUnsent
                && (peer.isEnded || peer.header.map { peer.answered == $0.length } ?? false)
            if isDone { self.peers[token] = nil } else { try self.watch(peer, token) }
        } catch let problem as SoakViolation {
            self.violation(problem.description)
            self.peers[token] = nil
        } catch {
            // A peer that resets its connection ends only this one.
            self.peers[token] = nil
        }
    }

    /// Reads are watched for unless the peer has ended or takes no answers.
    private func watch(_ peer: SoakPeer, _ token: Int) throws {
        let unanswered = peer.isLines ? peer.unsent.count : peer.received - peer.answered
        var interest: Epoll.Interest = []
        if !peer.isEnded && unanswered < Self.unansweredMax { interest.insert(.input) }
        if peer.hasUnsent { interest.insert(.output) }
        try self.epoll.change(peer.socket, to: interest, token: token)
    }

    // MARK: - What arrives

    private func receive(_ peer: SoakPeer) throws {
        if peer.isEnded { return }
        guard let count = try peer.socket.receiveNow(self.room.bytes) else { return }
        if count == 0 {
            peer.isEnded = true
            return
        }
        self.server.received.add(count, ordering: .relaxed)
        let bytes = UnsafeRawBufferPointer(self.room.prefix(count))
        if peer.isLines { try self.takeLines(bytes, peer) } else { try self.takeRaw(bytes, peer) }
    }

    private func takeRaw(_ bytes: UnsafeRawBufferPointer, _ peer: SoakPeer) throws {
        var bytes = bytes
        if peer.header == nil {
            let missing = min(SoakHeader.size - peer.partial.count, bytes.count)
            peer.partial += bytes.prefix(missing)
            bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(missing))
            if peer.partial.count < SoakHeader.size { return }
            guard let header = SoakHeader(peer.partial) else {
                throw SoakViolation("a header arrived that nobody sent: \(peer.partial)")
            }
            peer.header = header
        }
        guard let header = peer.header else { return }
        if peer.received + bytes.count > header.length {
            throw SoakViolation("more arrived than the \(header.length) bytes that were announced")
        }
        if !header.request.matches(bytes, at: peer.received) {
            throw SoakViolation(
                "stream \(header.number): among the \(bytes.count) bytes from \(peer.received) on is "
                    + "one that was not sent: \(SoakViolation.text(bytes))")
        }
        peer.received += bytes.count
    }

    private func takeLines(_ bytes: UnsafeRawBufferPointer, _ peer: SoakPeer) throws {
        peer.partial += bytes
        var start = 0
        while let end = peer.partial[start...].firstIndex(of: 0x0A) {
            guard SoakLine(peer.partial[start..<end]) != nil else {
                let text = String(decoding: peer.partial[start..<end].prefix(200), as: UTF8.self)
                throw SoakViolation("a line arrived that nobody sent: '\(text)'")
            }
            peer.unsent += peer.partial[start...end]
            start = end + 1
        }
        peer.partial.removeFirst(start)
    }

    // MARK: - What is answered

    private func send(_ peer: SoakPeer) throws {
        if peer.isLines {
            if peer.unsent.isEmpty { return }
            let sent = try peer.unsent.withUnsafeBytes { try peer.socket.sendNow($0) }
            peer.unsent.removeFirst(sent)
            return
        }
        guard let header = peer.header else { return }
        while peer.answered < peer.received {
            let count = min(peer.received - peer.answered, PatternStream.pieceMax)
            let sent = try header.reply.withBytes(at: peer.answered, count: count) {
                try peer.socket.sendNow($0)
            }
            peer.answered += sent
            if sent < count { return }
        }
    }
}

/// Something that no fault explains.
struct SoakViolation: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// The first bytes of what should not be there: whose they are often shows at a glance.
    static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        let shown = 96
        let text = String(decoding: bytes.prefix(shown), as: UTF8.self).debugDescription
        return bytes.count > shown ? text + " …" : text
    }
}
