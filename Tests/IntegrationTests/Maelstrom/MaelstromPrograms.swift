import ChaosCore
import Foundation
import Testing

/// The programs that tests of Maelstrom nodes start.
enum MaelstromPrograms {
    private static let package = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// A node of `examples/maelstrom-python/`.
    static func python(_ name: String) -> String {
        Self.package.appending(path: "examples/maelstrom-python/\(name).py").path
    }

    /// An echo node that gets one thing wrong.
    static var puppet: String { Self.fixture("maelstrom-puppet.py") }

    /// A program that only tests use.
    static func fixture(_ name: String) -> String {
        Self.package.appending(path: "Tests/Fixtures/\(name)").path
    }
}

extension TestDirectory {
    /// Runs `chaos test` on a program, for a short time unless the arguments say otherwise.
    func test(
        _ workload: String, _ program: String, nodes: Int = 3, for seconds: Double = 1.5,
        rate: Int = 30, recovery: Double = 1, _ more: [String] = [], node: [String] = []
    ) async throws -> ChaosProcess {
        let own = [
            "test", "-w", workload, "--bin", program, "--node-count", "\(nodes)", "--time-limit",
            "\(seconds)", "--rate", "\(rate)", "--recovery-time", "\(recovery)",
        ]
        let process = try ChaosProcess(own + more + (node.isEmpty ? [] : ["--"] + node), self)
        _ = try await process.exit(within: .seconds(90))
        return process
    }

    /// What the one run of this directory came to.
    func results() throws -> JSONValue {
        try JSONValue(parsing: try self.text("\(try self.run())/results.json"))
    }
}
