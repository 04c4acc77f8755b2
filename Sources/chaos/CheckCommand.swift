import ArgumentParser
import ChaosCore
import ChaosRun
import ChaosScenario

/// Checks scenario and profile files without running anything.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Checks scenario and profile files and tells all mistakes.")

    @Argument(help: "The files; '-' is standard input.")
    var files: [String]

    func run() throws {
        var mistakes = 0
        for file in files {
            do {
                print("\(file): ok: \(try ScenarioFile.check(file))")
            } catch let error as Mistakes {
                mistakes += error.list.count
                printError(error.description)
            } catch let error as InputError {
                mistakes += 1
                printError("\(file): \(error)")
            }
        }
        if mistakes > 0 {
            printError(mistakes == 1 ? "1 mistake" : "\(mistakes) mistakes")
            throw ExitCode(ChaosExit.badInput)
        }
    }
}
