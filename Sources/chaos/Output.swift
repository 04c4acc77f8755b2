import ChaosCore
import ChaosReport
import ChaosRun
import Foundation

// stdout is the result, stderr is progress.

/// Prints a line to standard error.
func printError(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
}

/// Prints what a run came to. A wrapped command owns standard output, so beside one the text goes to
/// standard error.
func printResult(_ outcome: RunOutcome, json: Bool, isWrapped: Bool = false) {
    if json {
        print(outcome.result.json.text)
        return
    }
    let environment = ProcessInfo.processInfo.environment
    let style = TerminalStyle(isTerminal: isatty(isWrapped ? 2 : 1) == 1, environment: environment)
    let text = ResultText.lines(outcome.result, style).joined(separator: "\n")
    if isWrapped { printError(text) } else { print(text) }
}
