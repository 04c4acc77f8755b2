import ArgumentParser
import ChaosCore
import ChaosReport
import ChaosRun
import ChaosScenario
import Dispatch
import Foundation

/// Runs to the end; Ctrl-C and SIGTERM end the run early, in order.
func execute(_ settings: RunSettings) async throws -> RunOutcome {
    let run = ScenarioRun(settings)
    let sources = [SIGINT, SIGTERM].map { number in
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler { Task { await run.interrupt() } }
        source.resume()
        return source
    }
    defer { for source in sources { source.cancel() } }
    return try await run.execute()
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
