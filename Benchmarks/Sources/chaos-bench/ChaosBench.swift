import ArgumentParser

/// The program: measures by default; `hold` is what it does as the command that chaos wraps.
@main
struct ChaosBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chaos-bench",
        abstract: "Measures what chaos costs beside HAProxy and nginx, in one interleaved run.",
        subcommands: [
            MeasureCommand.self, ToxiproxyCommand.self, SoakCommand.self, HoldCommand.self,
            SoakNodeCommand.self,
        ],
        defaultSubcommand: MeasureCommand.self)
}
