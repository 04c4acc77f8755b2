import ArgumentParser
import Foundation

/// A node of the soak's cluster: answers everybody, and talks to its peers all the time.
struct SoakNodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "soak-node", abstract: "Runs as a node of the soak.", shouldDisplay: false)

    @Option(help: "Where it listens for raw bytes.") var raw: String
    @Option(help: "Where it listens for lines.") var lines: String
    @Option(help: "The peers' addresses for raw bytes.") var rawPeers: String
    @Option(help: "The peers' addresses for lines.") var linesPeers: String
    @Option(help: "Of all choices.") var seed: UInt64

    /// How a line of output begins that tells a violation.
    static let violation = "VIOLATION "

    func run() throws {
        let report: @Sendable (String) -> Void = { problem in
            FileHandle.standardOutput.write(Data("\(Self.violation)\(problem)\n".utf8))
        }
        let server = try SoakServer(
            raw: Endpoint(parsing: self.raw), lines: Endpoint(parsing: self.lines),
            violation: report)
        var generator = SplitMix(seed: self.seed ^ UInt64(server.raw.port))
        let load = SoakLoad(violation: report)
        for peer in self.rawPeers.split(separator: ",") {
            load.exchange(
                "raw", try Endpoint(parsing: String(peer)), lengthMax: 128 << 10, pause: 20,
                seed: generator.next())
        }
        for peer in self.linesPeers.split(separator: ",") {
            load.lines(try Endpoint(parsing: String(peer)), pause: 20, seed: generator.next())
        }
        FileHandle.standardOutput.write(Data("ready\n".utf8))
        while true { sleep(1000) }
    }
}
