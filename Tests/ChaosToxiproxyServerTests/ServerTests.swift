import ChaosCore
import ChaosProxy
import ChaosToxiproxyServer
import Foundation
import Testing

/// The HTTP side of the server, its files, and the command.
@Suite("Server")
struct ServerTests {
    /// Asks with raw bytes and reads until the server closes or the answer is complete.
    private func raw(_ world: World, _ request: String, until marker: String) async throws -> String
    {
        let socket = try await Socket.connect(UInt16(world.port))
        try await socket.send(request)
        var text = ""
        while !text.contains(marker) {
            let (bytes, end) = await socket.receive(1)
            text += String(decoding: bytes, as: UTF8.self)
            if end != nil { break }
        }
        return text
    }

    @Test("headers are Toxiproxy's")
    func headers() async throws {
        try await World.with(.nio) { world in
            let answer = try await self.raw(
                world, "POST /proxies HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
                until: "}\n")
            let lines = answer.components(separatedBy: "\r\n")
            #expect(lines[0] == "HTTP/1.1 400 Bad Request")
            #expect(lines.contains("Content-Type: text/plain; charset=utf-8"))
            #expect(lines.contains("X-Content-Type-Options: nosniff"))
            #expect(lines.last == #"{"error":"missing required field: name","status":400}"# + "\n")
            let id = try #require(lines.first { $0.hasPrefix("X-Toxiproxy-Request-Id: ") })
            #expect(id.dropFirst(24).count == 20)
            let unknown = try await self.raw(
                world, "GET /nope HTTP/1.1\r\nHost: x\r\n\r\n", until: "found\n")
            #expect(unknown.hasPrefix("HTTP/1.1 404 Not Found\r\n"))
            #expect(!unknown.contains("X-Toxiproxy-Request-Id"))
            // Any content type will do, as the Java client knows.
            let body = #"{"name":"a","upstream":"u:1","listen":"localhost:0"}"#
            let created = try await self.raw(
                world,
                "POST /proxies HTTP/1.1\r\nHost: x\r\n"
                    + "Content-Type: application/x-www-form-urlencoded\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n" + body, until: "]}")
            #expect(created.hasPrefix("HTTP/1.1 201 Created\r\n"))
        }
    }

    @Test(
        "events tell what touched what (upstream #266, #414)", arguments: ProxyDriverKind.available)
    func events(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let (listener, upstream) = try Socket.listen()
            let stream = try await Socket.connect(UInt16(world.port))
            try await stream.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
            var text = ""
            func wait(for marker: String) async {
                while !text.contains(marker) {
                    let (bytes, end) = await stream.receive(1)
                    text += String(decoding: bytes, as: UTF8.self)
                    if end != nil { return }
                }
            }
            await wait(for: ": events")
            #expect(text.contains("text/event-stream"))
            let port = try await world.makeProxy("any <name>", to: upstream)
            await wait(for: "proxy_created")
            try await world.addToxic("limit_data", to: "any <name>", stream: "upstream")
            await wait(for: "toxic_added")
            do {
                let client = try await Socket.connect(port)
                let server = try await listener.accept()
                try await client.send("x")
                #expect(await server.end() == .finished)
            }
            await wait(for: "event: toxic_hit")
            await wait(for: #""toxic":"limit_data_upstream","type":"limit_data""#)
            await wait(for: "event: connection_closed")
            #expect(text.contains(#""proxy":"any <name>","connection":0"#))
        }
    }

    @Test("all proxies survive a restart, with their toxics (upstream #447, #249)")
    func state() async throws {
        let file = "/tmp/chaos-state-\(UUID().uuidString.prefix(8)).json"
        defer { try? FileManager.default.removeItem(atPath: file) }
        let (listener, upstream) = try Socket.listen()
        var before: JSONValue = .null
        try await World.with(.nio, state: file) { world in
            _ = try await world.makeProxy("p", to: upstream)
            try await world.addToxic("latency", to: "p", toxicity: 0.5, ["latency": 7])
            try await world.ask(
                "POST", "proxies",
                ["name": "off", "listen": "x", "upstream": "y", "enabled": false], expecting: 201)
            before = try await world.ask("GET", "proxies")
        }
        try await World.with(.nio, state: file) { world in
            #expect(try await world.ask("GET", "proxies") == before)
            let client = try await Socket.connect(try World.port(of: try #require(before["p"])))
            let server = try await listener.accept()
            try await client.send("x")
            #expect(await server.text(1) == "x")
        }
        #expect(!FileManager.default.fileExists(atPath: file + ".new"))
    }

    @Test("a proxy that cannot start again is kept, and so are those behind it")
    func stateThatCannotStart() async throws {
        let file = "/tmp/chaos-state-\(UUID().uuidString.prefix(8)).json"
        defer {
            for path in [file, file + ".bad"] { try? FileManager.default.removeItem(atPath: path) }
        }
        let (taken, port) = try Socket.listen()
        let kept = #"""
            [{"name":"a","listen":"127.0.0.1:\#(port)","upstream":"u:1","enabled":true,
            "toxics":[{"type":"noop"}]},
            {"name":"b","listen":"127.0.0.1:0","upstream":"u:1","enabled":true,"toxics":[]}]
            """#
        try kept.write(toFile: file, atomically: true, encoding: .utf8)
        try await World.with(.nio, state: file) { world in
            let proxies = try await world.ask("GET", "proxies")
            #expect(proxies["a"]?["enabled"] == false)
            #expect(proxies["a"]?["listen"] == .string("127.0.0.1:\(port)"))
            #expect(proxies["a"]?["toxics"]?.arrayValue?.count == 1)
            #expect(proxies["b"]?["enabled"] == true)
        }
        withExtendedLifetime(taken) {}
        try "no JSON".write(toFile: file, atomically: true, encoding: .utf8)
        try await World.with(.nio, state: file) { world in
            let proxies = try await world.ask("GET", "proxies")
            #expect(proxies == [:])
        }
        let aside = try String(contentsOfFile: file + ".bad", encoding: .utf8)
        #expect(aside == "no JSON")
    }

    @Test(
        "metrics are right while connections are open (upstream #641)",
        arguments: ProxyDriverKind.available)
    func metrics(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let (listener, upstream) = try Socket.listen()
            let port = try await world.makeProxy("p", to: upstream)
            let client = try await Socket.connect(port)
            let server = try await listener.accept()
            try await client.send("12345")
            #expect(await server.text(5) == "12345")
            try await world.addToxic("noop", to: "p")
            try await world.addToxic("limit_data", to: "p", name: "cut", ["bytes": 3])
            try await server.send("abcdef")
            #expect(await client.text(3) == "abc")
            let labels =
                "listener=\"127.0.0.1:\(port)\",proxy=\"p\",upstream=\"127.0.0.1:\(upstream)\""
            func scrape() async throws -> [String] {
                let answer = try await self.raw(
                    world, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                    until: "only the end")
                return answer.components(separatedBy: "\n")
            }
            let lines = try await scrape()
            for line in [
                "toxiproxy_proxy_received_bytes_total{direction=\"upstream\",\(labels)} 5",
                "toxiproxy_proxy_sent_bytes_total{direction=\"upstream\",\(labels)} 5",
                "toxiproxy_proxy_received_bytes_total{direction=\"downstream\",\(labels)} 6",
                "toxiproxy_proxy_sent_bytes_total{direction=\"downstream\",\(labels)} 3",
                "# TYPE toxiproxy_proxy_sent_bytes_total counter",
                "toxiproxy_proxy_connections_total{proxy=\"p\"} 1",
                "toxiproxy_toxic_hits_total{proxy=\"p\",stream=\"downstream\",toxic=\"cut\","
                    + "type=\"limit_data\"} 1",
            ] { #expect(lines.contains(line), "\(line)") }
            // What a deleted proxy carried is not forgotten.
            try await world.ask("DELETE", "proxies/p", expecting: 204)
            #expect(
                try await scrape().contains(
                    "toxiproxy_proxy_sent_bytes_total{direction=\"downstream\",\(labels)} 3"))
        }
    }

    @Test("connections end as their requests ask, HTTP/1.0 too")
    func ends() async throws {
        try await World.with(.nio) { world in
            for request in [
                "GET /version HTTP/1.0\r\n\r\n",
                "GET /version HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n\r\n",
            ] {
                let socket = try await Socket.connect(UInt16(world.port))
                try await socket.send(request)
                let (bytes, end) = await socket.receive()
                #expect(String(decoding: bytes, as: UTF8.self).hasSuffix("2.12.0\"}\n"))
                #expect(end == .finished)
            }
            let kept = try await Socket.connect(UInt16(world.port))
            for _ in 0..<2 {
                try await kept.send("GET /version HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                var text = ""
                while !text.hasSuffix("}\n") { text += await kept.text(1) }
            }
        }
    }

    @Test(
        "the latency that toxics add is told, chunk by chunk", arguments: ProxyDriverKind.available)
    func latencies(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let (listener, upstream) = try Socket.listen()
            let port = try await world.makeProxy("p", to: upstream)
            let client = try await Socket.connect(port)
            let server = try await listener.accept()
            try await world.addToxic("latency", to: "p", ["latency": 60])
            for letter in ["a", "b"] {
                try await server.send(letter)
                #expect(await client.text(1) == letter)
            }
            let name = "toxiproxy_proxy_added_latency_seconds"
            let labels = #"direction="downstream",proxy="p""#
            let lines = try await world.metrics()
            #expect(lines.contains("# TYPE \(name) histogram"))
            #expect(lines.contains(#"\#(name)_bucket{\#(labels),le="0.05"} 0"#))
            #expect(lines.contains(#"\#(name)_bucket{\#(labels),le="+Inf"} 2"#))
            #expect(lines.contains("\(name)_count{\(labels)} 2"))
            let sum = lines.first { $0.hasPrefix("\(name)_sum{\(labels)}") }?.split(separator: " ")
            #expect(try #require(Double(sum?.last ?? "")) >= 0.12)
        }
    }

    @Test("hostile bodies are answered")
    func hostile() async throws {
        try await World.with(.nio) { world in
            let deep = String(repeating: "[", count: 100_000)
            let bodies = [
                deep, String(repeating: "{\"a\":", count: 50_000), "\u{0}", "\"",
                "{\"name\":\"\\uD800\"}",
            ]
            for body in bodies {
                let answer = try await self.raw(
                    world,
                    "POST /proxies HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
                        + body, until: "}\n")
                #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(answer)")
            }
            try await world.ask("GET", "version")
        }
    }
}
