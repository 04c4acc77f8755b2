import ChaosControl
import ChaosCore
import Foundation
import Synchronization
import Testing

@Suite("Control server")
struct ServerTests {
    @Test func answersOneRequestWithTheSameID() async throws {
        try await withServer { path in
            let client = try RawClient(path)
            let reply = try await client.ask(#"{"id":"a7","op":"ping"}"#)
            #expect(
                reply == [
                    "id": "a7", "ok": true,
                    "result": ["name": "chaos", "version": "0.1.0", "protocol": 1],
                ])
        }
    }

    @Test(
        "answers after the client closed its half, with or without a line feed",
        arguments: [
            "{\"id\":1,\"op\":\"status\"}\n", "{\"id\":1,\"op\":\"status\"}",
        ])
    func halfClose(text: String) async throws {
        try await withServer(for: BookkeepingRun(delay: .milliseconds(50))) { path in
            let client = try RawClient(path)
            try await client.write(text)
            client.finishWriting()
            let reply = try await client.readJSON()
            #expect(reply?["result"]?["run"]?["name"] == "demo")
            #expect(try await client.readLine() == nil)
        }
    }

    @Test func garbageGetsAnErrorEachAndTheConnectionLives() async throws {
        try await withServer { path in
            let client = try RawClient(path)
            let wrong: [(line: [UInt8], code: String)] = [
                (Array("nonsense\n".utf8), "bad-json"), ([0xFF, 0x00, 0xFE, 0x0A], "bad-json"),
                (Array("{\"id\":3,\"op\":\"fly\"}\n".utf8), "unknown-op"),
                (Array("{\"id\":{},\"op\":\"ping\"}\n".utf8), "bad-request"),
                (Array("{\"id\":1,\"op\":\"kill\",\"nodes\":[\"n9\"]}\n".utf8), "not-found"),
                (Array("\"op\"\n".utf8), "bad-json"),
            ]
            for (line, code) in wrong {
                try await client.write(line)
                let reply = try await client.readJSON()
                #expect(reply?["ok"] == false)
                #expect(reply?["error"]?["code"]?.stringValue == code)
            }
            #expect(try await client.ask(#"{"id":9,"op":"ping"}"#)?["id"] == 9)
        }
    }

    @Test func badJSONIsExplained() async throws {
        try await withServer { path in
            let reply = try await RawClient(path).ask(#"{"id":1 "op":"status"}"#)
            #expect(
                reply == [
                    "id": nil, "ok": false,
                    "error": [
                        "code": "bad-json",
                        "message":
                            "a request is one JSON object on one line: byte 8: a comma or '}' follows a member",
                        "hint": #"for example {"op":"status"}"#,
                    ],
                ])
        }
    }

    @Test func aLineOfOneMebibytePassesAndALongerOneIsRefused() async throws {
        try await withServer { path in
            let client = try RawClient(path)
            let request = Array(#"{"id":1,"op":"ping"}"#.utf8)
            let padding = [UInt8](repeating: 0x20, count: (1 << 20) - request.count)
            try await client.write(request + padding + [0x0A])
            #expect(try await client.readJSON()?["ok"] == true)

            // The refusal comes before the line ends.
            try await client.write(request + padding + [0x20])
            let refusal = try await client.readJSON()
            #expect(refusal?["error"]?["code"] == "too-large")
            #expect(
                refusal?["error"]?["message"] == "a request is at most 1 MiB on one line")
            try await client.write([UInt8](repeating: 0x78, count: 300_000) + [0x0A])
            #expect(try await client.ask(#"{"id":2,"op":"ping"}"#)?["id"] == 2)
        }
    }

    @Test func manyRequestsAtOnceAreAnsweredInOrder() async throws {
        try await withServer { path in
            let client = try RawClient(path)
            let count: Int64 = 5000
            try await client.write((0..<count).map { "{\"id\":\($0),\"op\":\"ping\"}\n" }.joined())
            for id in 0..<count { #expect(try await client.readJSON()?["id"] == .int(id)) }
        }
    }

    @Test func aSlowRunIsAnsweredBusyWithinTheTime() async throws {
        let run = BookkeepingRun(delay: .seconds(3600))
        let partition = try Partition(parsing: "n1 / n2 n3")
        try await withServer(for: run, replyWithin: .milliseconds(100)) { path in
            let client = try RawClient(path)
            let reply = try await client.ask(#"{"id":4,"op":"partition","partition":"n1 / n2 n3"}"#)
            #expect(
                reply == [
                    "id": 4, "ok": false,
                    "error": [
                        "code": "busy",
                        "message":
                            "the run did not answer within 100ms; whether the command took effect is unknown",
                        "hint": "ask 'status'",
                    ],
                ])
            for await command in run.performed {
                #expect(command == .partition(partition, mode: nil, ports: [], lease: nil))
                break
            }
            #expect(try await client.ask(#"{"id":5,"op":"ping"}"#)?["id"] == 5)
        }
    }

    @Test func aClientThatNeverReadsDelaysNobody() async throws {
        try await withServer { path in
            let stalled = try RawClient(path)
            // Enough requests that their replies fill every buffer on the way back.
            stalled.writeWithoutWaiting(
                Array(String(repeating: "{\"op\":\"status\"}\n", count: 20_000).utf8))
            let client = try RawClient(path)
            #expect(try await client.ask(#"{"id":1,"op":"status"}"#)?["id"] == 1)
        }
    }

    @Test func aThousandIdleConnectionsDelayNobody() async throws {
        try await withServer { path in
            var idle: [RawClient] = []
            for _ in 0..<1000 { idle.append(try RawClient(path)) }
            let client = try RawClient(path)
            #expect(try await client.ask(#"{"id":1,"op":"status"}"#)?["id"] == 1)
            #expect(idle.count == 1000)
        }
    }

    @Test func theSocketIsPrivateAndGoesWithTheServer() async throws {
        var used = ""
        try await withServer { path in
            used = path
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
        #expect(!FileManager.default.fileExists(atPath: used))
    }

    @Test func aSocketThatNobodyListensAtIsReplaced() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/control.sock"
            try leaveStaleSocket(at: path)
            let server = try await ControlServer.start(
                at: path, target: BookkeepingRun(), version: "0")
            #expect(try await RawClient(path).ask(#"{"id":1,"op":"ping"}"#)?["ok"] == true)
            await server.stop()
        }
    }

    @Test func whatIsNotAStaleSocketIsLeftAlone() async throws {
        try await withServer { path in
            let taken = await #expect(throws: CommandError.self) {
                _ = try await ControlServer.start(
                    at: path, target: BookkeepingRun(), version: "0")
            }
            #expect(taken?.message == "\(path): another run listens here")
            let file = path + ".txt"
            try "text".write(toFile: file, atomically: true, encoding: .utf8)
            let other = await #expect(throws: CommandError.self) {
                _ = try await ControlServer.start(
                    at: file, target: BookkeepingRun(), version: "0")
            }
            #expect(other?.message == "\(file): only a socket is replaced, found another file")
            #expect(try String(contentsOfFile: file, encoding: .utf8) == "text")
        }
    }

    @Test func theLongestPathIsServedAndFound() async throws {
        try await withTemporaryDirectory { directory in
            let room = UnixSocket.longestPath - directory.utf8.count - 1
            let path = "\(directory)/" + String(repeating: "x", count: room)
            let server = try await ControlServer.start(
                at: path, target: BookkeepingRun(), version: "0")
            let client = try await ControlClient.connect(to: path)
            #expect(try await client.send(["op": "status"])["run"] != nil)
            await client.close()
            await server.stop()
        }
    }

    @Test func aPathThatIsTooLongIsNamed() async throws {
        let path = "/tmp/" + String(repeating: "x", count: 200)
        let error = await #expect(throws: CommandError.self) {
            _ = try await ControlServer.start(
                at: path, target: BookkeepingRun(), version: "0")
        }
        #expect(
            error?.message
                == "a socket's path has 1 to \(UnixSocket.longestPath) bytes, found 205: '\(path)'")
    }

    @Test func whatIsOwedLeavesBeforeTheServerStops() async throws {
        let run = BookkeepingRun(delay: .milliseconds(100))
        let (asking, watching) = try await withServer(for: run) { path in
            let watching = try RawClient(path)
            _ = try await watching.ask(#"{"op":"subscribe"}"#)
            let asking = try RawClient(path)
            try await asking.write("{\"id\":8,\"op\":\"end\"}\n{\"id\":9,\"op\":\"sta")
            for await _ in run.performed { break }
            return (asking, watching)
        }
        #expect(
            try await asking.readJSON() == ["id": 8, "ok": true, "result": ["confirmed": true]])
        #expect(try await asking.readLine() == nil)
        #expect(try await watching.readJSON()?["event"] == "end")
        #expect(try await watching.readLine() == nil)
    }

    @Test func openConnectionsEndWithTheServer() async throws {
        let client = try await withServer { path in
            let client = try RawClient(path)
            _ = try await client.ask(#"{"op":"ping"}"#)
            return client
        }
        #expect(try await client.readLine() == nil)
    }
}
