import Foundation
import Testing

/// What /proc says about processes, asked independently of the code under test.
enum ProcessScan {
    /// All processes, zombies excepted, whose environment holds the entry.
    static func carrying(_ entry: String) -> [Int32] {
        self.all { self.file($0, "environ").range(of: Data(("\0" + entry + "\0").utf8)) != nil }
    }

    /// All processes, zombies excepted, one of whose arguments contains the text.
    static func mentioning(_ text: String) -> [Int32] {
        self.all { self.file($0, "cmdline").range(of: Data(text.utf8)) != nil }
    }

    /// The letter in /proc/PID/stat, or nil when there is no such process.
    static func state(of pid: Int32) -> Character? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return nil }
        return text[text.index(end, offsetBy: 2)]
    }

    private static func all(where matches: (Int32) -> Bool) -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.sorted().filter(matches)
    }

    /// A file's content between zero bytes, so that every string has one on either side.
    private static func file(_ pid: Int32, _ name: String) -> Data {
        var data = Data([0])
        data.append(FileManager.default.contents(atPath: "/proc/\(pid)/\(name)") ?? Data())
        data.append(0)
        return data
    }
}

/// Waits until a condition holds. A test that waits for an event from outside has nothing better.
///
/// - Returns: Whether it held before the deadline.
func eventually(within limit: Duration = .seconds(20), _ condition: () -> Bool) async -> Bool {
    let deadline = ContinuousClock.now + limit
    while !condition() {
        if ContinuousClock.now > deadline { return false }
        try? await Task.sleep(for: .milliseconds(10))
    }
    return true
}

/// A directory of one test's own.
func temporaryDirectory() throws -> String {
    var template = Array("/tmp/chaos-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw CocoaError(.fileWriteUnknown) }
    return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
}

/// The program beside the tests that hosts processes, or serves.
func probePath() throws -> String {
    let tests = try #require(Bundle.main.executableURL)
    return tests.deletingLastPathComponent().appending(path: "guardian-probe").path
}
