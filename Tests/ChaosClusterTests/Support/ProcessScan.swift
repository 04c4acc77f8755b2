import Foundation
import Testing

/// What /proc says about processes, asked independently of the code under test.
enum ProcessScan {
    /// All processes, zombies excepted, whose environment holds the entry.
    static func carrying(_ entry: String) -> [Int32] {
        self.all { self.strings($0, "environ").contains(entry) }
    }

    /// All processes, zombies excepted, one of whose arguments contains the text.
    static func mentioning(_ text: String) -> [Int32] {
        self.all { self.strings($0, "cmdline").contains { $0.contains(text) } }
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

    private static func strings(_ pid: Int32, _ file: String) -> [String] {
        guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/\(file)") else {
            return []
        }
        return data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// Waits until a condition holds. A test that waits for an event from outside has nothing better.
///
/// - Returns: Whether it held before the deadline.
func eventually(within limit: Duration = .seconds(20), _ condition: () -> Bool) async -> Bool {
    let deadline = ContinuousClock.now + limit
    while !condition() {
        if ContinuousClock.now > deadline { return false }
        try? await Task.sleep(for: .milliseconds(5))
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
