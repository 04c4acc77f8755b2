import Foundation

/// What exactly was measured.
enum Versions {
    /// The first line of what each program says about itself.
    static func all(chaos: String) -> [String] {
        [
            Self.firstLine([chaos, "--version"]).map { "chaos \($0)" },
            Self.firstLine(["haproxy", "-v"]), Self.firstLine(["nginx", "-v"]),
        ].compactMap { $0 }
    }

    private static func firstLine(_ words: [String]) -> String? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        let output = Pipe()
        process.standardOutput = output
        // nginx tells its version there.
        process.standardError = output
        guard (try? process.run()) != nil else { return nil }
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self).split(separator: "\n").first.map(String.init)
    }
}
