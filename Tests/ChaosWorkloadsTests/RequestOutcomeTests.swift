import ChaosCheckers
import ChaosCore
import NIOCore
import NIOPosix
import NodeKit
import Testing

@testable import ChaosWorkloads

/// Answers as a request asks it to.
private struct Puppet: Node {
    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        guard case .message(let message) = input else { return [] }
        switch message["echo"] {
        case "silence": return []
        case "definite": return [.error(to: message, .abort, "no")]
        case "indefinite": return [.error(to: message, .timeout, "perhaps")]
        case "own": return [.error(to: message, ErrorCode(rawValue: 1001), "whatever")]
        case "other": return [.reply(to: message, ["type": "pong"])]
        case "empty": return [.reply(to: message, ["type": "echo_ok"])]
        case "twice":
            let reply = Effect.reply(to: message, ["type": "echo_ok", "echo": "twice"])
            return [reply, reply]
        case let payload:
            return [.reply(to: message, ["type": "echo_ok", "echo": payload ?? nil])]
        }
    }
}

@Suite("What clients make of replies", .timeLimit(.minutes(1)))
struct RequestOutcomeTests {
    private func makeContext(port: Int) -> WorkloadContext {
        let recorder = HistoryRecorder(now: { .start })
        return WorkloadContext(
            nodes: [ClientAddress(node: "n1", host: "127.0.0.1", port: port)], seed: Seed(1),
            recorder: recorder, now: { .start })
    }

    private func echo(_ payload: String) -> PlannedRequest {
        PlannedRequest(
            function: "echo", argument: .string(payload),
            body: ["type": "echo", "echo": .string(payload)], replyType: "echo_ok",
            result: { $0["echo"] })
    }

    private func perform(
        _ payload: String, by client: Client, _ context: WorkloadContext,
        timeout: Duration = .seconds(30)
    ) async throws -> Operation {
        await context.perform(self.echo(payload), by: client, timeout: timeout)
        return try #require(context.recorder.history.operations.last)
    }

    @Test(arguments: [
        ("hello", Operation.Kind.ok, nil), ("twice", .ok, nil),
        ("definite", .fail, "error 14: no"), ("indefinite", .info, "error 0: perhaps"),
        ("own", .info, "error 1001: whatever"),
        ("other", .info, "the reply is 'pong' and not 'echo_ok'"),
        ("empty", .info, "the reply 'echo_ok' lacks what was asked for"),
    ])
    func followsTheReply(payload: String, kind: Operation.Kind, error: String?) async throws {
        let node = try await TCPNode.listen(host: "127.0.0.1", port: 0)
        try await node.run(Puppet(), id: "n1")
        let context = self.makeContext(port: node.port)
        let client = try await Client.make(name: "c1", node: context.nodes[0])
        let end = try await self.perform(payload, by: client, context)
        #expect(end.kind == kind)
        #expect(end.error == error)
        #expect(end.value == .string(payload))
        await client.close()
        await node.stop()
    }

    @Test func aTimeoutIsUnknownAndALateReplyHarmless() async throws {
        let node = try await TCPNode.listen(host: "127.0.0.1", port: 0)
        try await node.run(Puppet(), id: "n1")
        let context = self.makeContext(port: node.port)
        let client = try await Client.make(name: "c1", node: context.nodes[0])
        let end = try await self.perform("silence", by: client, context, timeout: .milliseconds(20))
        #expect(end.kind == .info)
        #expect(end.error == "no reply within 20ms")
        let next = try await self.perform("hello", by: client, context)
        #expect(next.kind == .ok)
        await client.close()
        await node.stop()
    }

    @Test func aRefusedConnectionIsAFailureAndIsTriedAgain() async throws {
        let reserved = try await TCPNode.listen(host: "127.0.0.1", port: 0)
        let context = self.makeContext(port: reserved.port)
        await reserved.stop()
        let client = try await Client.make(name: "c1", node: context.nodes[0])
        let end = try await self.perform("hello", by: client, context)
        #expect(end.kind == .fail)
        #expect(end.error == "cannot connect: connection refused")
        // The same client finds the node once it is there.
        let node = try await TCPNode.listen(host: "127.0.0.1", port: reserved.port)
        try await node.run(Puppet(), id: "n1")
        #expect(try await self.perform("hello", by: client, context).kind == .ok)
        await client.close()
        await node.stop()
    }

    @Test func anEndOfTheConnectionAfterSendingIsUnknown() async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = LineConnection(pausesWhenUnread: false) { connection, event in
                        if case .read = event { connection.close() }
                    }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let context = self.makeContext(port: server.localAddress?.port ?? 0)
        let client = try await Client.make(name: "c1", node: context.nodes[0])
        for _ in 0..<3 {
            let end = try await self.perform("hello", by: client, context)
            #expect(end.kind == .info)
            #expect(end.error == "the connection ended before the reply")
        }
        await client.close()
        try await server.close()
    }

    @Test func manyRequestsShareAConnection() async throws {
        let node = try await TCPNode.listen(host: "127.0.0.1", port: 0)
        try await node.run(Puppet(), id: "n1")
        let context = self.makeContext(port: node.port)
        let client = try await Client.make(name: "c1", node: context.nodes[0])
        await withDiscardingTaskGroup { group in
            for number in 0..<500 {
                group.addTask { await context.perform(self.echo("text \(number)"), by: client) }
            }
        }
        let finding = EchoChecker().check(context.recorder.history)
        #expect(finding.verdict == .valid)
        #expect(finding.statistics["answered_count"] == 500)
        await client.close()
        await node.stop()
    }

    @Test func theEchoWorkloadEndsValid() async throws {
        let node = try await TCPNode.listen(host: "127.0.0.1", port: 0)
        try await node.run(Puppet(), id: "n1")
        let origin = ContinuousClock.now
        let now: @Sendable () -> Instant = { .start + (ContinuousClock.now - origin) }
        let context = WorkloadContext(
            nodes: [ClientAddress(node: "n1", host: "127.0.0.1", port: node.port)], seed: Seed(1),
            recorder: HistoryRecorder(now: now), now: now)
        let workload = try makeWorkload(
            kind: "echo", parameters: ["rate": "300/s", "for": "200ms", "concurrency": 3])
        try await workload.runLoad(context)
        try await workload.runFinalReads(context)
        let finding = EchoChecker().check(context.recorder.history)
        #expect(finding.verdict == .valid)
        #expect(context.recorder.history.invocations.count > 30)
        await node.stop()
    }
}
