import ArgumentParser
import ChaosCore
import ChaosRun
import ChaosScenario

/// Lists the profiles that ship with chaos, or prints one.
struct ProfilesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profiles", abstract: "Lists the network profiles that ship with chaos.")

    @Argument(help: "Print this profile's file instead.")
    var name: String?

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        if let name {
            guard let entry = BuiltInProfiles.all.first(where: { $0.name == name }) else {
                let hint = Suggestion.hint(for: name, among: BuiltInProfiles.all.map(\.name))
                printError("\(InputError("there is no such profile", found: name, hint: hint))")
                throw ExitCode(ChaosExit.usage)
            }
            print(entry.text, terminator: "")
            return
        }
        if json {
            let entries = BuiltInProfiles.all.map { entry -> JSONValue in
                ["name": .string(entry.name), "summary": .string(entry.summary)]
            }
            print(JSONValue.array(entries).text)
            return
        }
        let width = BuiltInProfiles.all.map(\.name.count).max() ?? 0
        for entry in BuiltInProfiles.all {
            let space = String(repeating: " ", count: width - entry.name.count + 2)
            print(entry.name + space + entry.summary)
        }
    }
}
