import ChaosControl
import ChaosCore
import Foundation
import Testing

/// The examples of `docs/CONTROL.md` are what a live server answers.
///
/// `CHAOS_REWRITE=1 swift test --filter DocumentTests` writes the answers into the document.
@Suite("docs/CONTROL.md")
struct DocumentTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    @Test func everyExampleIsAnsweredAsWritten() async throws {
        let file = Self.root.appendingPathComponent("docs/CONTROL.md")
        let parts = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "```")
        var rewritten = parts
        var operations: [String] = []
        try await withServer { path in
            let client = try RawClient(path)
            // Every second part stands between fences.
            for index in stride(from: 1, to: parts.count, by: 2)
            where parts[index].hasPrefix("json\n") {
                let lines = parts[index].split(separator: "\n").dropFirst()
                let request = try #require(lines.first.map(String.init))
                operations.append(
                    try JSONValue(parsing: request)["op"]?.stringValue ?? "")
                let reply = try #require(try await client.ask(request))
                let written = lines.dropFirst().joined(separator: "\n")
                rewritten[index] = "json\n\(request)\n\(Self.pretty(reply))\n"
                if ProcessInfo.processInfo.environment["CHAOS_REWRITE"] == nil {
                    #expect(try JSONValue(parsing: written) == reply, "\(request)")
                }
            }
        }
        let text = parts.joined()
        for operation in ControlOperation.allCases {
            #expect(text.contains(operation.rawValue), "\(operation) is described")
        }
        #expect(operations.count >= 14)
        if ProcessInfo.processInfo.environment["CHAOS_REWRITE"] != nil {
            try rewritten.joined(separator: "```").write(
                to: file, atomically: true, encoding: .utf8)
        }
    }

    /// JSON on as many lines as it takes to stay narrow.
    private static func pretty(_ json: JSONValue, indent: String = "") -> String {
        let line = json.text
        if line.count + indent.count <= 96 { return line }
        let inner = indent + "  "
        let (open, close, parts): (String, String, [String])
        switch json {
        case .array(let elements):
            (open, close) = ("[", "]")
            parts = elements.map { Self.pretty($0, indent: inner) }
        case .object(let object):
            (open, close) = ("{", "}")
            parts = object.members.map {
                "\(JSONValue.string($0.key).text): \(Self.pretty($0.value, indent: inner))"
            }
        default: return line
        }
        return "\(open)\n" + parts.map { inner + $0 }.joined(separator: ",\n")
            + "\n\(indent)\(close)"
    }

    @Test func everyErrorCodeOfTheServerIsListed() throws {
        let file = Self.root.appendingPathComponent("docs/CONTROL.md")
        let text = try String(contentsOf: file, encoding: .utf8)
        let ofClients: [CommandError.Code] = [.disconnected, .unreachable, .badReply]
        for code in CommandError.Code.allCases where !ofClients.contains(code) {
            #expect(text.contains("| `\(code.rawValue)` |"), "\(code)")
        }
    }

    private static let hasPython = (ProcessInfo.processInfo.environment["PATH"] ?? "")
        .split(separator: ":")
        .contains { FileManager.default.isExecutableFile(atPath: "\($0)/python3") }

    @Test(.enabled(if: hasPython, "the example needs python3"))
    func thePythonExampleCutsAndHeals() async throws {
        let script = Self.root.appendingPathComponent("examples/control-python/cut.py").path
        let run = BookkeepingRun()
        try await withServer(for: run) { path in
            let (status, output) = try await blocking {
                let process = Process()
                process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
                process.arguments = ["python3", script, path, "0"]
                let pipe = Pipe()
                process.standardOutput = pipe
                try process.run()
                let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                return (process.terminationStatus, String(decoding: bytes, as: UTF8.self))
            }
            #expect(status == 0)
            #expect(output == "cut p1 n1->n2 n1->n3 n2->n1 n3->n1\nhealed p1\n")
            #expect(run.status().injections.isEmpty)
        }
    }
}
