import ArgumentParser
import ChaosCore
import ChaosRun
import Foundation

@main
enum Entrypoint {
    static func main() async {
        Self.refuseUnknownCommands()
        if let usage = ToxicUsage(Array(Swift.CommandLine.arguments.dropFirst())) {
            return await usage.run()
        }
        await Chaos.main()
    }

    /// Answers a mistyped command with the one that was meant, which the library does not.
    private static func refuseUnknownCommands() {
        guard let word = Swift.CommandLine.arguments.dropFirst().first, !word.hasPrefix("-") else {
            return
        }
        let known = Chaos.commands.compactMap { $0.configuration.commandName } + ["help"]
        if known.contains(word) { return }
        let nearest = Suggestion.nearest(to: word, among: known)
        let hint = nearest.map { "did you mean 'chaos \($0)'?" } ?? "'chaos --help' lists them"
        printError("\(InputError("there is no such command", found: word, hint: hint))")
        exit(ChaosExit.usage)
    }
}

/// The command with all its subcommands.
struct Chaos: AsyncParsableCommand {
    private static let runCommands: [any ParsableCommand.Type] = [
        RunCommand.self, TestCommand.self, CheckCommand.self, CheckHistoryCommand.self,
        ProfilesCommand.self,
    ]
    private static let repeatingCommands: [any ParsableCommand.Type] = [
        ReplayCommand.self, ShrinkCommand.self, ExploreCommand.self,
    ]
    private static let proxyCommands: [any ParsableCommand.Type] = [
        ProxyCommand.self, ToxicCommand.self,
    ]
    /// All subcommands, in the order in which help lists them.
    static var commands: [any ParsableCommand.Type] {
        Self.runCommands + Self.repeatingCommands + controlCommands + Self.proxyCommands
    }

    static let configuration = CommandConfiguration(
        commandName: "chaos",
        abstract:
            "Puts a seeded, scriptable, observable network between the processes of a cluster.",
        discussion: """
            chaos run --nodes 3 --profile flaky-wan -- ./kv --id {node} --listen {listen} --peers {peers}
            chaos partition n1 / n2 n3 --for 10s     (in another terminal, live)
            chaos test scenario.yaml --seeds 1..20   (in CI)
            """,
        version: chaosVersion,
        groupedSubcommands: [
            CommandGroup(name: "Run", subcommands: Self.runCommands),
            CommandGroup(name: "Repeat and narrow", subcommands: Self.repeatingCommands),
            CommandGroup(name: "Steer a live run", subcommands: controlCommands),
            CommandGroup(name: "A proxy on its own", subcommands: Self.proxyCommands),
        ])
}

/// What `chaos --version` prints, and what run directories record.
let chaosVersion = "0.1.0"
