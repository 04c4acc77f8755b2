import ArgumentParser
import ChaosCore
import ChaosToxiproxyServer

// What toxiproxy-cli does with toxics, with its words on standard output. Unlike there, an update that
// names no toxicity leaves it alone.

/// The values of a toxic on the command line.
struct ToxicValues: ParsableArguments {
    @Option(
        name: [.long, .customLong("tox")], help: "The share of connections, from 0 to 1.")
    var toxicity: String?

    @Option(
        name: [.customShort("a"), .customLong("attribute")],
        help: ArgumentHelp("An attribute; may be repeated.", valueName: "key=value"))
    var attributes: [String] = []

    /// The members of a request that say so.
    func members() throws -> [(key: String, value: JSONValue)] {
        var members: [(key: String, value: JSONValue)] = []
        if let text = self.toxicity {
            guard let toxicity = Double(text), (0...1).contains(toxicity) else {
                throw ToxiproxyPlace.Failure("toxicity should be a float between 0 and 1.")
            }
            members.append(("toxicity", Self.number(toxicity)))
        }
        var attributes = JSONObject()
        for attribute in self.attributes {
            let parts = attribute.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            // toxiproxy-cli passes over what is no pair.
            if parts.count < 2 { continue }
            let text = String(parts[1])
            attributes[String(parts[0])] =
                Double(text).flatMap { $0.isFinite ? Self.number($0) : nil } ?? .string(text)
        }
        members.append(("attributes", .object(attributes)))
        return members
    }

    /// Whole numbers go without a fraction: the API takes them no other way.
    private static func number(_ number: Double) -> JSONValue {
        Int64(exactly: number).map { .int($0) } ?? .double(number)
    }
}

struct ToxicAdd: ToxicSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Adds a toxic to a proxy.", aliases: ["a"])

    @OptionGroup var place: ToxiproxyPlace
    @Option(name: [.customShort("n"), .customLong("toxicName")], help: "The name of the toxic.")
    var toxicName: String?
    @Option(name: [.customShort("t"), .long], help: "The type of the toxic.")
    var type: String
    @OptionGroup var values: ToxicValues
    @Flag(name: [.customShort("u"), .long], help: "For what clients send.")
    var upstream = false
    @Flag(name: [.customShort("d"), .long], help: "For what the server sends; the default.")
    var downstream = false
    @Argument(help: "The proxy.") var name: String

    func perform() async throws {
        if self.upstream && self.downstream {
            throw ToxiproxyPlace.Failure("Only one should be specified: upstream or downstream.")
        }
        _ = try await self.proxy(self.name)
        let stream = self.upstream ? "upstream" : "downstream"
        let begin: [(key: String, value: JSONValue)] = [
            ("name", .string(self.toxicName ?? "")), ("type", .string(self.type)),
            ("stream", .string(stream)),
        ]
        let toxic = try await self.place.ask(
            "POST", ["proxies", self.name, "toxics"],
            .object(JSONObject(begin + (try self.values.members()))), or: "Failed to add toxic")
        printOutput(
            "Added \(stream) \(self.type) toxic '\(toxic["name"]?.stringValue ?? "")' "
                + "on proxy '\(self.name)'")
    }
}

struct ToxicUpdate: ToxicSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Changes a toxic.", aliases: ["u"])

    @OptionGroup var place: ToxiproxyPlace
    @Option(name: [.customShort("n"), .customLong("toxicName")], help: "The name of the toxic.")
    var toxicName: String
    @OptionGroup var values: ToxicValues
    @Argument(help: "The proxy.") var name: String

    func perform() async throws {
        _ = try await self.proxy(self.name)
        _ = try await self.place.ask(
            "PATCH", ["proxies", self.name, "toxics", self.toxicName],
            .object(JSONObject(try self.values.members())), or: "Failed to update toxic")
        printOutput("Updated toxic '\(self.toxicName)' on proxy '\(self.name)'")
    }
}

struct ToxicRemove: ToxicSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Removes a toxic.", aliases: ["r"])

    @OptionGroup var place: ToxiproxyPlace
    @Option(name: [.customShort("n"), .customLong("toxicName")], help: "The name of the toxic.")
    var toxicName: String
    @Argument(help: "The proxy.") var name: String

    func perform() async throws {
        _ = try await self.proxy(self.name)
        _ = try await self.place.ask(
            "DELETE", ["proxies", self.name, "toxics", self.toxicName],
            or: "Failed to remove toxic")
        printOutput("Removed toxic '\(self.toxicName)' on proxy '\(self.name)'")
    }
}
