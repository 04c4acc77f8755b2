/// Many open connections that did something once.
struct IdleConnections {
    /// How much each sends and gets back in a burst.
    static let burst = 64 << 10
    /// How many burst at the same time.
    static let wave = 50

    private let sockets: [Socket]

    /// Opens connections; each has exchanged one message, so the target is connected too.
    init(_ count: Int, to endpoint: Endpoint) throws {
        let room = Room(BenchMessage.size)
        self.sockets = try (0..<count).map { _ in
            let socket = try Socket.connected(to: endpoint)
            // Thousands of sockets in TIME_WAIT would burden what is measured next.
            socket.resetWhenClosed()
            BenchMessage.write(1, to: room.bytes)
            try socket.sendAll(UnsafeRawBufferPointer(room.bytes))
            try socket.receiveAll(room.bytes)
            return socket
        }
    }

    /// Sends a burst over each connection, and takes in what comes back.
    func exchangeBursts() throws {
        let out = Room(Self.burst)
        let into = Room(Self.burst)
        for offset in stride(from: 0, to: Self.burst, by: BenchMessage.size) {
            BenchMessage.write(
                1,
                to: UnsafeMutableRawBufferPointer(
                    rebasing: out.bytes[offset..<offset + BenchMessage.size]))
        }
        for first in stride(from: 0, to: self.sockets.count, by: Self.wave) {
            let wave = self.sockets[first..<min(first + Self.wave, self.sockets.count)]
            try Self.exchange(wave, UnsafeRawBufferPointer(out.bytes), into)
        }
    }

    private static func exchange(
        _ wave: ArraySlice<Socket>, _ bytes: UnsafeRawBufferPointer, _ into: Room
    ) throws {
        let epoll = try Epoll()
        for index in wave.indices {
            try epoll.add(wave[index], for: [.input, .output], token: index)
        }
        var unsent = [Int](repeating: bytes.count, count: wave.count)
        var missing = unsent
        var open = wave.count
        let stuckAt = MonotonicClock.after(Double(Socket.patience))
        while open > 0 {
            try epoll.wait(100) { token in
                let index = token - wave.startIndex
                let socket = wave[token]
                if unsent[index] > 0 {
                    let rest = UnsafeRawBufferPointer(rebasing: bytes.suffix(unsent[index]))
                    unsent[index] -= try socket.sendNow(rest)
                    if unsent[index] == 0 {
                        try epoll.change(socket, to: .input, token: token)
                    }
                }
                guard let count = try socket.receiveNow(into.bytes) else { return }
                if count == 0 { throw BenchError("burst: the stream ended too early") }
                missing[index] -= count
                if missing[index] == 0 { open -= 1 }
            }
            if MonotonicClock.now > stuckAt {
                throw BenchError("burst: not through within \(Socket.patience) s")
            }
        }
    }
}
