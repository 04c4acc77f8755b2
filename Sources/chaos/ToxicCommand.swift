import ArgumentParser
import ChaosCore
import ChaosToxiproxyServer
import Foundation

/// Steers a proxy through Toxiproxy's API, as `toxiproxy-cli` does.
struct ToxicCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "toxic",
        abstract: "Steers `chaos proxy`, or any Toxiproxy, as toxiproxy-cli does.",
        discussion: """
            chaos toxic create db --listen 127.0.0.1:15432 --upstream 127.0.0.1:5432
            chaos toxic add db --type latency --attribute latency=100 --attribute jitter=20
            chaos toxic update db --toxicName latency_downstream --attribute latency=300

            Exit codes are toxiproxy-cli's: 1 after any mistake or failure, 3 after an unknown command.
            """,
        version: "chaos toxic version \(chaosVersion)",
        subcommands: [
            ToxicList.self, ToxicInspect.self, ToxicCreate.self, ToxicToggle.self,
            ToxicDelete.self, ToxicAdd.self, ToxicUpdate.self, ToxicRemove.self,
            ToxicPopulate.self, ToxicReset.self, ToxicGroup.self,
        ])

    @OptionGroup var place: ToxiproxyPlace
}

/// `toxic add` and the like with the word in front that toxiproxy-cli wants.
struct ToxicGroup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "toxic", abstract: "The same add, update and remove, for scripts.",
        shouldDisplay: false,
        subcommands: [ToxicAdd.self, ToxicUpdate.self, ToxicGroupRemove.self], aliases: ["t"])

    @OptionGroup var place: ToxiproxyPlace
}

/// `toxic remove` behind that word, where `delete` means a toxic as well.
struct ToxicGroupRemove: ToxicSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Removes a toxic.", aliases: ["r", "delete", "d"])

    @OptionGroup var removal: ToxicRemove

    var place: ToxiproxyPlace { self.removal.place }

    func perform() async throws { try await self.removal.perform() }
}

/// Where the API is.
struct ToxiproxyPlace: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Where the API is; TOXIPROXY_URL, or else http://localhost:8474.", valueName: "url"))
    var host: String?

    /// The first of what the command line, the environment and the default say.
    func client() throws -> ToxiproxyClient {
        let url =
            self.host ?? ProcessInfo.processInfo.environment["TOXIPROXY_URL"]
            ?? "http://localhost:8474"
        do { return try ToxiproxyClient(url: url) } catch {
            throw Failure("\(error)")
        }
    }

    /// Asks, and expects success.
    func ask(
        _ method: String, _ path: [String], _ body: JSONValue? = nil, or failure: String
    ) async throws -> JSONValue {
        let answer: ToxiproxyClient.Answer
        do { answer = try await self.client().ask(method, path, body) } catch let error as Failure {
            throw error
        } catch { throw Failure("\(failure): \(error)") }
        if (200..<300).contains(answer.status) { return answer.body }
        let why = answer.body["error"]?.stringValue ?? "unexpected answer"
        throw Failure("\(failure): HTTP \(answer.status): \(why)")
    }

    /// Something that is told on standard error; the exit code is 1, as toxiproxy-cli's.
    struct Failure: Error {
        let text: String

        init(_ text: String) { self.text = text }
    }
}

/// A command that asks the API.
protocol ToxicSubcommand: AsyncParsableCommand {
    var place: ToxiproxyPlace { get }
    func perform() async throws
}

extension ToxicSubcommand {
    func run() async throws {
        do { try await self.perform() } catch let failure as ToxiproxyPlace.Failure {
            printError(failure.text)
            throw ExitCode(1)
        }
    }

    /// A proxy that must exist.
    func proxy(_ name: String) async throws -> JSONValue {
        try await self.place.ask("GET", ["proxies", name], or: "Failed to retrieve proxy \(name)")
    }
}
