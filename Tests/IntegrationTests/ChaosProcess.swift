import ChaosCore
import Dispatch
import Foundation
import Synchronization
import Testing

/// The built programs, which lie beside the test bundle.
enum Programs {
    static let folder: URL = {
        let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }
        return bundle?.bundleURL.deletingLastPathComponent()
            ?? Bundle.main.executableURL?.deletingLastPathComponent()
            ?? URL(fileURLWithPath: ".build/debug")
    }()
}

/// A directory of one test's own, gone with this value; runs of the test lie in it.
final class TestDirectory: Sendable {
    let path: String
    private let outputs: String
    private let count = Mutex(0)
    /// In the environment of every process that the test starts, and of all that those start.
    let mark = UUID().uuidString
    /// As whom `chaos` runs, if not as whoever runs the tests.
    let user: UInt32?

    init(user: UInt32? = nil) throws {
        self.user = user
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("chaos-test-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        // Without symbolic links, as the programs see it.
        self.path = url.resolvingSymlinksInPath().path
        self.outputs = self.path + "-output"
        try FileManager.default.createDirectory(
            atPath: self.outputs, withIntermediateDirectories: true)
        if let user { try #require(chown(self.path, user, user) == 0) }
        LivingFolders.add([self.path, self.outputs])
    }

    deinit { LivingFolders.remove([self.path, self.outputs]) }

    /// Where the next process's output goes: beside this directory, which tests list.
    fileprivate func makeOutputStem() -> String {
        let number = self.count.withLock { count in
            count += 1
            return count
        }
        return "\(self.outputs)/\(number)"
    }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try text.write(toFile: "\(self.path)/\(name)", atomically: true, encoding: .utf8)
        return name
    }

    func text(_ name: String) throws -> String {
        try String(contentsOfFile: "\(self.path)/\(name)", encoding: .utf8)
    }

    /// The one run directory, relative to this one.
    func run() throws -> String {
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(self.path)/runs")
        let runs = names.filter { $0 != "latest" }
        try #require(runs.count == 1, "one run, found \(runs)")
        return "runs/\(runs[0])"
    }

    /// Starts `chaos`.
    func chaos(
        _ arguments: String..., environment: [String: String] = [:], folder: String? = nil
    ) throws -> ChaosProcess {
        try ChaosProcess(arguments, self, environment: environment, folder: folder)
    }

    /// Runs `chaos` to its end.
    @discardableResult
    func finished(
        _ arguments: String..., environment: [String: String] = [:],
        within limit: Duration = .seconds(90)
    ) async throws -> ChaosProcess {
        let process = try ChaosProcess(arguments, self, environment: environment, folder: nil)
        _ = try await process.exit(within: limit)
        return process
    }

    /// The processes of this test that are alive.
    func processes() -> [Int32] { ProcessScan.carrying("CHAOS_TEST_MARK=\(self.mark)") }

    /// Whether no process and no socket file is left.
    func hasNothingLeft() async -> Bool {
        await eventually { self.processes().isEmpty && self.sockets().isEmpty }
    }

    /// The socket files below the runs of this test.
    func sockets() -> [String] {
        let names = FileManager.default.enumerator(atPath: self.path)?.compactMap { $0 as? String }
        return (names ?? []).filter { $0.hasSuffix(".sock") }
    }
}

/// The folders of tests that go on. The last test's may outlive it, because Foundation keeps a `Process` for
/// a while after its end, so what is left is removed when the test runner exits.
private enum LivingFolders {
    private static let paths = Mutex<Set<String>>([])
    private static let removal: Void = {
        atexit { LivingFolders.remove(LivingFolders.paths.withLock { Array($0) }) }
        return
    }()

    static func add(_ paths: [String]) {
        _ = Self.removal
        Self.paths.withLock { $0.formUnion(paths) }
    }

    static func remove(_ paths: [String]) {
        for path in paths { try? FileManager.default.removeItem(atPath: path) }
        Self.paths.withLock { $0.subtract(paths) }
    }
}

/// One `chaos` as a user starts it.
final class ChaosProcess: Sendable {
    private let process = Process()
    // Files, not pipes: what a test running beside this one starts may inherit a pipe's end and keep
    // it open.
    let outFile: String
    private let errFile: String
    /// What the process wrote lies there, so it lives as long as this.
    private let directory: TestDirectory

    init(
        _ arguments: [String], _ directory: TestDirectory, environment: [String: String] = [:],
        folder: String? = nil, standardError: FileHandle? = nil
    ) throws {
        self.directory = directory
        let stem = directory.makeOutputStem()
        self.outFile = stem + ".out"
        self.errFile = stem + ".err"
        let chaos = Programs.folder.appendingPathComponent("chaos")
        if let user = directory.user {
            self.process.executableURL = OrdinaryUser.switcher
            self.process.arguments = OrdinaryUser.words(user) + [chaos.path] + arguments
        } else {
            self.process.executableURL = chaos
            self.process.arguments = arguments
        }
        self.process.currentDirectoryURL = URL(fileURLWithPath: folder ?? directory.path)
        var all = ProcessInfo.processInfo.environment
        all["CHAOS_TEST_MARK"] = directory.mark
        all["XDG_RUNTIME_DIR"] = directory.path
        // What the outer environment says must not decide.
        all["NO_COLOR"] = nil
        all["CHAOS_SEED"] = nil
        all.merge(environment) { $1 }
        self.process.environment = all
        self.process.standardInput = FileHandle.nullDevice
        for file in [self.outFile, self.errFile] {
            try Data().write(to: URL(fileURLWithPath: file))
        }
        self.process.standardOutput = try Self.writer(self.outFile)
        self.process.standardError = try standardError ?? Self.writer(self.errFile)
        try self.process.run()
    }

    private static func writer(_ path: String) throws -> FileHandle {
        try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    }

    private static func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }

    deinit { if self.process.isRunning { kill(self.pid, SIGKILL) } }

    var pid: Int32 { self.process.processIdentifier }
    var out: String { Self.text(self.outFile) }
    var err: String { Self.text(self.errFile) }
    var errLines: [String] { self.err.split(separator: "\n").map(String.init) }

    func signal(_ number: Int32) { kill(self.pid, number) }

    /// Waits until standard error or output contains a text.
    func waitFor(
        _ text: String, within limit: Duration = .seconds(60),
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let seen = await eventually(within: limit) {
            self.err.contains(text) || self.out.contains(text) || !self.process.isRunning
        }
        let found = self.err.contains(text) || self.out.contains(text)
        try #require(
            seen && found, "'\(text)' in:\n\(self.out)\n\(self.err)",
            sourceLocation: sourceLocation)
    }

    /// Waits for the end; 128 and the signal's number when a signal ended it, as shells say.
    func exit(
        within limit: Duration = .seconds(90), sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Int32 {
        let ended = await eventually(within: limit) { !self.process.isRunning }
        try #require(
            ended, "it must end within \(limit):\n\(self.out)\n\(self.err)",
            sourceLocation: sourceLocation)
        return self.process.terminationReason == .uncaughtSignal
            ? 128 + self.process.terminationStatus : self.process.terminationStatus
    }

    /// How it ended.
    var code: Int32 { self.process.terminationStatus }
}

/// A terminal on which somebody has pressed Ctrl-S: what is written to it waits until it is drained.
final class StuckTerminal: Sendable {
    private let path: String
    private let end: CInt

    init(in directory: TestDirectory) throws {
        self.path = "\(directory.path)/terminal"
        try #require(mkfifo(self.path, 0o600) == 0)
        self.end = open(self.path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        try #require(self.end >= 0)
        for size in [4096, 1] {
            let bytes = [UInt8](repeating: UInt8(ascii: "."), count: size)
            while write(self.end, bytes, size) > 0 {}
        }
    }

    deinit { close(self.end) }

    /// A handle for whoever writes to it.
    func writer() throws -> FileHandle {
        let descriptor = open(self.path, O_WRONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    /// Takes out what waits; tells what was written behind what filled it.
    func drained() -> String {
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        var text = ""
        while true {
            let count = read(self.end, &bytes, bytes.count)
            if count <= 0 { break }
            text += String(
                decoding: bytes[..<count].drop { $0 == UInt8(ascii: ".") }, as: UTF8.self)
        }
        return text
    }
}

/// What /proc says about processes, asked independently of the code under test.
enum ProcessScan {
    /// All processes, zombies excepted, whose environment holds the entry.
    static func carrying(_ entry: String) -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.sorted().filter {
            self.environment($0).contains(entry)
        }
    }

    /// The environment of a process; empty for zombies and for those that are gone.
    static func environment(_ pid: Int32) -> [String] {
        guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/environ") else {
            return []
        }
        return data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The name of a process.
    static func name(_ pid: Int32) -> String {
        let text = try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8)
        return (text ?? "").trimmingCharacters(in: .newlines)
    }
}

/// Waits until a condition holds. A test that waits for an event from outside has nothing better.
///
/// The condition is looked at outside the tasks' threads, of which there are few: it may read much.
func eventually(
    within limit: Duration = .seconds(60), _ condition: @escaping @Sendable () -> Bool
) async -> Bool {
    let deadline = ContinuousClock.now + limit
    while true {
        let holds = await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: condition()) }
        }
        if holds { return true }
        if ContinuousClock.now > deadline { return false }
        try? await Task.sleep(for: .milliseconds(20))
    }
}

extension JSONValue {
    /// Reads a document.
    init(text: some StringProtocol) throws { try self.init(parsing: Array(text.utf8)) }

    /// An element of an array, if it has so many.
    subscript(index: Int) -> JSONValue? {
        guard let elements = self.arrayValue, elements.indices.contains(index) else { return nil }
        return elements[index]
    }
}
