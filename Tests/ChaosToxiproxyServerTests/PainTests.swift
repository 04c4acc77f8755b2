import ChaosCore
import ChaosProxy
import Foundation
import Testing

/// Pains of Toxiproxy's users that no other suite has, each with what would be without its cure.
@Suite("Pains")
struct PainTests {
    @Test(
        "attributes that crash upstream are refused, and bytes go on (upstream #541, #770)",
        arguments: ProxyDriverKind.available)
    func crashes(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let (listener, upstream) = try Socket.listen()
            let port = try await world.makeProxy("p", to: upstream)
            let client = try await Socket.connect(port)
            let server = try await listener.accept()
            let hostile: [(type: String, attributes: JSONValue)] = [
                ("slicer", [:]), ("slicer", ["average_size": -1]),
                ("slicer", ["average_size": 5, "size_variation": 5]),
                ("bandwidth", ["rate": -1]), ("bandwidth", ["rate": .int(.max)]),
                ("latency", ["jitter": .int(.max)]),
            ]
            for (type, attributes) in hostile {
                try await world.ask(
                    "POST", "proxies/p/toxics",
                    ["type": .string(type), "attributes": attributes], expecting: 400)
            }
            // What upstream takes without harm is taken.
            let harmless: [(type: String, attributes: JSONValue)] = [
                ("latency", ["latency": .int(.min)]), ("limit_data", ["bytes": .int(.max)]),
                ("slow_close", ["delay": .int(.min)]), ("latency", ["jitter": -5]),
                ("slicer", ["average_size": .int(.max)]),
            ]
            for (number, toxic) in harmless.enumerated() {
                try await world.addToxic(
                    toxic.type, to: "p", name: "t\(number)", toxic.attributes)
            }
            try await server.send("alive")
            #expect(await client.text(5) == "alive")
        }
    }

    @Test(
        "bandwidth may be shared by all connections (upstream #613, #190)",
        arguments: ProxyDriverKind.available)
    func shared(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            let (listener, upstream) = try Socket.listen()
            let port = try await world.makeProxy("p", to: upstream)
            try await world.addToxic("bandwidth", to: "p", ["rate": 100, "scope": "proxy"])
            var pairs: [(client: Socket, server: Socket)] = []
            for _ in 0..<4 {
                let client = try await Socket.connect(port)
                pairs.append((client, try await listener.accept()))
            }
            let begin = ContinuousClock.now
            for pair in pairs { try await pair.server.send([UInt8](repeating: 1, count: 10_000)) }
            for pair in pairs { #expect(await pair.client.receive(10_000).bytes.count == 10_000) }
            // Each alone would take a tenth of a second.
            #expect(ContinuousClock.now - begin >= .milliseconds(390))
        }
    }

    @Test(
        "upstreams that never answer hold up neither accepts nor the API (upstream #427, #558)",
        arguments: ProxyDriverKind.available)
    func slowDials(_ driver: ProxyDriverKind) async throws {
        try await World.with(driver) { world in
            // Its queue is full, so the kernel drops whoever else comes.
            let (deaf, dead) = try Socket.listen(backlog: 0)
            let first = try await Socket.connect(dead)
            let port = try await world.makeProxy("p", to: dead)
            var clients: [Socket] = []
            for _ in 0..<20 { clients.append(try await Socket.connect(port)) }
            try await world.addToxic("latency", to: "p", ["latency": 1])
            try await world.ask("GET", "proxies/p/toxics")
            try await world.ask("PATCH", "proxies/p", ["enabled": false])
            for client in clients { #expect(await client.end() == .finished) }
            try await world.ask("POST", "reset", expecting: 204)
            clients.append(try await Socket.connect(port))
            try await world.ask("DELETE", "proxies/p", expecting: 204)
            #expect(await clients[20].end() == .finished)
            withExtendedLifetime((deaf, first)) {}
        }
    }
}
