import ArgumentParser
import ChaosCore
import Foundation

// Scripts that call toxiproxy-cli and toxiproxy-server go by their exit codes, so `chaos toxic` and
// `chaos proxy` end with those rather than with the ones that the rest of chaos has.

/// How a command line written for Toxiproxy is read.
struct ToxicUsage {
    /// What toxiproxy-cli ends with after a mistake, and after a command that it does not have.
    private static let mistake: Int32 = 1
    private static let unknownCommand: Int32 = 3
    /// What toxiproxy-server ends with after a mistake.
    private static let serverMistake: Int32 = 2

    private var arguments: [String]
    private let isServer: Bool

    /// The reading of a command line; `nil` for one that has nothing to do with Toxiproxy.
    init?(_ arguments: [String]) {
        guard let first = arguments.first, first == "proxy" || first == "toxic" else { return nil }
        self.isServer = first == "proxy"
        self.arguments = arguments
        if !self.isServer { self.translate() }
    }

    /// Runs the command, and ends the process when something is wrong with it.
    func run() async {
        if let verb = self.unknownVerb {
            let known = Self.verbs.flatMap(\.names)
            let hint =
                Suggestion.nearest(to: verb, among: known).map { "did you mean '\($0)'?" }
                ?? "'chaos toxic --help' lists them"
            printError("\(InputError("there is no such command", found: verb, hint: hint))")
            exit(Self.unknownCommand)
        }
        do {
            var command = try Chaos.parseAsRoot(self.arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            guard Chaos.exitCode(for: error) == .validationFailure else {
                Chaos.exit(withError: error)
            }
            printError(Chaos.fullMessage(for: error))
            if self.isServer { exit(Self.serverMistake) }
            printOutput(Chaos.helpMessage(for: self.verb?.command ?? ToxicCommand.self))
            exit(Self.mistake)
        }
    }

    // MARK: - Words

    /// A command of `chaos toxic` with everything that it is called.
    private struct Verb {
        let command: any ParsableCommand.Type
        var names: [String] {
            [self.command._commandName] + self.command.configuration.aliases
        }
    }

    private static let verbs = ToxicCommand.configuration.subcommands.map(Verb.init)

    /// Where the command stands, behind the flags that are for all of them.
    private var verbIndex: Int? {
        var index = 1
        while index < self.arguments.count {
            let word = self.arguments[index]
            if !word.hasPrefix("-") { return index }
            index += word == "--host" ? 2 : 1
        }
        return nil
    }

    private var verb: Verb? {
        guard let index = self.verbIndex else { return nil }
        return Self.verbs.first { $0.names.contains(self.arguments[index]) }
    }

    private var unknownVerb: String? {
        guard !self.isServer, let index = self.verbIndex, self.verb == nil else { return nil }
        return self.arguments[index]
    }

    /// Puts our words for those that mean something else here: `-h URL`, `-v`, `help`.
    private mutating func translate() {
        if self.arguments.count > 2, self.arguments[1] == "-h" { self.arguments[1] = "--host" }
        if self.arguments.count > 1, self.arguments[1] == "-v" { self.arguments[1] = "--version" }
        if let index = self.verbIndex, ["help", "h"].contains(self.arguments[index]) {
            self.arguments.remove(at: index)
            self.arguments.append("--help")
        }
    }
}
