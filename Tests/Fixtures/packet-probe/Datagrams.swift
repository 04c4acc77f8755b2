import ChaosCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A UDP socket at a port of this node.
struct Datagrams {
    private let socket: Int32

    init(port: Int) {
        #if os(Linux)
            let kind = Int32(SOCK_DGRAM.rawValue)
        #else
            let kind = SOCK_DGRAM
        #endif
        #if canImport(Glibc)
            self.socket = Glibc.socket(AF_INET, kind, 0)
        #elseif canImport(Musl)
            self.socket = Musl.socket(AF_INET, kind, 0)
        #else
            self.socket = Darwin.socket(AF_INET, kind, 0)
        #endif
        var room: Int32 = 8 << 20
        setsockopt(
            self.socket, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(self.socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if code < 0 {
            print("port \(port): \(String(cString: strerror(errno)))")
            exit(70)
        }
    }

    /// Where a node is.
    static func address(_ node: String, port: Int) -> sockaddr_in {
        var hints = addrinfo()
        hints.ai_family = AF_INET
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(node, nil, &hints, &found) == 0, let found else {
            print("\(node): no such node")
            exit(70)
        }
        defer { freeaddrinfo(found) }
        var address = UnsafeRawPointer(found.pointee.ai_addr).loadUnaligned(as: sockaddr_in.self)
        address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
        return address
    }

    func send(_ bytes: [UInt8], to address: sockaddr_in) {
        var address = address
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(
                    self.socket, bytes, bytes.count, 0, $0,
                    socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// The next datagram and who sent it; nil after so many milliseconds without one.
    func receive(within milliseconds: Int32) -> (bytes: [UInt8], from: sockaddr_in)? {
        var place = pollfd(fd: self.socket, events: Int16(POLLIN), revents: 0)
        if poll(&place, 1, milliseconds) <= 0 { return nil }
        var bytes = [UInt8](repeating: 0, count: 2048)
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let count = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(self.socket, &bytes, bytes.count, 0, $0, &size)
            }
        }
        // An ICMP error is told once, and is nothing that came.
        return count < 0 ? ([], address) : (Array(bytes.prefix(count)), address)
    }
}

/// Nanoseconds of the clock that all nodes of a machine have in common.
func monotonicNow() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Sends numbered datagrams with the time in them, at a steady pace.
struct Sender {
    let port: Int
    let count: Int
    /// Between two datagrams to the same node, in microseconds.
    let interval: Int
    /// With headers a thousand bytes on the link.
    static let size = 972

    /// - Parameter places: Nodes; `n6/4` gets every fourth datagram only.
    func run(to places: [String]) {
        let parts = places.map { $0.split(separator: "/") }
        let nodes = parts.map { String($0[0]) }
        let steps = parts.map { $0.count > 1 ? Int($0[1]) ?? 1 : 1 }
        let socket = Datagrams(port: self.port)
        print("waiting")
        var missing = Set(nodes.map { Datagrams.address($0, port: self.port).sin_addr.s_addr })
        while !missing.isEmpty {
            if let came = socket.receive(within: 60_000) {
                missing.remove(came.from.sin_addr.s_addr)
            } else {
                print("not all receivers came")
                exit(70)
            }
        }
        // The schedule's faults come and go before.
        usleep(2_000_000)
        let targets = nodes.map { Datagrams.address($0, port: self.port) }
        let begin = monotonicNow()
        for number in 0..<self.count {
            let due = begin + UInt64(number * self.interval) * 1000
            var now = monotonicNow()
            while now < due {
                // Short waits are not worth a sleep.
                if due - now > 100_000 { usleep(UInt32((due - now) / 1000 - 60)) }
                now = monotonicNow()
            }
            for (target, step) in zip(targets, steps) where number % step == 0 {
                var bytes = [UInt8](repeating: 0, count: Self.size)
                bytes.replaceSubrange(0..<8, with: UInt64(number / step).bytes)
                bytes.replaceSubrange(8..<16, with: monotonicNow().bytes)
                bytes.replaceSubrange(16..<24, with: UInt64(self.count / step).bytes)
                socket.send(bytes, to: target)
            }
        }
        let seconds = Double(monotonicNow() - begin) / 1e9
        print("sent \(self.count) datagrams to each of \(nodes.count) in \(seconds) s")
    }
}

/// Receives what ``Sender`` sends, until nothing more comes.
struct Receiver {
    let port: Int

    func run(from sender: String) -> JSONValue {
        let socket = Datagrams(port: self.port)
        let source = Datagrams.address(sender, port: self.port)
        var tally = Tally()
        var patience = 600
        while patience > 0 {
            guard let came = socket.receive(within: tally.received == 0 ? 100 : 2000) else {
                if tally.received > 0 { break }
                // The sender begins when it has heard of everybody.
                socket.send([1], to: source)
                patience -= 1
                continue
            }
            tally.take(came.bytes, at: monotonicNow())
        }
        return tally.json
    }
}

/// What came, and when.
private struct Tally {
    var received = 0
    private var sent: UInt64 = 0
    private var seen: [UInt64: Int] = [:]
    private var delays: [Double] = []
    private var first: UInt64 = 0
    private var last: UInt64 = 0
    private var bytes = 0
    private var broken = 0
    /// The first number that has not come, and how many came before it was their turn.
    private var next: UInt64 = 0
    private var ahead = 0

    mutating func take(_ bytes: [UInt8], at now: UInt64) {
        guard bytes.count == Sender.size else { return }
        let (number, then) = (UInt64(bytes: bytes[0..<8]), UInt64(bytes: bytes[8..<16]))
        if bytes[24...].contains(where: { $0 != 0 }) { self.broken += 1 }
        self.sent = UInt64(bytes: bytes[16..<24])
        if self.received == 0 { self.first = now } else { self.bytes += bytes.count + 28 }
        self.last = now
        self.received += 1
        self.seen[number, default: 0] += 1
        if self.seen[number] == 1 {
            self.delays.append(Double(now &- then) / 1e6)
            if number != self.next { self.ahead += 1 }
            while self.seen[self.next] != nil { self.next += 1 }
        }
    }

    var json: JSONValue {
        let sorted = self.delays.sorted()
        func quantile(_ share: Double) -> Double {
            sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]
        }
        let seconds = Double(self.last - self.first) / 1e9
        // A burst of losses is as many in a row as are missing between two that came.
        let numbers = self.seen.keys.sorted()
        let gaps = zip(numbers, numbers.dropFirst()).map { $1 - $0 - 1 }.filter { $0 > 0 }
        let burst = gaps.isEmpty ? 0 : Double(gaps.reduce(0, +)) / Double(gaps.count)
        func rounded(_ value: Double) -> JSONValue { .double((value * 1000).rounded() / 1000) }
        return [
            "sent": .int(Int64(self.sent)), "received": .int(Int64(self.received)),
            "distinct": .int(Int64(self.seen.count)), "broken": .int(Int64(self.broken)),
            "least_ms": rounded(sorted.first ?? 0), "p25_ms": rounded(quantile(0.25)),
            "p50_ms": rounded(quantile(0.5)), "p75_ms": rounded(quantile(0.75)),
            "p99_ms": rounded(quantile(0.99)), "ahead": .int(Int64(self.ahead)),
            "burst": rounded(burst),
            "mbit_per_s": rounded(seconds > 0 ? Double(self.bytes) * 8 / seconds / 1e6 : 0),
        ]
    }
}

extension UInt64 {
    fileprivate var bytes: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: self >> ($0 * 8)) } }

    fileprivate init(bytes: ArraySlice<UInt8>) {
        self = bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
