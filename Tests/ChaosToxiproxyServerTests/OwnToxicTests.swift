import ChaosCore
import ChaosProxy
import Foundation
import Testing

/// The toxics that Toxiproxy does not have, each over a real server with what it does to a connection.
@Suite("Toxics of our own")
struct OwnToxicTests {
    /// A client and the server behind the proxy `p`, connected.
    private func pair(_ world: World) async throws -> (
        client: Socket, server: Socket, listener: Socket, port: UInt16
    ) {
        let (listener, upstream) = try Socket.listen()
        let port = try await world.makeProxy("p", to: upstream)
        let client = try await Socket.connect(port)
        return (client, try await listener.accept(), listener, port)
    }

    @Test("loss is late and never missing", arguments: ProxyDriverKind.available)
    func loss(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let (client, server, _, _) = try await self.pair(world)
            try await world.addToxic("loss", to: "p", ["probability": 1])
            try await server.send("x")
            // It has arrived and has not left.
            try await world.wait(for: #"received_bytes_total{direction="downstream""#, " 1")
            try await world.expect(#"sent_bytes_total{direction="downstream""#, " 0")
            try await world.expect(#"hits_total{proxy="p",stream="downstream",toxic="loss_d"#, " 1")
            try await world.ask("DELETE", "proxies/p/toxics/loss_downstream", expecting: 204)
            #expect(await client.text(1) == "x")
        }
    }

    @Test("messages are dropped, doubled and overtaken whole", arguments: ProxyDriverKind.available)
    func messages(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let (client, server, _, _) = try await self.pair(world)
            try await world.addToxic(
                "drop", to: "p", name: "d", ["probability": 1, "framing": "lines", "first": 1])
            try await server.send("one\ntwo\nth")
            try await server.send("ree\n")
            #expect(await client.text(10) == "two\nthree\n")
            try await world.ask("DELETE", "proxies/p/toxics/d", expecting: 204)
            try await world.addToxic(
                "duplicate", to: "p", name: "d",
                ["probability": 1, "framing": "resp", "type": "bulk"])
            try await server.send("+OK\r\n$2\r\nhi\r\n+OK\r\n")
            #expect(await client.text(26) == "+OK\r\n$2\r\nhi\r\n$2\r\nhi\r\n+OK\r\n")
            try await world.ask("DELETE", "proxies/p/toxics/d", expecting: 204)
            try await world.addToxic(
                "reorder", to: "p", stream: "upstream",
                ["probability": 1, "framing": "length16", "first": 1])
            try await client.send([0, 1, 65, 0, 1, 66, 0, 1, 67])
            #expect(await server.receive(9).bytes == [0, 1, 66, 0, 1, 65, 0, 1, 67])
        }
    }

    @Test("bits flip inside messages, whose lengths stay", arguments: ProxyDriverKind.available)
    func corrupt(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let (client, server, _, _) = try await self.pair(world)
            try await world.addToxic(
                "corrupt", to: "p", ["probability": 1, "bits": 3, "framing": "length32"])
            try await server.send([0, 0, 0, 4, 0, 0, 0, 0])
            let bytes = await client.receive(8).bytes
            #expect(bytes.prefix(4) == [0, 0, 0, 4])
            #expect(bytes.map(\.nonzeroBitCount).reduce(0, +) == 1 + 3)
        }
    }

    @Test("each acts on its share of connections", arguments: ProxyDriverKind.available)
    func share(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver, seed: 3) { world in
            let (client, server, listener, port) = try await self.pair(world)
            try await world.addToxic(
                "duplicate", to: "p", toxicity: 0, ["probability": 1, "framing": "lines"])
            try await server.send("a\n")
            server.finish()
            #expect(await client.receive().bytes == Array("a\n".utf8))
            try await world.ask(
                "PATCH", "proxies/p/toxics/duplicate_downstream", ["toxicity": 0.5])
            var doubled = 0
            for _ in 0..<40 {
                let client = try await Socket.connect(port)
                let server = try await listener.accept()
                try await server.send("a\n")
                server.finish()
                doubled += await client.receive().bytes.count == 4 ? 1 : 0
            }
            #expect(doubled > 5 && doubled < 35)
        }
    }

    @Test("accept_delay keeps the upstream waiting", arguments: ProxyDriverKind.available)
    func acceptDelay(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let (_, _, listener, port) = try await self.pair(world)
            try await world.addToxic("accept_delay", to: "p", ["delay": 150])
            let begin = ContinuousClock.now
            let client = try await Socket.connect(port)
            let server = try await listener.accept()
            #expect(ContinuousClock.now - begin >= .milliseconds(150))
            try await client.send("x")
            #expect(await server.text(1) == "x")
            try await world.expect(#"toxic_hits_total{proxy="p",stream="downstream""#, " 1")
            // Taken away, it lets those in that wait.
            try await world.ask("POST", "reset", expecting: 204)
            try await world.addToxic("accept_delay", to: "p", ["delay": 3_600_000])
            let waiting = try await Socket.connect(port)
            try await waiting.send("y")
            try await world.ask("POST", "reset", expecting: 204)
            let late = try await listener.accept()
            #expect(await late.text(1) == "y")
        }
    }

    @Test("refuse and down refuse", arguments: ProxyDriverKind.available, ["refuse", "down"])
    func refuses(_ driver: ProxyDriverKind, _ type: String) async throws {
        try await World.with(driver) { world in
            let (client, server, _, port) = try await self.pair(world)
            try await world.addToxic(type, to: "p")
            await #expect(throws: SocketError(number: ECONNREFUSED)) {
                _ = try await Socket.connect(port)
            }
            try await client.send("still in")
            #expect(await server.text(8) == "still in")
        }
    }

    // MARK: - HTTP

    private static let head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"

    @Test(
        "http answers for the upstream, and the connection goes on (upstream #50, #118)",
        arguments: ProxyDriverKind.available)
    func httpAborts(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let (client, server, _, _) = try await self.pair(world)
            try await world.addToxic(
                "http", to: "p",
                [
                    "method": "POST", "path": "/api/*", "header": "X-Tenant: a*", "first": 1,
                    "status": 503, "body": "no",
                ])
            let hit = "POST /api/x HTTP/1.1\r\nX-Tenant: acme\r\nContent-Length: 3\r\n\r\nabc"
            let passed = "GET /api/x HTTP/1.1\r\nX-Tenant: acme\r\n\r\n"
            try await client.send(hit)
            let refusal =
                "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
                + "Content-Length: 2\r\n\r\nno"
            #expect(await client.text(refusal.utf8.count) == refusal)
            for request in [passed, hit] {
                try await client.send(request)
                #expect(await server.text(request.utf8.count) == request)
                try await server.send(Self.head + "ok")
                #expect(await client.text(Self.head.utf8.count + 2) == Self.head + "ok")
            }
            try await world.expect(#"toxic_hits_total{proxy="p",stream="downstream""#, " 1")
        }
    }

    @Test("http delays requests, and cuts answers short", arguments: ProxyDriverKind.available)
    func httpDelays(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let (client, server, _, _) = try await self.pair(world)
            try await world.addToxic(
                "http", to: "p", stream: "upstream", name: "h", ["delay": 100, "path": "/slow"])
            let begin = ContinuousClock.now
            let slow = "GET /slow HTTP/1.1\r\n\r\n"
            try await client.send(slow)
            #expect(await server.text(slow.utf8.count) == slow)
            #expect(ContinuousClock.now - begin >= .milliseconds(100))
            try await server.send(Self.head + "ok")
            #expect(await client.text(Self.head.utf8.count + 2) == Self.head + "ok")
            try await world.ask(
                "PATCH", "proxies/p/toxics/h",
                ["attributes": ["delay": 0, "path": "/*", "truncate": 1]])
            try await client.send(slow)
            #expect(await server.text(slow.utf8.count) == slow)
            try await server.send(Self.head + "ok")
            let (bytes, end) = await client.receive()
            #expect(String(decoding: bytes, as: UTF8.self) == Self.head + "o")
            #expect(end == .finished)
        }
    }

    @Test("what makes no sense is told in a sentence")
    func mistakes() async throws {
        try await World.with(.nio) { world in
            let (_, upstream) = try Socket.listen()
            _ = try await world.makeProxy("p", to: upstream)
            let cases: [(type: String, attributes: JSONValue, error: String)] = [
                (
                    "drop", ["probability": 1],
                    "missing attribute: drop framing must tell how messages are told apart: "
                        + "lines, length16, length32, varint or resp"
                ),
                (
                    "duplicate", ["framing": "yaml"],
                    "invalid attribute: duplicate framing must be lines or length16 or length32 or "
                        + "varint or resp, found 'yaml'"
                ),
                (
                    "reorder", ["framing": "lines", "hold": -1],
                    "invalid attribute: reorder hold must be at least 0, found '-1'"
                ),
                (
                    "http", ["status": 99],
                    "invalid attribute: http status must be at least 200, found '99'"
                ),
                (
                    "http", ["header": "a b: c"],
                    "invalid attribute: http header must be 'Name' or 'Name: value', found 'a b: c'"
                ),
                (
                    "http", ["first": 0],
                    "invalid attribute: http first must be at least 1, found '0'"
                ),
                (
                    "http", ["probability": 2],
                    "invalid attribute: http probability must be between 0 and 1, found '2'"
                ),
            ]
            for (type, attributes, error) in cases {
                let answer = try await world.ask(
                    "POST", "proxies/p/toxics",
                    ["type": .string(type), "attributes": attributes], expecting: 400)
                #expect(answer["error"]?.stringValue == error)
            }
        }
    }
}
