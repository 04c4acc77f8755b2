import ChaosCore
import ChaosProxy
import ChaosToxiproxy
import ChaosToxiproxyServer
import Foundation
import Logging
import NIOConcurrencyHelpers
import Testing

/// A server of the API in this process, asked over HTTP, and an upstream that sends back what it gets.
final class World: Sendable {
    let port: Int
    let server: ToxiproxyServer
    private let serving: Task<Void, any Error>
    let client: ToxiproxyClient

    static func with(
        _ driver: ProxyDriverKind, seed: UInt64 = 1, state: String? = nil,
        refusal: UpstreamRefusal = .reset, _ body: (World) async throws -> Void
    ) async throws {
        var settings = ToxiproxySettings(version: "2.12.0")
        settings.host = "127.0.0.1"
        settings.port = 0
        settings.seed = Seed(seed)
        settings.stateFile = state
        settings.refusal = refusal
        settings.proxyMetrics = true
        settings.runtimeMetrics = true
        // Machines that run tests are busy; that answers come in time is a test of its own.
        settings.answerTime = .seconds(10)
        let world = try await World(settings, driver)
        do { try await body(world) } catch {
            await world.close()
            throw error
        }
        await world.close()
    }

    private init(_ settings: ToxiproxySettings, _ driver: ProxyDriverKind) async throws {
        let log = Logger(label: "test") { JSONLog(label: $0, level: .critical) }
        let server = try await ToxiproxyServer(settings, driver: driver, log: log)
        let (ports, port) = AsyncStream<Int>.makeStream()
        self.server = server
        self.serving = Task {
            defer { port.finish() }
            try await server.run { port.yield($0) }
        }
        var found: Int?
        for await number in ports {
            found = number
            break
        }
        self.port = try #require(found)
        self.client = try ToxiproxyClient(url: "127.0.0.1:\(self.port)")
    }

    private func close() async {
        self.serving.cancel()
        _ = await self.serving.result
        await self.server.close()
    }

    @discardableResult
    func ask(
        _ method: String, _ path: String, _ body: JSONValue? = nil, expecting status: Int = 200
    ) async throws -> JSONValue {
        let answer = try await self.client.ask(
            method, path.split(separator: "/").map(String.init), body)
        #expect(answer.status == status, "\(method) \(path): \(answer.body.text)")
        return answer.body
    }

    /// The metrics, line by line.
    func metrics() async throws -> [String] {
        let socket = try await Socket.connect(UInt16(self.port))
        try await socket.send("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return String(decoding: await socket.receive().bytes, as: UTF8.self)
            .components(separatedBy: "\n")
    }

    private func line(_ part: String) async throws -> String {
        try await self.metrics().first { $0.contains(part) && !$0.hasPrefix("#") } ?? "no \(part)"
    }

    /// Expects a metric to be something.
    func expect(_ metric: String, _ value: String) async throws {
        let line = try await self.line(metric)
        #expect(line.hasSuffix(value), "\(line)")
    }

    /// Waits until a metric is something.
    func wait(for metric: String, _ value: String) async throws {
        while try await !self.line(metric).hasSuffix(value) { await Task.yield() }
    }

    /// Makes a proxy; returns the port on which it listens.
    func makeProxy(_ name: String, to upstream: UInt16) async throws -> UInt16 {
        let proxy = try await self.ask(
            "POST", "proxies",
            [
                "name": .string(name), "listen": "127.0.0.1:0",
                "upstream": .string("127.0.0.1:\(upstream)"),
            ], expecting: 201)
        return try Self.port(of: proxy)
    }

    static func port(of proxy: JSONValue) throws -> UInt16 {
        let listen = try #require(proxy["listen"]?.stringValue)
        return try #require(UInt16(listen.split(separator: ":").last ?? ""))
    }

    func addToxic(
        _ type: String, to proxy: String, stream: String = "downstream", toxicity: Double = 1,
        name: String? = nil, _ attributes: JSONValue = [:]
    ) async throws {
        var toxic: JSONObject = [
            "type": .string(type), "stream": .string(stream), "toxicity": .double(toxicity),
            "attributes": attributes,
        ]
        if let name { toxic["name"] = .string(name) }
        try await self.ask("POST", "proxies/\(proxy)/toxics", .object(toxic))
    }
}
