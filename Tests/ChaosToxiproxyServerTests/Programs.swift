import Foundation

/// Programs that are run to their end.
enum Programs {
    /// What a program came to.
    struct Result {
        let code: Int32
        let output: String
        let errors: String
    }

    /// The built command, beside the test bundle.
    static var chaos: URL {
        let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }
        let folder =
            bundle?.bundleURL.deletingLastPathComponent()
            ?? Bundle.main.executableURL?.deletingLastPathComponent()
        return (folder ?? URL(fileURLWithPath: ".")).appendingPathComponent("chaos")
    }

    static func run(
        _ program: URL, _ arguments: [String], environment: [String: String] = [:]
    ) throws -> Result {
        let process = Process()
        let (output, errors) = (Pipe(), Pipe())
        process.executableURL = program
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let other = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Result(
            code: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
            errors: String(decoding: other, as: UTF8.self))
    }
}
