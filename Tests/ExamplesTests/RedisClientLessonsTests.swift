import Foundation
import Testing

/// The lessons of Redis clients, with Debian's redis-server in the place of ours.
@Suite("examples: Redis clients and the real server", .serialized)
struct RedisClientLessonsTests {
    private static let ours = "chaos-node redis-server --variant no"
    private static let real =
        "redis-server --bind {host} --port {port} --protected-mode no --dir {dir} --save '' --appendonly no"

    init() throws { try requireProgram("redis-server", package: "redis-server") }

    private func test(_ lesson: String) async throws -> (code: Int32, result: ExampleResult) {
        let text = try String(contentsOfFile: ExampleRun.example("\(lesson).yaml"), encoding: .utf8)
        try #require(text.contains(Self.ours))
        let file = FileManager.default.temporaryDirectory
            .appending(path: "chaos-\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: file) }
        try text.replacing(Self.ours, with: Self.real)
            .write(to: file, atomically: true, encoding: .utf8)
        let run = try ExampleRun(["test", "--quiet", file.path, "--seed", "1"])
        let code = try await run.exitCode()
        return (code, try run.result())
    }

    @Test(arguments: [
        "redis-blocking/deadline", "redis-pipelined/parse-all", "redis-reconnecting/backoff",
        "redis-pool/in-turn",
    ])
    func theRightOnesSurvive(lesson: String) async throws {
        let (code, result) = try await self.test(lesson)
        #expect(code == 0 && result.verdict == "valid", "\(result.findings)")
        // Whether a reply is lost in half a second is up to the draws; everything else strikes for certain.
        #expect(result.faults.allSatisfy { $0.touched > 0 }, "\(result.faults)")
        #expect(result.faults.count { $0.hits > 0 } >= 5, "\(result.faults)")
    }

    /// One of them: the others differ in nothing that the server could matter for.
    @Test func aWrongOneIsCaught() async throws {
        let (code, result) = try await self.test("redis-reconnecting/keeps-queue")
        #expect(code == 0 && result.verdict == "invalid", "\(result.findings)")
        #expect(result.findings.flatMap(\.anomalies).contains("wrong-echo"))
    }
}
