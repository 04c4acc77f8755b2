import ArgumentParser
import ChaosControl
import ChaosCore
import ChaosReport
import ChaosScenario

/// What all commands to processes accept and do.
struct ProcessOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("The nodes: n1, n1..n3 or 'eu-*'.", valueName: "node"))
    var nodes: [String]

    @OptionGroup var control: ControlOptions

    func run(_ action: ProcessAction) async throws {
        let request: JSONObject = [
            "op": .string(action.rawValue), "nodes": .array(self.nodes.map { .string($0) }),
        ]
        try await ControlSession(options: self.control).ask(request) {
            CommandText.lines(try ProcessReceipt(json: $0))
        }
    }
}

/// `chaos kill n1`
struct KillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill", abstract: "Kill nodes of a live run (SIGKILL).")
    @OptionGroup var options: ProcessOptions
    func run() async throws { try await self.options.run(.kill) }
}

/// `chaos stop n1`
struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Ask nodes of a live run to end (SIGTERM).")
    @OptionGroup var options: ProcessOptions
    func run() async throws { try await self.options.run(.stop) }
}

/// `chaos pause n1`
struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Freeze nodes of a live run (SIGSTOP).")
    @OptionGroup var options: ProcessOptions
    func run() async throws { try await self.options.run(.pause) }
}

/// `chaos resume n1`
struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let paused nodes of a live run go on (SIGCONT).")
    @OptionGroup var options: ProcessOptions
    func run() async throws { try await self.options.run(.resume) }
}

/// `chaos restart n1`
struct RestartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart", abstract: "Kill nodes of a live run and start them again.")
    @OptionGroup var options: ProcessOptions
    func run() async throws { try await self.options.run(.restart) }
}
