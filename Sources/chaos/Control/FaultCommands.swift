import ArgumentParser
import ChaosControl
import ChaosCore
import ChaosReport

/// `chaos set 'n1->n2' delay=100ms,10ms loss=5%`
struct SetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Put faults on links of a live run.",
        discussion: "For example: chaos set 'n1->n2' delay=100ms,10ms loss=5% --for 10s")

    @Argument(
        help: ArgumentHelp("The links, in quotes: 'n1->n2', '*->n3:peer'.", valueName: "link"))
    var link: String

    @Argument(help: ArgumentHelp("The faults, as KIND=VALUE.", valueName: "fault"))
    var faults: [String]

    @OptionGroup var lease: LeaseOptions
    @OptionGroup var control: ControlOptions

    func run() async throws {
        var request: JSONObject = [
            "op": "set", "link": .string(self.link),
            "faults": .array(self.faults.map { .string($0) }),
        ]
        self.lease.add(to: &request)
        let session = ControlSession(options: self.control)
        try await session.ask(request) {
            [CommandText.line(try InjectionReceipt(json: $0), suffix: session.suffix)]
        }
    }
}

/// `chaos clear f3`
struct ClearCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clear", abstract: "Take faults away from links of a live run.")

    @Argument(
        help: ArgumentHelp(
            "The fault, such as f1, or its links; all without.", valueName: "id|link"))
    var words: [String] = []

    @OptionGroup var control: ControlOptions

    func run() async throws {
        var request: JSONObject = ["op": "clear"]
        try addSelection(self.words, links: "link", to: &request)
        try await ControlSession(options: self.control).ask(request) {
            CommandText.lines(try EndingReceipt(json: $0))
        }
    }
}
