import ArgumentParser
import ChaosControl
import ChaosCore
import ChaosReport

/// `chaos partition n1 / n2 n3`
struct PartitionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "partition", abstract: "Cut nodes of a live run off from each other.",
        discussion: """
            Groups are separated by '/', members by spaces: 'n1 / n2 n3'. A block of addresses \
            stands for the nodes in it: '127.0.1.0/24 / 127.0.2.0/24'. One way is written \
            'n1 -> n2', in quotes. Shapes: \(Partition.shapes.map(\.word).joined(separator: ", ")).
            """)

    @Argument(
        parsing: .allUnrecognized,
        help: ArgumentHelp("Who is cut from whom.", valueName: "groups"))
    var words: [String]

    @Flag(help: "Cut only what the first group sends to the second.")
    var oneWay = false

    @OptionGroup var cut: CutOptions
    @OptionGroup var control: ControlOptions

    func validate() throws { _ = try Self.text(self.words, oneWay: self.oneWay) }

    func run() async throws {
        var request: JSONObject = [
            "op": "partition", "partition": .string(try Self.text(self.words, oneWay: self.oneWay)),
        ]
        self.cut.add(to: &request)
        let session = ControlSession(options: self.control)
        try await session.ask(request) {
            [CommandText.line(try InjectionReceipt(json: $0), suffix: session.suffix)]
        }
    }

    /// Joins what the shell split.
    static func text(_ words: [String], oneWay: Bool) throws -> String {
        let text = words.joined(separator: " ")
        if let option = words.first(where: { $0.hasPrefix("-") && !$0.hasPrefix("->") }) {
            if option == "-" {
                throw ValidationError("an arrow is written in quotes, as in 'n1 -> n2'")
            }
            throw ValidationError("there is no such option, found '\(option)'")
        }
        if !oneWay || text.contains("->") { return text }
        let groups = Partition.groups(of: text)
        if groups.count != 2 {
            throw ValidationError("--one-way needs two groups, as in 'n1 / n2', found '\(text)'")
        }
        return groups.map { $0.trimmingSpaces }.joined(separator: " -> ")
    }
}

/// `chaos isolate n2`
struct IsolateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "isolate", abstract: "Cut nodes of a live run off from all others.")

    @Argument(help: ArgumentHelp("The nodes.", valueName: "node"))
    var nodes: [String]

    @OptionGroup var cut: CutOptions
    @OptionGroup var control: ControlOptions

    func run() async throws {
        var request: JSONObject = [
            "op": "isolate", "nodes": .array(self.nodes.map { .string($0) }),
        ]
        self.cut.add(to: &request)
        let session = ControlSession(options: self.control)
        try await session.ask(request) {
            [CommandText.line(try InjectionReceipt(json: $0), suffix: session.suffix)]
        }
    }
}

/// `chaos heal p1`
struct HealCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "heal", abstract: "End one partition of a live run, or all of them.")

    @Argument(help: ArgumentHelp("The partition, such as p1; all without it.", valueName: "id"))
    var injection: String?

    @OptionGroup var control: ControlOptions

    func run() async throws {
        var request: JSONObject = ["op": "heal"]
        if let injection = self.injection { request["injection"] = .string(injection) }
        try await ControlSession(options: self.control).ask(request) {
            CommandText.lines(try EndingReceipt(json: $0))
        }
    }
}

/// `chaos hold 'n1->n2'`
struct HoldCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold",
        abstract: "Stall links of a live run; what is sent waits and arrives after release.")

    @Argument(help: ArgumentHelp("The links, in quotes: 'n1->n2'.", valueName: "link"))
    var links: [String]

    @OptionGroup var lease: LeaseOptions
    @OptionGroup var control: ControlOptions

    func run() async throws {
        var request: JSONObject = [
            "op": "hold", "links": .array(self.links.map { .string($0) }),
        ]
        self.lease.add(to: &request)
        let session = ControlSession(options: self.control)
        try await session.ask(request) {
            [CommandText.line(try InjectionReceipt(json: $0), suffix: session.suffix)]
        }
    }
}

/// `chaos release h1`
struct ReleaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Let held links of a live run go.")

    @Argument(
        help: ArgumentHelp("The hold, such as h1, or its links; all without.", valueName: "id|link")
    )
    var words: [String] = []

    @OptionGroup var control: ControlOptions

    func run() async throws {
        var request: JSONObject = ["op": "release"]
        try addSelection(self.words, links: "links", to: &request)
        try await ControlSession(options: self.control).ask(request) {
            CommandText.lines(try EndingReceipt(json: $0))
        }
    }
}

/// Puts the id or the links that somebody named into a request.
func addSelection(_ words: [String], links key: String, to request: inout JSONObject) throws {
    if words.isEmpty { return }
    if words.allSatisfy({ $0.contains("->") }) {
        request[key] = .array(words.map { .string($0) })
    } else if words.count == 1 {
        request["injection"] = .string(words[0])
    } else {
        throw ValidationError(
            "one id or several links are named, found '\(words.joined(separator: " "))'")
    }
}
