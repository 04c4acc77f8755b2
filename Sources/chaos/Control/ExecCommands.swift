import ArgumentParser
import CLinux
import ChaosControl
import ChaosCore
import ChaosLab
import ChaosReport
import Foundation

/// `chaos exec`
struct ExecCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec",
        abstract:
            "Runs a command where a node of the lab is: its network, host name and processes.",
        discussion: "chaos exec n1 -- ss -tn")

    @OptionGroup var control: ControlOptions

    @Argument(help: "The node.")
    var node: String

    @Argument(parsing: .postTerminator, help: "The command, behind '--'.")
    var command: [String] = []

    func run() async throws {
        if self.command.isEmpty {
            throw ValidationError("a command stands behind '--', such as: chaos exec n1 -- ss -tn")
        }
        try await NodePlace(control: self.control, node: self.node).run(self.command)
    }
}

/// `chaos shell`
struct ShellCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shell", abstract: "Opens a shell where a node of the lab is.")

    @OptionGroup var control: ControlOptions

    @Argument(help: "The node.")
    var node: String

    func run() async throws {
        let shell = ProcessInfo.processInfo.environment["SHELL"] ?? "/bin/sh"
        try await NodePlace(control: self.control, node: self.node).run([shell])
    }
}

/// Where a node of a live run is, for somebody from outside.
private struct NodePlace {
    let control: ControlOptions
    let node: String

    /// Becomes the command, there. This program comes here twice: the first time it asks the run where that
    /// is and executes itself again, the second time it is there.
    func run(_ command: [String]) async throws -> Never {
        if LabEntrance.hasEntered() {
            var code = chaos_give_up_capabilities()
            if code == 0 {
                var words = command.map { strdup($0) } + [nil]
                execvp(command[0], &words)
                code = errno
            }
            printError("\(command[0]): \(String(cString: strerror(code)).lowercased())")
            // As shells have it.
            Foundation.exit(code == ENOENT ? 127 : 126)
        }
        let session = ControlSession(options: self.control)
        do {
            if LabEntrance.isInside {
                throw CommandError(
                    .unsupported, "a node's place is entered from outside of the lab",
                    hint: "run this in another terminal")
            }
            let client = try await session.connect()
            let status = try RunStatus(
                json: try await client.send(["op": "status", "links": "busy"]))
            await client.close()
            let names = status.nodes.map(\.name.text)
            guard let found = status.nodes.first(where: { $0.name.text == self.node }) else {
                throw CommandError(
                    .notFound, "there is no such node, found '\(self.node)'",
                    hint: Suggestion.hint(for: self.node, among: names))
            }
            guard let lab = status.run.lab, let network = found.network else {
                throw CommandError(
                    .unsupported, "only nodes in the lab have a place of their own",
                    hint: "start the run with '--backend lab'")
            }
            let error = LabEntrance.enter(
                Swift.CommandLine.arguments, labOf: Int32(lab), network: network,
                name: self.node)
            throw CommandError(.failed, error.description)
        } catch {
            throw session.exit(error)
        }
    }
}
