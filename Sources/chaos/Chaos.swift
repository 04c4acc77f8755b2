import ArgumentParser

@main
enum Entrypoint {
    static func main() async { await Chaos.main() }
}

/// The command with all its subcommands.
struct Chaos: AsyncParsableCommand {
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
            CommandGroup(
                name: "Run",
                subcommands: [
                    RunCommand.self, TestCommand.self, CheckCommand.self, ProfilesCommand.self,
                ]),
            CommandGroup(name: "Steer a live run", subcommands: controlCommands),
        ])
}

/// What `chaos --version` prints, and what run directories record.
let chaosVersion = "0.1.0"
