/// Connects, asks 64 bytes, closes, and does it again.
struct ConnectRate {
    let connections: Int
    let seconds: Double

    var perSecond: Double { Double(self.connections) / self.seconds }

    /// Keeps `concurrency` connections going for `seconds`, at most `limit` in all.
    static func run(
        to endpoint: Endpoint, concurrency: Int, seconds: Double, limit: Int
    ) throws -> ConnectRate {
        let epoll = try Epoll()
        let room = Room(BenchMessage.size)
        BenchMessage.write(1, to: room.bytes)
        let request = UnsafeRawBufferPointer(room.bytes)
        let answer = Room(BenchMessage.size)
        var sockets = [Socket?](repeating: nil, count: concurrency)
        func open(_ index: Int) throws {
            let socket = try Socket.connected(to: endpoint)
            try epoll.add(socket, for: .input, token: index)
            try socket.sendAll(request)
            sockets[index] = socket
        }
        let start = MonotonicClock.now
        let end = MonotonicClock.after(seconds)
        var done = 0
        var remaining = concurrency
        for index in 0..<concurrency { try open(index) }
        while remaining > 0 {
            var isIdle = true
            try epoll.wait(Int32(Socket.patience) * 1000) { index in
                isIdle = false
                try sockets[index]?.receiveAll(answer.bytes)
                sockets[index] = nil
                done += 1
                if MonotonicClock.now < end && done + remaining <= limit {
                    try open(index)
                } else {
                    remaining -= 1
                }
            }
            if isIdle { throw BenchError("connect: no answer within \(Socket.patience) s") }
        }
        return ConnectRate(connections: done, seconds: MonotonicClock.seconds(since: start))
    }
}
