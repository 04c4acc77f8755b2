import ArgumentParser
import Foundation

/// Tells the bench where chaos listens, and ends when the bench does.
struct HoldCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold", abstract: "Runs as the wrapped command of chaos.",
        shouldDisplay: false)

    @Argument(help: "The Unix socket of the bench.")
    var path: String

    func run() throws {
        guard let address = ProcessInfo.processInfo.environment["CHAOS_LINK_BENCH"] else {
            throw BenchError("CHAOS_LINK_BENCH is not set: this is for 'chaos run --link bench=…'")
        }
        try UnixListener.tell(address, at: self.path)
    }
}
