import ArgumentParser
import ChaosCore
import ChaosReport
import ChaosRun
import ChaosScenario
import Dispatch
import Foundation
import Synchronization

/// Runs to the end; Ctrl-C and SIGTERM end the run early, in order. The second one ends `chaos` at
/// once: the guardian ends what it leaves.
func execute(_ settings: RunSettings) async throws -> RunOutcome {
    try enterLab(for: [settings.scenario])
    let run = ScenarioRun(settings)
    let queue = DispatchQueue(label: "chaos.signals")
    let count = Mutex(0)
    let sources = [SIGINT, SIGTERM, SIGHUP].map { number in
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
        source.setEventHandler {
            let isSecond = count.withLock { count in
                count += 1
                return count > 1
            }
            if isSecond { _exit(ChaosExit.interrupted) }
            printError("ending the run; once more ends it at once")
            Task { await run.interrupt() }
        }
        source.resume()
        return source
    }
    defer { for source in sources { source.cancel() } }
    return try await run.execute()
}

/// Reads a scenario; a file that cannot be read is as bad as one that is wrong.
func readScenario(
    _ file: String, length: Duration?, backend: Backend = .automatic,
    changes: ScenarioChanges = ScenarioChanges()
) throws -> Scenario {
    do {
        return try ScenarioFile.read(file, length: length, backend: backend, changes: changes)
    } catch let error as InputError {
        throw RunError("\(file): \(error)", exitCode: ChaosExit.badInput)
    }
}

/// Runs a command's body; prints errors as sentences and returns the exit code that fits.
func runReporting(_ body: () async throws -> Int32) async -> Int32 {
    do { return try await body() } catch let error as Mistakes {
        printError(error.description)
        return ChaosExit.badInput
    } catch let error as InputError {
        printError(error.description)
        return ChaosExit.usage
    } catch let error as RunError {
        printError(error.description)
        return error.exitCode
    } catch {
        printError("chaos itself failed: \(error)")
        return ChaosExit.bug
    }
}
