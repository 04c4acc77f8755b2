/// Sends as much as goes through, and believes the receiver only.
struct BulkLoad {
    /// How much is handed to the kernel at once.
    static let chunk = 256 << 10

    let bytes: UInt64
    let seconds: Double

    var gigabitsPerSecond: Double { Double(self.bytes) * 8 / self.seconds / 1e9 }

    /// Sends on `streams` connections for `seconds`, then waits until the server has counted all.
    ///
    /// The time runs until the last count is back, so what still was in queues costs time too.
    static func run(to endpoint: Endpoint, streams: Int, seconds: Double) throws -> BulkLoad {
        let sockets = try (0..<streams).map { _ in try Socket.connected(to: endpoint) }
        let epoll = try Epoll()
        for (index, socket) in sockets.enumerated() {
            try epoll.add(socket, for: .output, token: index)
        }
        let room = Room(Self.chunk)
        room.bytes[0] = BenchMessage.bulk
        let bytes = UnsafeRawBufferPointer(room.bytes)
        var sent = [UInt64](repeating: 0, count: streams)
        let start = MonotonicClock.now
        let end = MonotonicClock.after(seconds)
        var stuckAt = MonotonicClock.after(Double(Socket.patience))
        while MonotonicClock.now < end {
            try epoll.wait(100) { index in
                // The first byte of a connection tells its kind; later ones mean nothing.
                sent[index] += UInt64(try sockets[index].sendNow(bytes))
                stuckAt = end + UInt64(Socket.patience) * 1_000_000_000
            }
            if MonotonicClock.now > stuckAt { throw BenchError("bulk: nothing is taken") }
        }
        for socket in sockets { socket.closeOutput() }
        for (index, socket) in sockets.enumerated() {
            var counted: UInt64 = 0
            try withUnsafeMutableBytes(of: &counted) { try socket.receiveAll($0) }
            if counted != sent[index] {
                throw BenchError("bulk: \(sent[index]) bytes were sent and \(counted) arrived")
            }
        }
        return BulkLoad(
            bytes: sent.reduce(0, +), seconds: MonotonicClock.seconds(since: start))
    }
}
