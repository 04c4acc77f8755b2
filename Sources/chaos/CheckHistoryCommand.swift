import ArgumentParser
import ChaosCheckers
import ChaosCore
import ChaosReport
import ChaosRun
import Foundation

/// Judges recorded histories without running anything.
struct CheckHistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-history",
        abstract: "Judges a recorded history: ours, Jepsen's EDN or text, or JSON.",
        discussion: """
            chaos check-history --model cas-register history.edn
            chaos check-history --model list-append --consistency-models serializable history.jsonl
            chaos check-history --model set-full - < history.jsonl

            Exit codes: 0 valid, 1 invalid, 2 unknown, 65 for a file that is no history.
            """)

    @Option(
        help: .init(
            "What the operations must obey: \(Self.modelNames.joined(separator: ", ")).",
            valueName: "model"))
    var model: String

    @Option(help: "What transactions must obey, as Elle names it; several with commas.")
    var consistencyModels: String?

    @Option(help: "What a register or counter holds before the first operation, as JSON.")
    var initial: String?

    @Flag(
        inversion: .prefixedNo,
        help: "Whether every value is a pair of key and value; otherwise the history tells.")
    var independent: Bool?

    @Flag(help: "A compare-and-set that failed found another value; otherwise it tells nothing.")
    var failures = false

    @Flag(help: "Each process sees the versions of a key in order (rw-register).")
    var sequentialKeys = false

    @Flag(help: "Each key is linearizable by itself (rw-register).")
    var linearizableKeys = false

    @Flag(help: "An element that was missing for a while is an error (set-full).")
    var linearizable = false

    @Option(
        name: .customLong("set"),
        help: .init(
            "Another parameter of the check, such as within=5s.", valueName: "name=value"))
    var parameters: [String] = []

    @Option(help: "How many steps a search may take before the answer is unknown.")
    var budget: Int?

    @Option(help: "text or json.")
    var format = Format.text

    @Argument(help: "The files; '-' is standard input.")
    var files: [String]

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

    /// Everything that `--model` may name: the checks, and the models of linearizability. Where both have a name, the
    /// model is `linearizable-NAME`.
    static var modelNames: [String] {
        linearizabilityModelNames.map { Self.linearizabilityName($0) } + checkerNames
    }

    private static func linearizabilityName(_ model: String) -> String {
        checkerNames.contains(model) ? "linearizable-\(model)" : model
    }

    func run() throws {
        let checker: any Checker
        do {
            checker = try self.checker()
        } catch {
            printError("\(error)")
            throw ExitCode(ChaosExit.usage)
        }
        var verdicts: [Verdict] = []
        for file in self.files {
            let finding = checker.check(try self.history(file))
            verdicts.append(finding.verdict)
            self.print(finding, of: file)
        }
        switch Verdict.combined(verdicts) {
        case .valid: break
        case .invalid: throw ExitCode(ChaosExit.invalid)
        case .unknown: throw ExitCode(ChaosExit.unknown)
        }
    }

    private func checker() throws(InputError) -> any Checker {
        guard Self.modelNames.contains(self.model) else {
            throw InputError(
                "--model is one of \(Self.modelNames.joined(separator: ", "))", found: self.model,
                hint: Suggestion.nearest(to: self.model, among: Self.modelNames).map {
                    "did you mean '\($0)'?"
                })
        }
        let linearizability = linearizabilityModelNames.first {
            Self.linearizabilityName($0) == self.model
        }
        var values: JSONObject = [:]
        if let linearizability { values["model"] = .string(linearizability) }
        if let consistencyModels { values["consistency_models"] = .string(consistencyModels) }
        if let initial {
            guard let value = try? JSONValue(parsing: initial) else {
                throw InputError("--initial is a JSON value", found: initial)
            }
            values["initial"] = value
        }
        if let independent { values["independent"] = .bool(independent) }
        if self.failures { values["failures"] = true }
        if self.sequentialKeys { values["sequential_keys"] = true }
        if self.linearizableKeys { values["linearizable_keys"] = true }
        if self.linearizable { values["linearizable"] = true }
        if let budget { values["budget"] = .int(Int64(budget)) }
        // Others' histories mark no read as final.
        if self.model == "set-full" { values["last_read_is_final"] = true }
        for parameter in self.parameters {
            guard let equals = parameter.firstIndex(of: "=") else {
                throw InputError("--set is NAME=VALUE", found: parameter)
            }
            let value = String(parameter[parameter.index(after: equals)...])
            values[String(parameter[..<equals])] = .string(value)
        }
        let name = linearizability == nil ? self.model : "linearizable"
        return try makeChecker(name: name, parameters: values)
    }

    private func history(_ file: String) throws -> History {
        let data: Data
        if file == "-" {
            data = FileHandle.standardInput.readDataToEndOfFile()
        } else if let content = FileManager.default.contents(atPath: file) {
            data = content
        } else {
            printError("\(file): there is no such file")
            throw ExitCode(ChaosExit.badInput)
        }
        do {
            return try History(parsing: String(decoding: data, as: UTF8.self))
        } catch {
            printError("\(file): \(error)")
            throw ExitCode(ChaosExit.badInput)
        }
    }

    private func print(_ finding: Finding, of file: String) {
        switch self.format {
        case .json:
            var object: JSONObject = ["file": .string(file)]
            for member in finding.json.objectValue?.members ?? [] {
                object[member.key] = member.value
            }
            printOutput(JSONValue.object(object).text)
        case .text:
            let style = TerminalStyle(
                isTerminal: isatty(1) == 1, environment: ProcessInfo.processInfo.environment)
            let tone: StyledText.Tone =
                switch finding.verdict {
                case .valid: .good
                case .invalid: .bad
                case .unknown: .uncertain
                }
            let word = style.text(StyledText(finding.verdict.rawValue.uppercased(), tone))
            let lines =
                ["\(word)  \(file)  \(finding.summary)"] + finding.evidence.map { "  \($0)" }
            printOutput(lines.joined(separator: "\n"))
        }
    }
}
