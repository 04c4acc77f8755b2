import ChaosCore
import NodeKit
import Testing

@Suite("Requests over HTTP", .timeLimit(.minutes(1)))
struct HTTPTests {
    private func request(_ target: String, body: String = "") throws -> HTTPRequest {
        let body = HTTPRequest.body("GET", target, headers: ["host": "a:1"], body: body)
        return try #require(HTTPRequest(Message(from: "c1", to: "n1", body: body)))
    }

    @Test func pathsAndFormsAreRead() throws {
        let request = try self.request(
            "/a/b%20c?x=1&y=two+words&z", body: "url=http://a/?b=c&n=%C3%BC")
        #expect(request.path == ["a", "b c"])
        #expect(request.query == ["x": "1", "y": "two words", "z": ""])
        #expect(request.form == ["url": "http://a/?b=c", "n": "ü"])
        #expect(request.header("Host") == "a:1" && request.header("accept") == nil)
        #expect(try self.request("/").path == [])
        // What is no escape stays as it is.
        #expect(try self.request("/100%/%zz/%+f").path == ["100%", "%zz", "%+f"])
        #expect(HTTPRequest(Message(from: "c1", to: "n1", body: ["type": "read"])) == nil)
    }

    /// Answers with what it was asked, refuses "/refuse", and crashes into an error at "/break".
    private struct Mirror: Node {
        func handle(_ input: Input, at now: Duration) -> [Effect] {
            guard case .message(let message) = input, let request = HTTPRequest(message) else {
                return []
            }
            switch request.path.first {
            case "refuse": return [.error(to: message, .malformedRequest, "no")]
            case "json": return [.respond(to: request, 200, json: ["a": 1])]
            default:
                let text = "\(request.method) \(request.path) \(request.body)\n"
                return [.respond(to: request, 201, text, headers: ["x-name": "one\r\ntwo"])]
            }
        }
    }

    private func withMirror(
        _ body: (LineClient) async throws -> Void
    ) async throws {
        let node = try await TCPNode.listen(host: "127.0.0.1", port: 0)
        let sentences = Sentences()
        try await node.run(Mirror(), id: "n1", http: ("127.0.0.1", 0), log: sentences.add)
        let sentence = try #require(await sentences.next())
        let port = try #require(Int(sentence.split(separator: ":").last ?? ""))
        let client = try await LineClient.connect(host: "127.0.0.1", port: port)
        do { try await body(client) } catch {
            await node.stop()
            throw error
        }
        await client.close()
        await node.stop()
    }

    @Test func aNodeAnswersOverHTTP() async throws {
        try await self.withMirror { client in
            try await client.send("POST /a?b HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n1=2")
            #expect(
                await client.read(5) == [
                    "HTTP/1.1 201 Created", "x-name: one two",
                    "content-type: text/plain; charset=utf-8", "content-length: 15",
                    #"POST ["a"] 1=2"#,
                ])
        }
    }

    /// Two requests in one write are answered in order, on one connection.
    @Test func requestsMayFollowAtOnce() async throws {
        try await self.withMirror { client in
            try await client.send(
                "GET /refuse HTTP/1.1\r\n\r\nGET /json HTTP/1.1\r\nconnection: close\r\n\r\n")
            let lines = await client.read(100)
            #expect(lines.first == "HTTP/1.1 400 Bad Request")
            #expect(lines.contains("no"))
            #expect(lines.contains("HTTP/1.1 200 OK"))
            #expect(lines.contains("content-type: application/json"))
            #expect(lines.last == #"{"a":1}"#)
        }
    }

    @Test(arguments: [
        ("nonsense\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        (
            "POST / HTTP/1.1\r\ncontent-length: 1048577\r\n\r\n"
                + String(repeating: "x", count: 1_048_577),
            "HTTP/1.1 413 Payload Too Large"
        ),
    ])
    func whatIsNoRequestIsRefused(_ text: String, status: String) async throws {
        try await self.withMirror { client in
            try await client.send(text)
            #expect(await client.read(1) == [status])
        }
    }
}
