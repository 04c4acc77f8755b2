import ChaosCore
import ChaosProxy
import ChaosSockets
import ChaosToxiproxyServer
import Foundation
import Testing

/// Real connections through a real server, steered over HTTP, with every driver.
@Suite("Traffic")
struct TrafficTests {
    /// A client and the server behind the proxy, connected.
    private func pair(_ world: World) async throws -> (
        client: Socket, server: Socket, listener: Socket
    ) {
        let (listener, upstream) = try Socket.listen()
        let port = try await world.makeProxy("p", to: upstream)
        let client = try await Socket.connect(port)
        let server = try await listener.accept()
        return (client, server, listener)
    }

    @Test(
        "toxics act on connections that are open, and are gone when removed",
        arguments: ProxyDriverKind.available)
    func actsOnOpenConnections(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let (client, server, _) = try await self.pair(world)
            try await client.send("a")
            #expect(await server.text(1) == "a")
            try await world.addToxic("latency", to: "p", ["latency": 60_000])
            try await server.send("late")
            // The other direction is not concerned.
            try await client.send("b")
            #expect(await server.text(1) == "b")
            try await world.ask("DELETE", "proxies/p/toxics/latency_downstream", expecting: 204)
            #expect(await client.text(4) == "late")
            try await world.addToxic("latency", to: "p", ["latency": 120])
            let begin = ContinuousClock.now
            try await server.send("x")
            #expect(await client.text(1) == "x")
            #expect(ContinuousClock.now - begin >= .milliseconds(120))
        }
    }

    @Test(
        "a cut link is held: rate 0 stalls, removing it delivers (testcontainers' setConnectionCut)",
        arguments: ProxyDriverKind.available)
    func stalls(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let (client, server, _) = try await self.pair(world)
            try await world.addToxic("bandwidth", to: "p", stream: "upstream")
            try await client.send("hello")
            try await server.send("other way")
            #expect(await client.text(9) == "other way")
            try await world.ask("DELETE", "proxies/p/toxics/bandwidth_upstream", expecting: 204)
            #expect(await server.text(5) == "hello")
        }
    }

    @Test(
        "a client that does not read keeps no request waiting, and misses no byte (upstream #558)",
        arguments: ProxyDriverKind.available)
    func stalledReader(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let (client, server, _) = try await self.pair(world)
            var sent = server.fill()
            for round in 0..<10 {
                try await world.addToxic("latency", to: "p", name: "l", ["latency": 5])
                try await world.addToxic("bandwidth", to: "p", name: "b", ["rate": 1])
                try await world.ask("PATCH", "proxies/p/toxics/b", ["attributes": ["rate": 2]])
                try await world.ask("DELETE", "proxies/p/toxics/l", expecting: 204)
                try await world.ask("DELETE", "proxies/p/toxics/b", expecting: 204)
                try await world.ask("GET", "proxies")
                sent += server.fill()
                #expect(round < 10)
            }
            server.finish()
            let (bytes, end) = await client.receive()
            #expect(bytes.count == sent)
            #expect(end == .finished)
        }
    }

    @Test(
        "a side that ends its stream still gets what the other side sends",
        arguments: ProxyDriverKind.available)
    func halfClose(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            try await world.ask("GET", "proxies")
            let (client, server, _) = try await self.pair(world)
            try await world.addToxic("latency", to: "p", ["latency": 20])
            try await client.send("question")
            client.finish()
            let (bytes, end) = await server.receive()
            #expect(String(decoding: bytes, as: UTF8.self) == "question")
            #expect(end == .finished)
            try await server.send("late answer")
            #expect(await client.text(11) == "late answer")
        }
    }

    @Test("a reset arrives as a reset (upstream #465)", arguments: ProxyDriverKind.available)
    func passesResets(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let (listener, upstream) = try Socket.listen()
            let port = try await world.makeProxy("p", to: upstream)
            try await world.addToxic("noop", to: "p")
            let client = try await Socket.connect(port)
            do {
                let server = try await listener.accept()
                server.resetWhenClosed()
            }
            #expect(await client.end() == .failed(ECONNRESET))
        }
    }

    @Test(
        "an upstream that refuses is a reset, not an end (upstream #265)",
        arguments: ProxyDriverKind.available)
    func refused(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let nobody: UInt16
            do { nobody = try Socket.listen().port }
            let port = try await world.makeProxy("p", to: nobody)
            let client = try await Socket.connect(port)
            #expect(await client.end() == .failed(ECONNRESET))
        }
        try await World.with(driver, refusal: .end) { world in
            let nobody: UInt16
            do { nobody = try Socket.listen().port }
            let port = try await world.makeProxy("p", to: nobody)
            let client = try await Socket.connect(port)
            #expect(await client.end() == .finished)
        }
    }

    #if os(Linux)
        @Test(
            "with --connect mirror a proxy refuses while its upstream does (upstream #265)",
            .enabled(if: SocketDiagnostics.obstacle() == nil, "the kernel shows no sockets"),
            arguments: ProxyDriverKind.available)
        func mirrors(_ driver: ProxyDriverKind) async throws {
            try await World.with(driver, refusal: .refusal) { world in
                let (listener, upstream) = try Socket.reserve()
                let port = try await world.makeProxy("p", to: upstream)
                let refused = SocketError(number: ECONNREFUSED)
                await #expect(throws: refused) { _ = try await Socket.connect(port) }
                // What else refuses does not forget the upstream, nor the other way round.
                try await world.addToxic("down", to: "p", name: "d")
                try listener.startListening()
                await #expect(throws: refused) { _ = try await Socket.connect(port) }
                try await world.ask("DELETE", "proxies/p/toxics/d", expecting: 204)
                let client = try await Self.connectWhenAccepted(port)
                let server = try await listener.accept()
                try await client.send("hello")
                #expect(await server.text(5) == "hello")
                listener.stopListening()
                while (try? await Socket.connect(port)) != nil { await Task.yield() }
                await #expect(throws: refused) { _ = try await Socket.connect(port) }
                // Who is connected stays so.
                try await server.send("still here")
                #expect(await client.text(10) == "still here")
            }
        }

        private static func connectWhenAccepted(_ port: UInt16) async throws -> Socket {
            while true {
                do { return try await Socket.connect(port) } catch let error as SocketError {
                    if error.number != ECONNREFUSED { throw error }
                    await Task.yield()
                }
            }
        }
    #endif

    @Test(
        "reset_peer with toxicity 0 leaves ends alone (upstream #603)",
        arguments: ProxyDriverKind.available)
    func neutral(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let (listener, upstream) = try Socket.listen()
            let port = try await world.makeProxy("p", to: upstream)
            try await world.addToxic("reset_peer", to: "p", toxicity: 0)
            try await world.addToxic("timeout", to: "p", toxicity: 0, name: "t", ["timeout": 1])
            let client = try await Socket.connect(port)
            let server = try await listener.accept()
            try await server.send("bye")
            server.finish()
            let (bytes, end) = await client.receive()
            #expect(String(decoding: bytes, as: UTF8.self) == "bye")
            #expect(end == .finished)
        }
    }

    @Test(
        "a reset that waits is called off at once, and the stream goes on (upstream #760)",
        arguments: ProxyDriverKind.available)
    func interruptible(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let (client, server, _) = try await self.pair(world)
            try await world.addToxic(
                "reset_peer", to: "p", stream: "upstream", ["timeout": 3_600_000])
            try await client.send("abc")
            try await world.ask("DELETE", "proxies/p/toxics/reset_peer_upstream", expecting: 204)
            try await client.send("def")
            #expect(await server.text(6) == "abcdef")
        }
    }

    @Test("reset_peer resets both sides", arguments: ProxyDriverKind.available)
    func resets(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let (client, server, _) = try await self.pair(world)
            try await world.addToxic("reset_peer", to: "p", stream: "upstream")
            try await client.send("abc")
            #expect(await client.end() == .failed(ECONNRESET))
            #expect(await server.end() == .failed(ECONNRESET))
        }
    }

    @Test(
        "limit_data is exact to the byte; removing timeout closes",
        arguments: ProxyDriverKind.available)
    func limitsAndTimeouts(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let (client, server, listener) = try await self.pair(world)
            try await world.addToxic("limit_data", to: "p", ["bytes": 1000])
            try await server.send([UInt8](repeating: 1, count: 5000))
            let (bytes, end) = await client.receive()
            #expect(bytes.count == 1000)
            #expect(end == .finished)
            try await world.ask("DELETE", "proxies/p/toxics/limit_data_downstream", expecting: 204)
            let port = try World.port(of: try await world.ask("GET", "proxies/p"))
            let second = try await Socket.connect(port)
            let peer = try await listener.accept()
            try await world.addToxic("timeout", to: "p")
            try await peer.send("lost")
            try await world.ask("DELETE", "proxies/p/toxics/timeout_downstream", expecting: 204)
            let (rest, how) = await second.receive()
            #expect(rest.isEmpty)
            #expect(how == .finished)
        }
    }

    @Test(
        "disabling closes connections and refuses new ones; deleting does too",
        arguments: ProxyDriverKind.available)
    func disables(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let (client, server, listener) = try await self.pair(world)
            let port = try World.port(of: try await world.ask("GET", "proxies/p"))
            try await world.ask("PATCH", "proxies/p", ["enabled": false])
            #expect(await client.end() == .finished)
            #expect(await server.end() == .finished)
            await #expect(throws: SocketError(number: ECONNREFUSED)) {
                _ = try await Socket.connect(port)
            }
            try await world.ask("POST", "reset", expecting: 204)
            let again = try await Socket.connect(port)
            let peer = try await listener.accept()
            try await again.send("x")
            #expect(await peer.text(1) == "x")
            try await world.ask("DELETE", "proxies/p", expecting: 204)
            #expect(await again.end() == .finished)
            await #expect(throws: SocketError(number: ECONNREFUSED)) {
                _ = try await Socket.connect(port)
            }
        }
    }

    @Test("Unix sockets on either side", arguments: ProxyDriverKind.available)
    func unixSockets(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let (listener, upstream) = try Socket.listen()
            let folder = "/tmp/chaos-toxic-\(UUID().uuidString.prefix(8))"
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: false)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            // One proxy listens on a Unix socket, another dials it.
            try await world.ask(
                "POST", "proxies",
                [
                    "name": "inner", "listen": .string("unix:\(folder)/s"),
                    "upstream": .string("127.0.0.1:\(upstream)"),
                ], expecting: 201)
            let outer = try await world.ask(
                "POST", "proxies",
                [
                    "name": "outer", "listen": "127.0.0.1:0",
                    "upstream": .string("unix:\(folder)/s"),
                ], expecting: 201)
            let client = try await Socket.connect(try World.port(of: outer))
            let server = try await listener.accept()
            try await client.send("ping")
            #expect(await server.text(4) == "ping")
            let direct = try await Socket.connect(path: "\(folder)/s")
            let other = try await listener.accept()
            try await other.send("pong")
            #expect(await direct.text(4) == "pong")
            try await world.ask("DELETE", "proxies/inner", expecting: 204)
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/s"))
        }
    }

    @Test("toxics of our own: down, corrupt, delay", arguments: ProxyDriverKind.available)
    func ownToxics(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let (client, server, listener) = try await self.pair(world)
            let port = try World.port(of: try await world.ask("GET", "proxies/p"))
            // Nobody comes in any more, and who was in stays in (upstream #155, #410).
            try await world.addToxic("down", to: "p")
            await #expect(throws: SocketError(number: ECONNREFUSED)) {
                _ = try await Socket.connect(port)
            }
            try await client.send("still in")
            #expect(await server.text(8) == "still in")
            try await world.ask("DELETE", "proxies/p/toxics/down_downstream", expecting: 204)
            // Bits flip in one direction, decided block by block, and none is lost (PR #451).
            try await world.addToxic(
                "corrupt", to: "p", stream: "upstream", ["probability": 1, "bits": 1])
            let victim = try await Socket.connect(port)
            let witness = try await listener.accept()
            try await victim.send([UInt8](repeating: 0, count: 1448))
            let (bytes, _) = await witness.receive(1448)
            #expect(bytes.count == 1448)
            #expect(bytes.map(\.nonzeroBitCount).reduce(0, +) == 1)
            try await world.ask("POST", "reset", expecting: 204)
            try await victim.send([0])
            #expect(await witness.receive(1).bytes == [0])
            try await world.addToxic(
                "delay", to: "p",
                ["latency": 100, "jitter": 1, "distribution": "pareto", "correlation": 0.5])
            let begin = ContinuousClock.now
            try await server.send("x")
            #expect(await client.text(1) == "x")
            #expect(ContinuousClock.now - begin >= .milliseconds(50))
            try await world.ask(
                "POST", "proxies/p/toxics", ["type": "down", "toxicity": 0.5], expecting: 400)
            try await world.ask(
                "POST", "proxies/p/toxics",
                ["type": "loss", "attributes": ["probability": 1.5]], expecting: 400)
        }
    }

    @Test("a proxy that is born down keeps its port", arguments: ProxyDriverKind.available)
    func bornDown(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let (listener, upstream) = try Socket.listen()
            let proxy = try await world.ask(
                "POST", "proxies",
                [
                    "name": "p", "listen": "127.0.0.1:0",
                    "upstream": .string("127.0.0.1:\(upstream)"), "toxics": [["type": "down"]],
                ], expecting: 201)
            let port = try World.port(of: proxy)
            #expect(port != 0)
            await #expect(throws: SocketError(number: ECONNREFUSED)) {
                _ = try await Socket.connect(port)
            }
            try await world.ask("DELETE", "proxies/p/toxics/down_downstream", expecting: 204)
            let client = try await Socket.connect(port)
            let server = try await listener.accept()
            try await client.send("x")
            #expect(await server.text(1) == "x")
        }
    }

    @Test(
        "which connections a toxic is for depends on the seed (upstream PR #610)",
        arguments: ProxyDriverKind.available)
    func seeded(_ driver: ProxyDriverKind) async throws {
        func struck(_ seed: UInt64) async throws -> [Bool] {
            var struck: [Bool] = []
            try await World.with(driver, seed: seed) { world in
                let (listener, upstream) = try Socket.listen()
                let port = try await world.makeProxy("p", to: upstream)
                try await world.addToxic(
                    "limit_data", to: "p", stream: "upstream", toxicity: 0.5)
                for _ in 0..<24 {
                    let client = try await Socket.connect(port)
                    let server = try await listener.accept()
                    try await client.send("x")
                    let (bytes, _) = await server.receive(1)
                    struck.append(bytes.isEmpty)
                }
            }
            return struck
        }
        let first = try await struck(7)
        #expect(first.contains(true) && first.contains(false))
        #expect(try await struck(7) == first)
        #expect(try await struck(8) != first)
    }

    @Test(
        "hundreds of connections wait for nobody, and no request for them (upstream #427)",
        arguments: ProxyDriverKind.available)
    func manyConnections(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let (listener, upstream) = try Socket.listen()
            let port = try await world.makeProxy("p", to: upstream)
            var clients: [Socket] = []
            for _ in 0..<500 { clients.append(try await Socket.connect(port)) }
            for _ in 0..<20 {
                try await world.addToxic("latency", to: "p", ["latency": 1])
                try await world.ask("PATCH", "proxies/p/toxics/latency_downstream", [:])
                try await world.ask(
                    "DELETE", "proxies/p/toxics/latency_downstream", expecting: 204)
            }
            let server = try await listener.accept()
            try await server.send("x")
            #expect(await clients[0].text(1) == "x")
            try await world.ask("DELETE", "proxies/p", expecting: 204)
            for client in clients { #expect(await client.end() == .finished) }
        }
    }
}
