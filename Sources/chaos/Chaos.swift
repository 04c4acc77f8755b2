import ArgumentParser
import CLinux
import ChaosCore
import ChaosRun
import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@main
enum Entrypoint {
    static func main() async {
        Self.raiseDescriptorLimit()
        chaos_return_freed_memory()
        Self.refuseDashes()
        Self.refuseUnknownCommands()
        if let usage = ToxicUsage(Array(Swift.CommandLine.arguments.dropFirst())) {
            return await usage.run()
        }
        await Chaos.main()
    }

    /// Takes as many open files as the system lets this user have: every link of a run has a listener,
    /// and the usual 1024 are too few for the links of twenty-five nodes.
    private static func raiseDescriptorLimit() {
        #if os(Linux)
            let resource = __rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue))
            var limit = rlimit()
            guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
            // More than this helps nobody, and some programs close all that they could have.
            limit.rlim_cur = min(limit.rlim_max, max(limit.rlim_cur, 65_536))
            _ = setrlimit(resource, &limit)
        #endif
    }

    /// Names a dash that is no hyphen: pages and word processors make them, and a flag behind one would
    /// be taken for something else. What stands behind '--' belongs to another program.
    private static func refuseDashes() {
        let dashes: [Character: String] = [
            "\u{2010}": "a typographic hyphen", "\u{2011}": "a typographic hyphen",
            "\u{2012}": "a figure dash", "\u{2013}": "an en dash", "\u{2014}": "an em dash",
            "\u{2015}": "a horizontal bar", "\u{2212}": "a minus sign",
        ]
        for word in Swift.CommandLine.arguments.dropFirst().prefix(while: { $0 != "--" }) {
            let front = word.prefix { $0 == "-" || dashes[$0] != nil }
            guard let name = front.lazy.compactMap({ dashes[$0] }).first else { continue }
            let rest = word.dropFirst(front.count)
            let flag = (rest.count == 1 ? "-" : "--") + rest
            printError(
                "\(InputError("a flag begins with hyphens, and this one has \(name)", found: word, hint: "write '\(flag)'"))"
            )
            exit(ChaosExit.usage)
        }
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
        ProfilesCommand.self, ReportCommand.self, DoctorCommand.self,
    ]
    private static let repeatingCommands: [any ParsableCommand.Type] = [
        ReplayCommand.self, ShrinkCommand.self, ExploreCommand.self,
    ]
    private static let lessonCommands: [any ParsableCommand.Type] = [
        LessonsCommand.self, LessonCommand.self, MatrixCommand.self,
    ]
    private static let proxyCommands: [any ParsableCommand.Type] = [
        ProxyCommand.self, ToxicCommand.self,
    ]
    /// All subcommands, in the order in which help lists them.
    static var commands: [any ParsableCommand.Type] {
        Self.runCommands + Self.repeatingCommands + controlCommands + Self.lessonCommands
            + Self.proxyCommands
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
            CommandGroup(name: "Learn", subcommands: Self.lessonCommands),
            CommandGroup(name: "A proxy on its own", subcommands: Self.proxyCommands),
        ])
}

/// What `chaos --version` prints, and what run directories record.
let chaosVersion = "0.1.0"
