import ArgumentParser
import ChaosCore
import ChaosReport
import ChaosToxiproxyServer
import Foundation

// What toxiproxy-cli does with proxies, with its words on standard output.

struct ToxicList: ToxicSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists all proxies.", aliases: ["l", "li", "ls"])

    @OptionGroup var place: ToxiproxyPlace

    func perform() async throws {
        let proxies = try await self.place.ask(
            "GET", ["proxies"], or: "Failed to retrieve proxies")
        let members = (proxies.objectValue?.members ?? []).sorted {
            $0.key.utf8.lexicographicallyPrecedes($1.key.utf8)
        }
        if ToxicTable.isSeen { return Self.table(members.map { ($0.key, $0.value) }).print() }
        for (name, proxy) in members {
            let words = [
                name, proxy["listen"]?.stringValue ?? "", proxy["upstream"]?.stringValue ?? "",
                proxy["enabled"]?.boolValue == true ? "enabled" : "disabled",
                String(proxy["toxics"]?.arrayValue?.count ?? 0),
            ]
            printOutput(words.joined(separator: "\t"))
        }
    }

    private static func table(_ proxies: [(name: String, proxy: JSONValue)]) -> ToxicTable {
        var table = ToxicTable(headers: ["Name", "Listen", "Upstream", "Enabled", "Toxics"])
        for (name, proxy) in proxies {
            let isEnabled = proxy["enabled"]?.boolValue == true
            let toxics = proxy["toxics"]?.arrayValue?.count ?? 0
            table.rows.append([
                StyledText(name, isEnabled ? .good : .bad),
                StyledText(proxy["listen"]?.stringValue ?? ""),
                StyledText(proxy["upstream"]?.stringValue ?? ""),
                StyledText(isEnabled ? "enabled" : "disabled", isEnabled ? .good : .bad),
                StyledText(toxics == 0 ? "None" : String(toxics), toxics == 0 ? .faint : .bad),
            ])
        }
        table.hint =
            proxies.isEmpty
            ? "make a proxy with 'chaos toxic create'"
            : "see the toxics of a proxy with 'chaos toxic inspect NAME'"
        return table
    }
}

struct ToxicInspect: ToxicSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Lists the toxics of a proxy.", aliases: ["i", "ins"])

    @OptionGroup var place: ToxiproxyPlace
    @Argument(help: "The proxy.") var name: String

    func perform() async throws {
        let proxy = try await self.proxy(self.name)
        let toxics = proxy["toxics"]?.arrayValue ?? []
        if ToxicTable.isSeen { return self.printTable(of: toxics, proxy) }
        for toxic in toxics {
            let attributes = (toxic["attributes"]?.objectValue?.members ?? [])
                .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
                .map { "\t\($0.key)=\(Self.text($0.value))" }
            let toxicity = String(format: "%.2f", toxic["toxicity"]?.doubleValue ?? 0)
            printOutput(
                "\(toxic["name"]?.stringValue ?? "")\ttype=\(toxic["type"]?.stringValue ?? "")"
                    + "\tstream=\(toxic["stream"]?.stringValue ?? "")\ttoxicity=\(toxicity)"
                    + "\tattributes=[\(attributes.joined())\t]")
        }
    }

    private func printTable(of toxics: [JSONValue], _ proxy: JSONValue) {
        let listen = proxy["listen"]?.stringValue ?? ""
        printOutput(
            "Name: \(self.name)\tListen: \(listen)\tUpstream: \(proxy["upstream"]?.stringValue ?? "")"
        )
        for stream in ["upstream", "downstream"] {
            let own = toxics.filter { $0["stream"]?.stringValue?.lowercased() == stream }
            if own.isEmpty { continue }
            printOutput("\n\(stream.capitalized) toxics:")
            var table = ToxicTable(headers: ["Name", "Type", "Toxicity", "Attributes"])
            for toxic in own {
                let attributes = (toxic["attributes"]?.objectValue?.members ?? [])
                    .map { "\($0.key)=\(Self.text($0.value))" }.joined(separator: " ")
                table.rows.append([
                    StyledText(toxic["name"]?.stringValue ?? "", .bad),
                    StyledText(toxic["type"]?.stringValue ?? ""),
                    StyledText(String(format: "%.2f", toxic["toxicity"]?.doubleValue ?? 0)),
                    StyledText(attributes),
                ])
            }
            table.print()
        }
        if toxics.isEmpty {
            printOutput("\nHint: add a toxic with 'chaos toxic add \(self.name) --type TYPE'")
        }
    }

    /// A number as Go's `fmt.Print` shows it.
    private static func text(_ value: JSONValue) -> String {
        if let text = value.stringValue { return text }
        guard let number = value.doubleValue else { return value.text }
        if number == 0 { return "0" }
        let exponent = Int(log10(number.magnitude).rounded(.down))
        if exponent < -4 || exponent >= 21 { return "\(number)" }
        return number == number.rounded() && number.magnitude < 1e15
            ? String(Int64(number)) : "\(number)"
    }
}

struct ToxicCreate: ToxicSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Makes a proxy.", aliases: ["c", "new"])

    @OptionGroup var place: ToxiproxyPlace
    @Option(name: [.customShort("l"), .long], help: "Where the proxy listens.")
    var listen: String
    @Option(name: [.customShort("u"), .long], help: "Where it forwards to.")
    var upstream: String
    @Option(help: "What it carries: tcp (and Unix sockets) or udp.")
    var network: String?
    @OptionGroup(title: "TLS") var tls: ToxicTLS
    @Argument(help: "The proxy.") var name: String

    func perform() async throws {
        var body: JSONObject = [
            "name": .string(self.name), "listen": .string(self.listen),
            "upstream": .string(self.upstream), "enabled": true,
        ]
        if let network = self.network { body["network"] = .string(network) }
        if let tls = try self.tls.value() { body["tls"] = tls }
        _ = try await self.place.ask(
            "POST", ["proxies"], .object(body), or: "Failed to create proxy")
        printOutput("Created new proxy \(self.name)")
    }
}

struct ToxicToggle: ToxicSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "toggle", abstract: "Disables a proxy, or enables it again.", aliases: ["tog"])

    @OptionGroup var place: ToxiproxyPlace
    @Argument(help: "The proxy.") var name: String

    func perform() async throws {
        let isEnabled = try await self.proxy(self.name)["enabled"]?.boolValue != true
        _ = try await self.place.ask(
            "POST", ["proxies", self.name], ["enabled": .bool(isEnabled)],
            or: "Failed to toggle proxy \(self.name)")
        printOutput("Proxy \(self.name) is now \(isEnabled ? "enabled" : "disabled")")
    }
}

struct ToxicDelete: ToxicSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Deletes a proxy.", aliases: ["d"])

    @OptionGroup var place: ToxiproxyPlace
    @Argument(help: "The proxy.") var name: String

    func perform() async throws {
        _ = try await self.proxy(self.name)
        _ = try await self.place.ask(
            "DELETE", ["proxies", self.name], or: "Failed to delete proxy")
        printOutput("Deleted proxy \(self.name)")
    }
}

struct ToxicPopulate: ToxicSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "populate",
        abstract: "Makes the proxies of a file, JSON or YAML, and changes those that differ.")

    @OptionGroup var place: ToxiproxyPlace
    @Argument(help: "The file.") var file: String

    func perform() async throws {
        let body: JSONValue
        do {
            body = try JSONValue(parsing: try ConfigFile.read(self.file))
        } catch { throw ToxiproxyPlace.Failure("cannot read '\(self.file)': \(error)") }
        let answer = try await self.place.ask("POST", ["populate"], body, or: "Failed to populate")
        for proxy in answer["proxies"]?.arrayValue ?? [] {
            printOutput("Populated proxy \(proxy["name"]?.stringValue ?? "")")
        }
    }
}

struct ToxicReset: ToxicSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "reset", abstract: "Enables all proxies and removes all toxics.")

    @OptionGroup var place: ToxiproxyPlace

    func perform() async throws {
        _ = try await self.place.ask("POST", ["reset"], or: "Failed to reset")
        printOutput("Reset all proxies")
    }
}
