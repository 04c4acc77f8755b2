import ArgumentParser
import ChaosControl
import ChaosCore
import ChaosReport

/// `chaos status`
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show nodes, links, faults and partitions of a live run.")

    @OptionGroup var control: ControlOptions

    func run() async throws {
        let session = ControlSession(options: self.control)
        // As a table, links on which nothing happens are only counted.
        let request: JSONObject =
            self.control.json ? ["op": "status"] : ["op": "status", "links": "busy"]
        try await session.ask(request) {
            StatusText.lines(try RunStatus(json: $0), session.style)
        }
    }
}

/// `chaos watch`
struct WatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Print what happens in a live run until it ends.")

    @OptionGroup var control: ControlOptions

    func run() async throws {
        let session = ControlSession(options: self.control)
        do {
            let client = try await session.connect()
            var hasEnded = false
            for await event in try await client.events() {
                if case .end? = RunEvent(json: event) { hasEnded = true }
                let line = self.control.json ? event.text : EventText.line(event, session.style)
                ControlSession.print([line])
            }
            if !hasEnded { throw CommandError(.unreachable, "the connection to the run ended") }
        } catch {
            throw session.exit(error)
        }
    }
}

/// `chaos end`
struct EndCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "end", abstract: "End a live run as its time would, with checks and report.")

    @OptionGroup var control: ControlOptions

    func run() async throws {
        try await ControlSession(options: self.control).ask(["op": "end"]) { _ in
            ["the run ends"]
        }
    }
}
