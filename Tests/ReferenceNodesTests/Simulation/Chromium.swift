import ChaosCore
import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// A page in a real browser, Debian's chromium without a window, spoken to over pipes in the DevTools protocol
/// (`--remote-debugging-pipe`: JSON between zero bytes on the descriptors 3 and 4). Ends with this value.
final class Chromium: @unchecked Sendable {
    // Sound because a test uses its browser from one task, one question after the other.

    private let folder: URL
    private let process = Process()
    private var questions: FileHandle?
    private var answers: Int32 = -1
    private var received: [UInt8] = []
    private var count: Int64 = 0
    private var session = ""

    /// Opens a page.
    init(_ address: String) throws {
        let program = "/usr/bin/chromium"
        try #require(
            FileManager.default.isExecutableFile(atPath: program),
            "this test runs chromium: sudo apt-get install chromium")
        self.folder = FileManager.default.temporaryDirectory.appending(
            path: "chromium-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
        let (questions, answers) = (self.folder.path + "/questions", self.folder.path + "/answers")
        try #require(mkfifo(questions, 0o600) == 0 && mkfifo(answers, 0o600) == 0)
        self.process.executableURL = URL(fileURLWithPath: "/bin/sh")
        self.process.arguments = [
            "-c", #"exec "$0" "$@" 3<"$HOME/questions" 4>"$HOME/answers""#, program,
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--disable-background-networking", "--remote-debugging-pipe",
            "--user-data-dir=\(self.folder.path)/profile", "--window-size=1200,900",
        ]
        self.process.environment = ["HOME": self.folder.path, "PATH": "/usr/bin:/bin"]
        self.process.standardOutput = FileHandle.nullDevice
        self.process.standardError = FileHandle.nullDevice
        try self.process.run()
        self.questions = FileHandle(forWritingAtPath: questions)
        self.answers = Glibc.open(answers, O_RDONLY | O_CLOEXEC)
        let page = try self.ask("Target.createTarget", ["url": .string(address)])
        let attached = try self.ask(
            "Target.attachToTarget", ["targetId": page["targetId"] ?? nil, "flatten": true])
        self.session = try #require(attached["sessionId"]?.stringValue)
    }

    deinit {
        try? self.questions?.close()
        if self.answers >= 0 { close(self.answers) }
        // The shell became the browser; without its pipes and without itself its helpers end, too.
        if self.process.isRunning { Foundation.kill(self.process.processIdentifier, SIGKILL) }
        self.process.waitUntilExit()
        try? FileManager.default.removeItem(at: self.folder)
    }

    /// What an expression of the page's comes to.
    @discardableResult
    func evaluate(_ expression: String) throws -> JSONValue {
        let result = try self.ask(
            "Runtime.evaluate",
            ["expression": .string(expression), "returnByValue": true, "awaitPromise": true])
        return result["result"]?["value"] ?? .null
    }

    /// Waits until an expression of the page's is true.
    func wait(until condition: String, within limit: Duration = .seconds(30)) throws {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            // While a page is being loaded there may be nobody to ask.
            if (try? self.evaluate("!!(\(condition))")) == true { return }
            usleep(50_000)
        }
        let shown = try self.evaluate("document.body.innerText").stringValue ?? ""
        Issue.record("'\(condition)' is not true within \(limit); the page shows:\n\(shown)")
    }

    /// What the page looks like, as a file in PNG.
    func picture(_ path: String) throws {
        let answer = try self.ask("Page.captureScreenshot", ["format": "png"])
        let data = Data(base64Encoded: answer["data"]?.stringValue ?? "") ?? Data()
        try data.write(to: URL(fileURLWithPath: path))
    }

    private func ask(_ method: String, _ parameters: JSONObject) throws -> JSONValue {
        self.count += 1
        var question: JSONObject = [
            "id": .int(self.count), "method": .string(method), "params": .object(parameters),
        ]
        if !self.session.isEmpty { question["sessionId"] = .string(self.session) }
        try self.questions?.write(
            contentsOf: Data(JSONValue.object(question).text.utf8) + [UInt8(0)])
        while true {
            let message = try self.next()
            // Everything else tells of events that nobody asked for.
            guard message["id"]?.intValue == self.count else { continue }
            let refusal = message["error"]?["message"]?.stringValue
            try #require(refusal == nil, "\(method)")
            return message["result"] ?? .null
        }
    }

    /// The next message of the browser's.
    private func next() throws -> JSONValue {
        var block = [UInt8](repeating: 0, count: 65536)
        while true {
            if let end = self.received.firstIndex(of: 0) {
                let message = try JSONValue(parsing: self.received[..<end])
                self.received.removeSubrange(...end)
                return message
            }
            var readiness = pollfd(fd: self.answers, events: Int16(POLLIN), revents: 0)
            try #require(poll(&readiness, 1, 60_000) == 1, "the browser must answer")
            let count = read(self.answers, &block, block.count)
            try #require(count > 0, "the browser must live")
            self.received += block[..<count]
        }
    }
}
