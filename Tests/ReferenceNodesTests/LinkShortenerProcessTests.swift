import ChaosCore
import Foundation
import NodeKit
import ReferenceNodes
import Synchronization
import Testing

/// The link shortener as people use it: over HTTP with `curl`, on a Redis server.
@Suite("The link shortener over HTTP", .serialized, .timeLimit(.minutes(1)))
struct LinkShortenerProcessTests {
    /// What curl shows of one request: status, Location, body.
    private func curl(_ arguments: [String]) throws -> String {
        let program = "/usr/bin/curl"
        try #require(
            FileManager.default.isExecutableFile(atPath: program),
            "this test runs curl: sudo apt-get install curl")
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments =
            ["-s", "-w", "|%{http_code}|%{redirect_url}", "--max-time", "5"] + arguments
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }

    private func withShortener(
        on redis: RedisProcess, _ body: (String) async throws -> Void
    ) async throws {
        let node = try await TCPNode.listen(host: "127.0.0.1", port: 0)
        let address = Mutex("")
        let variant = try ReferenceSystem.named("link-shortener").variant(named: nil)
        try await node.run(
            variant.makeNode(), id: "n1", http: ("127.0.0.1", 0),
            redis: ("127.0.0.1", redis.port),
            log: { sentence in
                let word = sentence.split(separator: " ").last.map(String.init) ?? ""
                if sentence.hasPrefix("takes HTTP") { address.withLock { $0 = word } }
            })
        do { try await body("http://" + address.withLock { $0 }) } catch {
            await node.stop()
            throw error
        }
        await node.stop()
    }

    @Test(arguments: [true, false]) func answersCurl(isReal: Bool) async throws {
        let redis = isReal ? try await RedisProcess.real() : try await RedisProcess.ours()
        try await self.withShortener(on: redis) { base in
            let url = "https://elixiroutlaws.com"
            func expect(_ answer: String, _ arguments: String...) throws {
                let found = try self.curl(arguments)
                #expect(found == answer)
            }
            try expect("m9HS_w|201|", "-d", "url=\(url)", base)
            try expect("mine|201|", "-d", "url=\(url)", "-d", "code=mine", base)
            try expect(
                "Unable to shorten https://a/|422|", "-d", "url=https://a/", "-d", "code=mine", base
            )
            try expect("\(url)|302|\(url)/", "\(base)/m9HS_w")
            try expect("\(url)|302|\(url)/", "\(base)/m9HS_w")
            try expect("Redirects: 2|200|", "\(base)/m9HS_w/aggregates")
            try expect("Not Found|404|", "\(base)/unknown")
            try expect("oops|404|", "-X", "PUT", "\(base)/x")
            await redis.kill()
            // What was followed before leads there still, and what is asked of Redis is not known.
            try expect("\(url)|302|\(url)/", "\(base)/m9HS_w")
            let other = try self.curl(["\(base)/other"])
            #expect(other.hasSuffix("|503|"))
        }
    }
}
