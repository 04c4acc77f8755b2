/// Times requests of 64 bytes and their replies; each connection has one request in flight.
enum RoundTrips {
    /// Returns the round trips in nanoseconds, sorted.
    static func run(
        to endpoint: Endpoint, connections: Int, seconds: Double
    ) throws -> Percentiles {
        connections == 1
            ? try Self.one(to: endpoint, seconds: seconds)
            : try Self.many(to: endpoint, connections: connections, seconds: seconds)
    }

    private static func one(to endpoint: Endpoint, seconds: Double) throws -> Percentiles {
        let socket = try Socket.connected(to: endpoint)
        let room = Room(BenchMessage.size)
        var times: [UInt64] = []
        var number: UInt64 = 0
        let end = MonotonicClock.after(seconds)
        while MonotonicClock.now < end {
            number += 1
            BenchMessage.write(number, to: room.bytes)
            let start = MonotonicClock.now
            try socket.sendAll(UnsafeRawBufferPointer(room.bytes))
            try socket.receiveAll(room.bytes)
            times.append(MonotonicClock.now - start)
            try Self.check(room.bytes, number)
        }
        return Percentiles(times)
    }

    private static func check(_ bytes: UnsafeMutableRawBufferPointer, _ number: UInt64) throws {
        let found = BenchMessage.number(bytes)
        if found != number {
            throw BenchError("round trip: request \(number) was answered with \(found)")
        }
    }

    private static func many(
        to endpoint: Endpoint, connections: Int, seconds: Double
    ) throws -> Percentiles {
        let sockets = try (0..<connections).map { _ in try Socket.connected(to: endpoint) }
        let epoll = try Epoll()
        let room = Room(BenchMessage.size)
        var times: [UInt64] = []
        var numbers = [UInt64](repeating: 0, count: connections)
        var starts = [UInt64](repeating: 0, count: connections)
        func ask(_ index: Int) throws {
            numbers[index] += 1
            BenchMessage.write(numbers[index], to: room.bytes)
            starts[index] = MonotonicClock.now
            try sockets[index].sendAll(UnsafeRawBufferPointer(room.bytes))
        }
        for index in sockets.indices {
            try epoll.add(sockets[index], for: .input, token: index)
            try ask(index)
        }
        let end = MonotonicClock.after(seconds)
        var open = connections
        while open > 0 {
            var isIdle = true
            try epoll.wait(Int32(Socket.patience) * 1000) { index in
                isIdle = false
                try sockets[index].receiveAll(room.bytes)
                let now = MonotonicClock.now
                times.append(now - starts[index])
                try Self.check(room.bytes, numbers[index])
                if now < end { try ask(index) } else { open -= 1 }
            }
            if isIdle { throw BenchError("round trip: no answer within \(Socket.patience) s") }
        }
        return Percentiles(times)
    }
}
