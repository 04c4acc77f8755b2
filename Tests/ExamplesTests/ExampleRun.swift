import Foundation
import Testing

/// One run of the built `chaos` beside an example of the repository, in a directory of its own.
final class ExampleRun {
    /// The root of the repository.
    static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// The directory that the command ran in; `runs` lies there.
    let directory: URL
    private let process = Process()

    /// Where an example's files are.
    static func example(_ path: String) -> String {
        Self.repository.appending(path: "examples").appending(path: path).path
    }

    /// Whether this machine can run nodes in network namespaces of their own.
    static let hasLab: Bool = {
        let doctor = Process()
        doctor.executableURL = try? ExampleRun.command
        doctor.arguments = ["doctor", "--json"]
        let pipe = Pipe()
        doctor.standardOutput = pipe
        guard (try? doctor.run()) != nil else { return false }
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        doctor.waitUntilExit()
        return text.contains("\"lab\":true")
    }()

    /// Starts `chaos` with these words.
    convenience init(_ words: [String]) throws {
        try self.init(program: try Self.command, words)
    }

    /// Starts a script that finds `chaos` on the PATH.
    convenience init(script: String) throws {
        try self.init(program: URL(fileURLWithPath: script), [])
    }

    private init(program: URL, _ words: [String]) throws {
        self.directory = FileManager.default.temporaryDirectory
            .appending(path: "chaos-example-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: self.directory, withIntermediateDirectories: true)
        self.process.executableURL = program
        var environment = ProcessInfo.processInfo.environment
        let folder = try Self.command.deletingLastPathComponent().path
        environment["PATH"] = "\(folder):\(environment["PATH"] ?? "")"
        self.process.environment = environment
        self.process.arguments = words
        self.process.currentDirectoryURL = self.directory
        self.process.standardInput = FileHandle.nullDevice
        self.process.standardOutput = try self.file("stdout")
        self.process.standardError = try self.file("stderr")
        try self.withNoSignalBlocked { try self.process.run() }
    }

    /// Tests run on threads that block signals, and what is started from one inherits that: a shell
    /// script's servers would not hear its `kill`.
    private func withNoSignalBlocked(_ body: () throws -> Void) rethrows {
        var (none, before) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try body()
    }

    /// The command beside which the tests were built.
    private static var command: URL {
        get throws {
            let products = try #require(Bundle.main.executableURL).deletingLastPathComponent()
            return products.appending(path: "chaos")
        }
    }

    private func file(_ name: String) throws -> FileHandle {
        let url = self.directory.appending(path: name)
        try Data().write(to: url)
        return try FileHandle(forWritingTo: url)
    }

    var processID: Int32 { self.process.processIdentifier }
    var isRunning: Bool { self.process.isRunning }

    /// What it wrote so far.
    var output: String { self.text("stdout") }
    var errors: String { self.text("stderr") }

    private func text(_ name: String) -> String {
        let data = FileManager.default.contents(atPath: self.directory.appending(path: name).path)
        return String(decoding: data ?? Data(), as: UTF8.self)
    }

    /// Waits for the end and returns the exit code.
    func exitCode(within limit: Duration = .seconds(120)) async throws -> Int32 {
        let hasEnded = await eventually(within: limit) { !self.process.isRunning }
        try #require(hasEnded, "chaos must end within \(limit)\n\(self.output)\n\(self.errors)")
        return self.process.terminationStatus
    }

    /// Kills `chaos` as nothing can prepare for.
    func killSuddenly() async {
        kill(self.process.processIdentifier, SIGKILL)
        _ = await eventually { !self.process.isRunning }
    }

    deinit {
        if self.process.isRunning { kill(self.process.processIdentifier, SIGKILL) }
        try? FileManager.default.removeItem(at: self.directory)
    }
}

/// Waits until a condition holds, looking again and again: what happens in another program is told
/// to nobody.
///
/// - Returns: Whether it held before the deadline.
func eventually(within limit: Duration = .seconds(30), _ condition: () -> Bool) async -> Bool {
    let deadline = ContinuousClock.now + limit
    while !condition() {
        if ContinuousClock.now > deadline { return false }
        try? await Task.sleep(for: .milliseconds(20))
    }
    return true
}

/// Whether a program is on the PATH.
func hasProgram(_ name: String) -> Bool {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
}

/// Finds a program that an example needs, or says how to get it.
func requireProgram(_ name: String, package: String) throws {
    try #require(
        hasProgram(name),
        "this test runs \(name), which is not on the PATH: sudo apt-get install \(package)")
}

/// Expects texts one behind the other.
func expect(_ texts: [String], inOrderIn output: String) {
    var rest = output[...]
    for text in texts {
        guard let range = rest.range(of: text) else {
            Issue.record("'\(text)' must come next, found:\n\(rest)")
            return
        }
        rest = rest[range.upperBound...]
    }
}
