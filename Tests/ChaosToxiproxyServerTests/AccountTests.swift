import ChaosCore
import ChaosProxy
import ChaosToxiproxy
import ChaosToxiproxyServer
import Foundation
import NIOConcurrencyHelpers
import Testing

/// Ten thousand changes under load, with every byte accounted for.
@Suite("Accounts", .serialized)
struct AccountTests {
    /// Every stream has these bytes again and again; their number is prime, so that nothing can be
    /// missing, twice or out of order without showing.
    private static let pattern: [UInt8] = (0..<65_521 + 4096).map { index in
        let place = index % 65_521
        return UInt8(truncatingIfNeeded: place &* 31 &+ place >> 8)
    }

    private static func bytes(from place: Int, _ count: Int) -> [UInt8] {
        let begin = place % 65_521
        return Array(Self.pattern[begin..<begin + count])
    }

    /// Sends until it is told to stop, then ends the stream; returns how much it sent.
    private static func send(
        _ socket: Socket, until isOver: NIOLockedValueBox<Bool>
    ) async throws -> Int {
        var place = 0
        while !isOver.withLockedValue({ $0 }) {
            try await socket.send(Self.bytes(from: place, 2048))
            place += 2048
            // Bytes flow all the time, and leave the machine some of its own.
            try await Task.sleep(for: .milliseconds(2))
        }
        socket.finish()
        return place
    }

    /// Reads until the stream ends; returns how much came, or -1 where something else came.
    private static func receive(_ socket: Socket) async -> Int {
        var place = 0
        while true {
            let (bytes, end) = await socket.receive(4096)
            if bytes != Self.bytes(from: place, bytes.count) { return -1 }
            place += bytes.count
            if let end { return end == .finished ? place : -1 }
        }
    }

    private static let harmless: [(type: String, attributes: String)] = [
        ("latency", #""latency":2,"jitter":2"#), ("bandwidth", #""rate":20000"#),
        ("bandwidth", #""rate":50000,"scope":"proxy""#),
        ("slicer", #""average_size":500,"size_variation":100,"delay":1"#),
        ("slow_close", #""delay":1"#), ("noop", ""), ("limit_data", #""bytes":1000000000000"#),
        ("reset_peer", #""timeout":3600000"#), ("delay", #""latency":1,"jitter":1"#),
        ("loss", #""probability":0.001"#), ("reorder", #""framing":"length16""#),
        ("http", #""status":503"#),
    ]

    @Test(
        "10 000 changes while bytes flow cost none of them (upstream #558, #412, #254)",
        arguments: ProxyDriverKind.available)
    func tenThousandChanges(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver, seed: 5) { world in
            let (listener, upstream) = try Socket.listen()
            let port = try await world.makeProxy("p", to: upstream)
            let isOver = NIOLockedValueBox(false)
            var streams: [(sent: Task<Int, any Error>, received: Task<Int, Never>)] = []
            for _ in 0..<3 {
                let client = try await Socket.connect(port)
                let server = try await listener.accept()
                for (from, to) in [(client, server), (server, client)] {
                    streams.append(
                        (
                            Task { try await Self.send(from, until: isOver) },
                            Task { await Self.receive(to) }
                        ))
                }
            }
            try await self.change(world.server.api, 10_000)
            isOver.withLockedValue { $0 = true }
            try await world.ask("POST", "reset", expecting: 204)
            var total = 0
            for stream in streams {
                let sent = try await stream.sent.value
                #expect(await stream.received.value == sent)
                total += sent
            }
            #expect(total > 1_000_000)
            // The books say the same as the sockets.
            let lines = try await world.metrics()
            for kind in ["received", "sent"] {
                let counted = lines.filter { $0.hasPrefix("toxiproxy_proxy_\(kind)_bytes_total") }
                    .compactMap { Int($0.split(separator: " ").last ?? "") }
                #expect(counted.reduce(0, +) == total, "\(kind)")
            }
        }
    }

    /// Adds, changes and removes toxics, each by a request that must succeed.
    private func change(_ api: Toxiproxy, _ count: Int) async throws {
        var random = Seed(11).generator
        var present: [String] = []
        for number in 0..<count {
            let request: ToxiproxyRequest
            switch random.next(below: 3) {
            case 0 where present.count < 5:
                let (type, attributes) = Self.harmless[random.next(below: Self.harmless.count)]
                let stream = random.next(below: 2) == 0 ? "upstream" : "downstream"
                let body =
                    #"{"name":"t\#(number)","type":"\#(type)","stream":"\#(stream)","#
                    + #""toxicity":\#(["0.5", "1"][random.next(below: 2)]),"attributes":{\#(attributes)}}"#
                present.append("t\(number)")
                request = ToxiproxyRequest("POST", "/proxies/p/toxics", body: Array(body.utf8))
            case 1 where !present.isEmpty:
                let name = present.remove(at: random.next(below: present.count))
                request = ToxiproxyRequest("DELETE", "/proxies/p/toxics/\(name)")
            default:
                let name = random.pick(present)
                let body = #"{"toxicity":\#(["0.3", "0.9"][random.next(below: 2)])}"#
                request =
                    name.map {
                        ToxiproxyRequest("PATCH", "/proxies/p/toxics/\($0)", body: Array(body.utf8))
                    } ?? ToxiproxyRequest("GET", "/proxies")
            }
            let answer = await api.answer(request)
            #expect((200..<300).contains(answer.status), "\(request.target): \(answer.body)")
        }
    }
}
