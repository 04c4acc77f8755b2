import ChaosCore
import NodeKit
import Testing

/// Answers `echo`; passes `relay{to, body}` on to another node and tells a client what arrives.
private struct Parrot: Node {
    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        guard case .message(let message) = input else { return [] }
        switch message.type {
        case "echo":
            return [.reply(to: message, ["type": "echo_ok", "echo": message["echo"] ?? nil])]
        case "relay":
            let target = message["to"]?.stringValue ?? ""
            return [.send(to: target, ["type": "relayed", "text": message["text"] ?? nil])]
        case "relayed":
            return [.send(to: "c1", ["type": "heard", "text": message["text"] ?? nil])]
        default: return [.unsupported(message)]
        }
    }
}

/// Writes down every `echo`, and answers with how many there were in all its lives.
private struct Notary: Node {
    private var count: Int64 = 0

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership): self.count = Int64(membership.life.records.count)
        case .timer: break
        case .message(let message):
            self.count += 1
            return [
                .append(message["echo"] ?? nil),
                .reply(to: message, ["type": "noted", "count": .int(self.count)]),
            ]
        }
        return []
    }
}

private func echo(_ id: Int, _ text: String, source: String = "c1") -> String {
    let payload = JSONValue.string(text).text
    return
        #"{"src":"\#(source)","dest":"n1","body":{"type":"echo","msg_id":\#(id),"#
        + #""echo":\#(payload)}}"# + "\n"
}

private func answer(_ id: Int, _ text: String, source: String = "c1") -> String {
    let payload = JSONValue.string(text).text
    return
        #"{"src":"n1","dest":"\#(source)","body":{"type":"echo_ok","echo":\#(payload),"#
        + #""in_reply_to":\#(id)}}"#
}

@Suite("Nodes over TCP", .timeLimit(.minutes(1)))
struct TCPNodeTests {
    private func withParrot(
        _ body: (TCPNode, LineClient, Sentences) async throws -> Void
    ) async throws {
        let sentences = Sentences()
        let node = try await TCPNode.listen(host: "127.0.0.1", port: 0)
        try await node.run(Parrot(), id: "n1", log: sentences.add)
        let client = try await LineClient.connect(to: node)
        try await body(node, client, sentences)
        await client.close()
        await node.stop()
    }

    @Test func answersRequests() async throws {
        try await self.withParrot { _, client, _ in
            try await client.send(echo(1, "é\n\"😀") + echo(2, ""))
            #expect(await client.read(2) == [answer(1, "é\n\"😀"), answer(2, "")])
        }
    }

    @Test(arguments: 1...UInt64(5))
    func findsMessagesHoweverTheStreamIsCut(seed: UInt64) async throws {
        try await self.withParrot { _, client, _ in
            var generator = Seed(seed).generator
            var stream = Array((0..<40).map { echo($0, "text \($0)") }.joined().utf8)[...]
            while !stream.isEmpty {
                let size = min(stream.count, 1 + generator.next(below: 300))
                try await client.send(stream.prefix(size))
                stream = stream.dropFirst(size)
            }
            #expect(await client.read(40) == (0..<40).map { answer($0, "text \($0)") })
        }
    }

    @Test func carriesAMebibyte() async throws {
        try await self.withParrot { _, client, _ in
            let text = String(repeating: "x", count: 1 << 20)
            try await client.send(echo(1, text))
            #expect(await client.read(1) == [answer(1, text)])
        }
    }

    @Test func livesOnAfterLinesThatAreNoMessages() async throws {
        try await self.withParrot { _, client, sentences in
            try await client.send("nonsense\n{}\n" + echo(1, "still here"))
            #expect(await client.read(1) == [answer(1, "still here")])
            let first = try #require(await sentences.next())
            #expect(first.hasPrefix("skipped a line of 8 bytes from 127.0.0.1:"))
            #expect(
                first.hasSuffix(
                    ": a message is one JSON object on a line: byte 0: a value must be an object,"
                        + " array, string, number, true, false or null"))
            let second = try #require(await sentences.next())
            #expect(second.hasSuffix(": a message has its sender's name in 'src'"))
        }
    }

    @Test func livesOnAfterALineOverTheLimit() async throws {
        try await self.withParrot { _, client, sentences in
            let size = (16 << 20) + 1
            try await client.send(Array(repeating: UInt8(ascii: "x"), count: size))
            try await client.send("\n" + echo(1, "still here"))
            #expect(await client.read(1) == [answer(1, "still here")])
            let report = try #require(await sentences.next())
            #expect(report.hasPrefix("skipped a line of 16777217 bytes from 127.0.0.1:"))
            #expect(report.hasSuffix(": a message has at most 16777216 bytes"))
        }
    }

    @Test func repliesWhereANameWasLastHeard() async throws {
        try await self.withParrot { node, first, _ in
            try await first.send(echo(1, "a") + echo(1, "b", source: "c2"))
            #expect(await first.read(2) == [answer(1, "a"), answer(1, "b", source: "c2")])
            let second = try await LineClient.connect(to: node)
            try await second.send(echo(2, "c"))
            #expect(await second.read(1) == [answer(2, "c")])
            // The other name stays with the first connection.
            try await first.send(echo(3, "d", source: "c2"))
            #expect(await first.read(1) == [answer(3, "d", source: "c2")])
            await second.close()
        }
    }

    @Test func mayBeStoppedTwice() async throws {
        let node = try await TCPNode.listen(host: "127.0.0.1", port: 0)
        try await node.run(Parrot(), id: "n1")
        await node.stop()
        await node.stop()
        await node.waitUntilStopped()
    }

    @Test func saysWhyItCannotListen() async throws {
        let node = try await TCPNode.listen(host: "127.0.0.1", port: 0)
        #expect(node.port != 0)
        await #expect {
            _ = try await TCPNode.listen(host: "127.0.0.1", port: node.port)
        } throws: { error in
            "\(error)"
                == "cannot listen on 127.0.0.1:\(node.port): address already in use"
                + "\nhint: another process has this address"
                && (error as? NodeError)?.code.exitCode == 69
        }
        await node.stop()
    }

    private func relay(_ text: String) -> String {
        #"{"src":"c1","dest":"n1","body":{"type":"relay","to":"n2","text":"\#(text)"}}"# + "\n"
    }

    private func register(_ client: LineClient, with node: String) async throws {
        try await client.send(
            #"{"src":"c1","dest":"\#(node)","body":{"type":"echo","msg_id":1,"echo":0}}"# + "\n")
        #expect(await client.read(1).count == 1)
    }

    @Test func messagesWaitForAPeerThatComesLater() async throws {
        // The second node's address is known before it listens.
        let reserved = try await TCPNode.listen(host: "127.0.0.1", port: 0)
        let port = reserved.port
        await reserved.stop()
        let first = try await TCPNode.listen(host: "127.0.0.1", port: 0)
        let peers = PeerList([(name: "n2", host: "127.0.0.1", port: port)])
        try await first.run(Parrot(), id: "n1", peers: peers, seed: 1)
        let sender = try await LineClient.connect(to: first)
        try await sender.send(self.relay("early"))
        try await self.register(sender, with: "n1")

        let second = try await TCPNode.listen(host: "127.0.0.1", port: port)
        // The message may arrive before anybody has registered, so the listener tells.
        let (arrived, continuation) = AsyncStream.makeStream(of: String.self)
        try await second.run(Listener { continuation.yield($0) }, id: "n2", seed: 2)
        var arrivals = arrived.makeAsyncIterator()
        #expect(await arrivals.next() == "early")

        // After a restart of the peer the connection is made again.
        await second.stop()
        let third = try await TCPNode.listen(host: "127.0.0.1", port: port)
        try await third.run(Listener { continuation.yield($0) }, id: "n2", seed: 3)
        // What is written to the broken connection may be lost, so it is said until it is heard.
        let repeating = Task {
            while !Task.isCancelled {
                try await sender.send(self.relay("again"))
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        #expect(await arrivals.next() == "again")
        repeating.cancel()
        await sender.close()
        await first.stop()
        await third.stop()
    }

    @Test func thousandsOfRequestsInFlightDoNotMix() async throws {
        try await self.withParrot { node, _, _ in
            try await withThrowingTaskGroup { group in
                for name in 1...8 {
                    group.addTask {
                        let client = try await LineClient.connect(to: node)
                        let source = "c\(name)"
                        let requests = (0..<250).map { echo($0, "\(source) \($0)", source: source) }
                        try await client.send(requests.joined())
                        let expected = (0..<250).map {
                            answer($0, "\(source) \($0)", source: source)
                        }
                        #expect(await client.read(250) == expected)
                        await client.close()
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func knowsInTheNextLifeWhatItWroteDown() async throws {
        let folder = TemporaryFolder()
        for life in 0..<2 {
            let node = try await TCPNode.listen(host: "127.0.0.1", port: 0)
            try await node.run(Notary(), id: "n1", folder: folder.path)
            let client = try await LineClient.connect(to: node)
            try await client.send(echo(1, "a") + echo(2, "b"))
            let counts = [2 * life + 1, 2 * life + 2]
            #expect(
                await client.read(2)
                    == counts.enumerated().map { index, count in
                        #"{"src":"n1","dest":"c1","body":{"type":"noted","count":\#(count),"#
                            + #""in_reply_to":\#(index + 1)}}"#
                    })
            await client.close()
            await node.stop()
            #expect(node.failure == nil)
        }
        let log = LogCodec.records(in: folder.bytes("n1/log"))
        #expect(log.records == ["a", "b", "a", "b"])
    }

    @Test func doesNotRunOnAFolderThatCannotBeHad() async throws {
        let node = try await TCPNode.listen(host: "127.0.0.1", port: 0)
        await #expect {
            try await node.run(Notary(), id: "n1", folder: "/dev/null/x")
        } throws: {
            "\($0)" == "cannot make the folder '/dev/null/x': not a directory"
        }
        await node.stop()
    }
}

/// Tells a closure what is relayed to it.
private struct Listener: Node {
    let hear: @Sendable (String) -> Void

    init(hear: @escaping @Sendable (String) -> Void) { self.hear = hear }

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        if case .message(let message) = input, message.type == "relayed" {
            self.hear(message["text"]?.stringValue ?? "")
        }
        return []
    }
}
