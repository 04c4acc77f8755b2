import ChaosCore
import Foundation
import Testing

/// `chaos serve`, asked with curl as people do.
@Suite struct ControlHTTPTests {
    /// Runs curl; the last line is the status.
    private func curl(_ arguments: String...) throws -> (status: String, body: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
        process.arguments = ["-s", "-m", "10", "-w", "\n%{http_code}"] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let text = String(
            decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let end = text.lastIndex(of: "\n") ?? text.startIndex
        return (String(text[end...].dropFirst()), String(text[..<end]))
    }

    /// Lets curl write a stream to a file until the stream ends.
    private func listen(_ url: String, in directory: TestDirectory) throws -> String {
        let path = "\(directory.path)/events.txt"
        try directory.write("", to: "events.txt")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
        process.arguments = ["-sN", "-m", "60", url]
        process.standardOutput = FileHandle(forWritingAtPath: path)
        try process.run()
        return path
    }

    private static func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }

    /// The address in `NAME at http://127.0.0.1:1234`.
    private func address(_ serve: ChaosProcess) async throws -> String {
        try await serve.waitFor(" at http://")
        let line = try #require(serve.out.split(separator: "\n").first)
        return String(try #require(line.split(separator: " ").last))
    }

    @Test func aRunIsSteeredOverHTTPUntilItEnds() async throws {
        let directory = try TestDirectory()
        try directory.write(broadcastScenario(), to: "scenario.yaml")
        let run = try directory.chaos("run", "scenario.yaml")
        try await run.waitFor("3 nodes ready")
        let serve = try directory.chaos("serve", "--listen", "127.0.0.1:0")
        let url = try await self.address(serve)
        let cut = try self.curl(
            "\(url)/partition", "-d", #"{"partition":"n1 / n2 n3","mode":"hold"}"#)
        #expect(cut.status == "200")
        let reply = try JSONValue(text: cut.body)
        #expect(reply["ok"] == true)
        #expect(reply["result"]?["text"] == "n1 / n2 n3")
        let status = try JSONValue(text: try self.curl("\(url)/status").body)
        #expect(status["result"]?["partitions"]?.arrayValue?.count == 1)
        #expect(try self.curl("\(url)/", "-d", #"{"op":"heal"}"#).status == "200")
        // Mistakes are the socket's, with a status that fits.
        #expect(try self.curl("\(url)/partition", "-d", "{").status == "400")
        #expect(try self.curl("\(url)/nonsense", "-X", "POST").status == "404")
        #expect(try self.curl("\(url)/heal", "-d", #"{"injection":"p9"}"#).status == "404")
        #expect(try self.curl("\(url)/partition").status == "404")
        #expect(try self.curl("\(url)/status", "-X", "DELETE").status == "400")
        // What a page in a browser would send is refused.
        #expect(try self.curl("\(url)/status", "-H", "Origin: http://evil.example").status == "403")
        #expect(try self.curl("\(url)/status", "-H", "Host: evil.example").status == "403")
        let events = try self.listen("\(url)/events", in: directory)
        #expect(await eventually { Self.text(events).contains(": events of a run") })
        #expect(
            try self.curl("\(url)/set", "-d", #"{"link":"n1->n2","faults":["delay=5ms"]}"#).status
                == "200")
        #expect(await eventually { Self.text(events).contains("event: injected") })
        #expect(try self.curl("\(url)/end", "-X", "POST").status == "200")
        #expect(try await run.exit() == 0)
        #expect(try await serve.exit() == 0)
        #expect(await directory.hasNothingLeft())
    }

    @Test func othersNeedAToken() async throws {
        let directory = try TestDirectory()
        try directory.write(echoScenario(), to: "scenario.yaml")
        let run = try directory.chaos("run", "scenario.yaml")
        try await run.waitFor("1 node ready")
        let open = try await directory.finished("serve", "--listen", "0.0.0.0:0")
        #expect(open.code == 64)
        #expect(
            open.err
                == "--listen: an address that others reach needs a token, found '0.0.0.0'\n"
                + "hint: give one with --token, or in CHAOS_CONTROL_TOKEN\n")
        let wrong = try await directory.finished("serve", "--listen", "nowhere")
        #expect(wrong.code == 64)
        #expect(wrong.err.hasPrefix("--listen is HOST:PORT, [HOST]:PORT or PORT, found 'nowhere'"))
        let serve = try directory.chaos("serve", "--listen", "127.0.0.1:0", "--token", "secret")
        let url = try await self.address(serve)
        #expect(try self.curl("\(url)/status").status == "401")
        #expect(
            try self.curl("\(url)/status", "-H", "Authorization: Bearer secreT").status == "401")
        #expect(
            try self.curl("\(url)/status", "-H", "Authorization: Bearer secret").status == "200")
        #expect(try await directory.finished("end").code == 0)
        #expect(try await run.exit() == 0)
        #expect(try await serve.exit() == 0)
    }
}
