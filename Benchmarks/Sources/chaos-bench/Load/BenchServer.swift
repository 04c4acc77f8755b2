import Foundation

/// The server behind every target: one thread, one port per target.
///
/// A port per target keeps sockets that wait for late segments (TIME_WAIT) of one target out of the
/// way of the others.
struct BenchServer {
    let endpoints: [Endpoint]

    /// Starts to listen on `count` ports until the process ends.
    init(ports count: Int) throws {
        var listeners: [Socket] = []
        var endpoints: [Endpoint] = []
        for _ in 0..<count {
            let (socket, endpoint) = try Socket.listening()
            listeners.append(socket)
            endpoints.append(endpoint)
        }
        self.endpoints = endpoints
        let loop = try ServerLoop(listeners: listeners)
        // The thread is the loop's only user from here on.
        nonisolated(unsafe) let owned = loop
        let thread = Thread { owned.run() }
        thread.name = "bench-server"
        thread.start()
    }
}

/// One accepted connection.
private final class Peer {
    let socket: Socket
    var isBulk: Bool?
    /// How many bytes arrived on a bulk connection.
    var received: UInt64 = 0
    /// The start of a message whose rest has not arrived.
    var partial: [UInt8] = []
    /// Replies for which the kernel had no room; nothing is read until they are out.
    var unsent: ArraySlice<UInt8> = []

    init(_ socket: Socket) { self.socket = socket }
}

/// The loop of the server's thread.
private final class ServerLoop {
    private let listeners: [Socket]
    private let epoll: Epoll
    private var peers: [Int: Peer] = [:]
    private let room = Room(1 << 20)

    init(listeners: [Socket]) throws {
        self.listeners = listeners
        self.epoll = try Epoll()
        for (index, listener) in listeners.enumerated() {
            try self.epoll.add(listener, for: .input, token: Self.listenerToken(index))
        }
    }

    /// Above every descriptor, so that tokens of listeners and of peers differ.
    private static func listenerToken(_ index: Int) -> Int { (1 << 32) + index }

    func run() {
        while true {
            try? self.epoll.wait(-1) { token in
                if let peer = self.peers[token] {
                    do {
                        if try !self.serve(peer, token) { self.peers[token] = nil }
                    } catch {
                        // A peer that resets its connection ends only this one.
                        self.peers[token] = nil
                    }
                } else {
                    self.accept(token)
                }
            }
        }
    }

    private func accept(_ token: Int) {
        let index = token - Self.listenerToken(0)
        guard self.listeners.indices.contains(index),
            let socket = self.listeners[index].accepted()
        else { return }
        let peer = Peer(socket)
        self.peers[Int(socket.descriptor)] = peer
        try? self.epoll.add(socket, for: .input, token: Int(socket.descriptor))
    }

    /// Returns whether the connection goes on.
    private func serve(_ peer: Peer, _ token: Int) throws -> Bool {
        if !peer.unsent.isEmpty { return try self.sendRest(peer, token) }
        guard let count = try peer.socket.receiveNow(self.room.bytes) else { return true }
        if count == 0 {
            if peer.isBulk == true {
                try withUnsafeBytes(of: peer.received) { try peer.socket.sendAll($0) }
            }
            return false
        }
        if peer.isBulk == nil { peer.isBulk = self.room.bytes[0] == BenchMessage.bulk }
        if peer.isBulk == true {
            peer.received += UInt64(count)
        } else {
            try self.echo(peer, self.room.prefix(count), token)
        }
        return true
    }

    private func echo(_ peer: Peer, _ bytes: UnsafeMutableRawBufferPointer, _ token: Int) throws {
        if peer.partial.isEmpty && bytes.count % BenchMessage.size == 0 {
            return try self.reply(peer, bytes, token)
        }
        var whole = peer.partial + bytes
        let rest = whole.count % BenchMessage.size
        peer.partial = Array(whole.suffix(rest))
        whole.removeLast(rest)
        try whole.withUnsafeMutableBytes { try self.reply(peer, $0, token) }
    }

    private func reply(_ peer: Peer, _ bytes: UnsafeMutableRawBufferPointer, _ token: Int) throws {
        if bytes.isEmpty { return }
        let now = MonotonicClock.now
        for offset in stride(from: 0, to: bytes.count, by: BenchMessage.size) {
            BenchMessage.stamp(bytes, at: offset, now)
        }
        let sent = try peer.socket.sendNow(UnsafeRawBufferPointer(bytes))
        if sent < bytes.count {
            peer.unsent = ArraySlice(bytes.dropFirst(sent))
            try self.epoll.change(peer.socket, to: .output, token: token)
        }
    }

    private func sendRest(_ peer: Peer, _ token: Int) throws -> Bool {
        let sent = try peer.unsent.withUnsafeBytes { try peer.socket.sendNow($0) }
        peer.unsent.removeFirst(sent)
        if peer.unsent.isEmpty {
            try self.epoll.change(peer.socket, to: .input, token: token)
        }
        return true
    }
}
