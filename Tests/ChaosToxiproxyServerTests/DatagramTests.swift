#if os(Linux)
    import ChaosCore
    import ChaosProxy
    import Glibc
    import NIOCore
    import NIOPosix
    import Testing

    @Suite("UDP proxies", .serialized)
    struct DatagramTests {
        /// A UDP socket whose calls wait for ten seconds at most.
        private final class Datagrams: Sendable {
            let descriptor: CInt
            let port: Int

            init(connectedTo port: Int? = nil) throws {
                let descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
                self.descriptor = descriptor
                var patience = timeval(tv_sec: 10, tv_usec: 0)
                setsockopt(
                    descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience,
                    socklen_t(MemoryLayout<timeval>.size))
                let own = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
                #expect(own.withSockAddr { bind(descriptor, $0, socklen_t($1)) } == 0)
                var name = sockaddr_in()
                var size = socklen_t(MemoryLayout<sockaddr_in>.size)
                withUnsafeMutablePointer(to: &name) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        _ = getsockname(descriptor, $0, &size)
                    }
                }
                self.port = Int(UInt16(bigEndian: name.sin_port))
                if let port { try self.connect(to: port) }
            }

            deinit { close(self.descriptor) }

            func connect(to port: Int) throws {
                let peer = try SocketAddress(ipAddress: "127.0.0.1", port: port)
                #expect(
                    peer.withSockAddr { Glibc.connect(self.descriptor, $0, socklen_t($1)) } == 0)
            }

            @discardableResult
            func send(_ text: String) -> Bool {
                Glibc.send(self.descriptor, text, text.utf8.count, 0) >= 0
            }

            /// The next datagram, and the port that it came from; nil for an error.
            func receive() -> (text: String, port: Int)? {
                var bytes = [UInt8](repeating: 0, count: 65_536)
                var name = sockaddr_in()
                var size = socklen_t(MemoryLayout<sockaddr_in>.size)
                let count = withUnsafeMutablePointer(to: &name) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        recvfrom(self.descriptor, &bytes, bytes.count, 0, $0, &size)
                    }
                }
                if count < 0 { return nil }
                return (
                    String(decoding: bytes[..<count], as: UTF8.self),
                    Int(UInt16(bigEndian: name.sin_port))
                )
            }
        }

        private func makeProxy(
            _ world: World, to target: Datagrams, _ more: JSONObject = [:]
        ) async throws -> Datagrams {
            var body: JSONObject = [
                "name": "u", "listen": "127.0.0.1:0",
                "upstream": .string("127.0.0.1:\(target.port)"), "network": "udp",
            ]
            for (key, value) in more.members { body[key] = value }
            let made = try await world.ask("POST", "proxies", .object(body), expecting: 201)
            #expect(made["network"]?.stringValue == "udp")
            return try Datagrams(connectedTo: Int(try World.port(of: made)))
        }

        /// What the metrics say about a direction.
        private func bytes(
            _ what: String, _ direction: String, of world: World
        ) async throws -> Int? {
            let asking = try await Socket.connect(UInt16(world.port))
            try await asking.send("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            let (bytes, _) = await asking.receive()
            let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first {
                $0.hasPrefix("toxiproxy_proxy_\(what)_bytes_total{")
                    && $0.contains("direction=\"\(direction)\"")
            }
            return line?.split(separator: " ").last.flatMap { Double($0) }.map { Int($0) }
        }

        @Test(arguments: ProxyDriverKind.available)
        func carryDatagramsAndCountThem(driver: ProxyDriverKind) async throws {
            try await World.with(driver) { world in
                let target = try Datagrams()
                let client = try await self.makeProxy(world, to: target)
                client.send("hello")
                let (text, port) = try #require(target.receive())
                #expect(text == "hello")
                try target.connect(to: port)
                target.send("answer")
                #expect(client.receive()?.text == "answer")
                #expect(try await self.bytes("sent", "upstream", of: world) == 5)
                #expect(try await self.bytes("sent", "downstream", of: world) == 6)
            }
        }

        @Test(arguments: ProxyDriverKind.available)
        func everyToxicDoesItsWork(driver: ProxyDriverKind) async throws {
            try await World.with(driver) { world in
                let target = try Datagrams()
                let client = try await self.makeProxy(world, to: target)
                func with(
                    _ type: String, _ attributes: JSONObject = [:],
                    _ body: () async throws -> Void
                ) async throws {
                    try await world.ask(
                        "POST", "proxies/u/toxics",
                        [
                            "name": "t", "type": .string(type), "stream": "upstream",
                            "attributes": .object(attributes),
                        ])
                    try await body()
                    try await world.ask("DELETE", "proxies/u/toxics/t", expecting: 204)
                }
                var sent = 0
                /// Sends something, and waits until the proxy has seen it.
                func lose(_ text: String) async throws {
                    sent = try await self.bytes("received", "upstream", of: world) ?? 0
                    client.send(text)
                    sent += text.utf8.count
                    while try await self.bytes("received", "upstream", of: world) != sent {
                        await Task.yield()
                    }
                }
                func lateness() -> Duration {
                    let begin = ContinuousClock.now
                    client.send("x")
                    #expect(target.receive()?.text == "x")
                    return ContinuousClock.now - begin
                }
                try await with("noop") { _ = lateness() }
                for type in ["latency", "delay"] {
                    try await with(type, ["latency": 50]) {
                        #expect(lateness() >= .milliseconds(50))
                    }
                }
                try await with("bandwidth", ["rate": 1]) {
                    // 64 KiB pass at once; 50 more bytes take 50 ms at 1 kB/s.
                    client.send(String(repeating: "x", count: 65_500))
                    #expect(target.receive()?.text.utf8.count == 65_500)
                    client.send(String(repeating: "x", count: 86))
                    let begin = ContinuousClock.now
                    #expect(target.receive()?.text.utf8.count == 86)
                    #expect(ContinuousClock.now - begin >= .milliseconds(40))
                }
                for (type, share) in [("loss", "probability"), ("packet_loss", "loss_rate")] {
                    try await with(type, [share: 1]) { try await lose("lost by \(type)") }
                    #expect(lateness() > .zero)
                }
                try await with("timeout") { try await lose("lost by timeout") }
                #expect(lateness() > .zero)
                try await with("corrupt", ["probability": 1, "bits": 1]) {
                    client.send("@@@@")
                    #expect(target.receive()?.text != "@@@@")
                }
                try await with("down") {
                    client.send("refused")
                    #expect(client.receive() == nil && errno == ECONNREFUSED)
                }
                _ = lateness()
            }
        }

        /// A toxic with a toxicity is for some senders, and for those it is for every datagram.
        @Test(arguments: ProxyDriverKind.available)
        func toxicityIsDrawnForEachSender(driver: ProxyDriverKind) async throws {
            try await World.with(driver) { world in
                let target = try Datagrams()
                let first = try await self.makeProxy(
                    world, to: target,
                    [
                        "toxics": [
                            [
                                "type": "timeout", "stream": "upstream", "toxicity": 0.5,
                                "attributes": [:],
                            ]
                        ]
                    ])
                var peer = sockaddr_in()
                var size = socklen_t(MemoryLayout<sockaddr_in>.size)
                withUnsafeMutablePointer(to: &peer) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        _ = getpeername(first.descriptor, $0, &size)
                    }
                }
                let port = Int(UInt16(bigEndian: peer.sin_port))
                let senders = try (0..<40).map { _ in try Datagrams(connectedTo: port) }
                for (number, sender) in senders.enumerated() {
                    sender.send("\(number)")
                    sender.send("\(number)")
                }
                // Behind all of them one that passes for certain.
                try await world.ask("DELETE", "proxies/u/toxics/timeout_upstream", expecting: 204)
                first.send("last")
                var passed: [String: Int] = [:]
                while let (text, _) = target.receive(), text != "last" {
                    passed[text, default: 0] += 1
                }
                #expect((5...35).contains(passed.count))
                #expect(passed.values.allSatisfy { $0 == 2 })
            }
        }
    }
#endif
