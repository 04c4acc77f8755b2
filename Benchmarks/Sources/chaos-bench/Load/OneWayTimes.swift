import Glibc

/// Times the way of 64-byte requests to the server, which notes their arrival.
///
/// Client and server read the same clock, so the way there can be told from the way back.
enum OneWayTimes {
    /// One request in flight at a time. Returns the times in nanoseconds.
    ///
    /// - Parameter pause: How long everybody sleeps before each, in milliseconds.
    static func oneAtATime(
        to endpoint: Endpoint, seconds: Double, pause: UInt32 = 0
    ) throws -> Percentiles {
        let socket = try Socket.connected(to: endpoint)
        let room = Room(BenchMessage.size)
        var times: [UInt64] = []
        let end = MonotonicClock.after(seconds)
        while MonotonicClock.now < end {
            if pause > 0 { Pause.milliseconds(pause) }
            let start = MonotonicClock.now
            BenchMessage.write(start, to: room.bytes)
            try socket.sendAll(UnsafeRawBufferPointer(room.bytes))
            try socket.receiveAll(room.bytes)
            times.append(BenchMessage.arrival(room.bytes) - start)
        }
        return Percentiles(times)
    }

    /// A request every `interval` nanoseconds, many in flight. Returns the times in nanoseconds.
    static func paced(
        to endpoint: Endpoint, every interval: UInt64, seconds: Double
    ) throws -> Percentiles {
        let socket = try Socket.connected(to: endpoint)
        let room = Room(BenchMessage.size)
        let epoll = try Epoll()
        try epoll.add(socket, for: .input, token: 0)
        var times: [UInt64] = []
        let begin = MonotonicClock.now
        let total = UInt64(seconds * 1e9) / interval
        var asked: UInt64 = 0
        var lastNews = begin
        while times.count < Int(total) {
            let now = MonotonicClock.now
            if asked < total, now >= begin + asked * interval {
                // The number is the moment of sending, so the reply tells it again.
                BenchMessage.write(MonotonicClock.now, to: room.bytes)
                try socket.sendAll(UnsafeRawBufferPointer(room.bytes))
                asked += 1
            }
            try epoll.wait(asked < total ? 1 : 100) { _ in
                try socket.receiveAll(room.bytes)
                times.append(BenchMessage.arrival(room.bytes) - BenchMessage.number(room.bytes))
                lastNews = MonotonicClock.now
            }
            if MonotonicClock.now - lastNews > UInt64(Socket.patience) * 1_000_000_000 {
                throw BenchError("one way: no answer within \(Socket.patience) s")
            }
        }
        return Percentiles(times)
    }
}
