import ChaosCore
import ChaosReport
import ChaosRun
import Foundation

// stdout is the result, stderr is progress.

/// Prints a line to standard error.
func printError(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
}

/// Prints a line to standard output at once, so that it stands where it belongs among the progress
/// when both go to one file.
func printOutput(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
}

/// Prints what a run came to, or in one sentence why it could not be.
func report(_ outcome: RunOutcome, json: Bool, isWrapped: Bool = false) {
    if let failure = outcome.failure {
        printError("chaos: \(failure)")
        printError("run     \(outcome.result.directory)")
        if json { printOutput(outcome.result.json.text) }
        return
    }
    printResult(outcome, json: json, isWrapped: isWrapped)
}

/// Prints what a run came to. A wrapped command owns standard output, so beside one the text goes to
/// standard error.
private func printResult(_ outcome: RunOutcome, json: Bool, isWrapped: Bool) {
    if json {
        printOutput(outcome.result.json.text)
        return
    }
    let environment = ProcessInfo.processInfo.environment
    let style = TerminalStyle(isTerminal: isatty(isWrapped ? 2 : 1) == 1, environment: environment)
    let text = ResultText.lines(outcome.result, style).joined(separator: "\n")
    if isWrapped { printError(text) } else { printOutput(text) }
}
