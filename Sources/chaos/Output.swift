import ChaosCore
import ChaosReport
import ChaosRun
import Foundation

// stdout is the result, stderr is progress.

/// Writes to standard output or error at once. Whoever read it may have gone, as 'head' does: a run goes on
/// without him to its exit code, and to its files.
///
/// - Returns: Whether it was taken.
@discardableResult
func write(_ text: String, to file: FileHandle) -> Bool {
    do {
        try file.write(contentsOf: Data(text.utf8))
        return true
    } catch { return false }
}

/// Prints a line to standard error.
func printError(_ line: String) { write(line + "\n", to: .standardError) }

/// Prints a line to standard output at once, so that it stands where it belongs among the progress
/// when both go to one file.
func printOutput(_ line: String) { write(line + "\n", to: .standardOutput) }

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
    printResult(outcome.result, isWrapped: isWrapped)
}

/// Prints what a run came to as text.
func printResult(_ result: RunResult, isWrapped: Bool = false) {
    let environment = ProcessInfo.processInfo.environment
    let style = TerminalStyle(isTerminal: isatty(isWrapped ? 2 : 1) == 1, environment: environment)
    let text = ResultText.lines(result, style).joined(separator: "\n")
    if isWrapped { printError(text) } else { printOutput(text) }
}

/// Refuses a file that cannot be written in the end.
func checkWritable(_ file: String?, _ option: String) throws(InputError) {
    guard let file else { return }
    let files = FileManager.default
    let folder = (file as NSString).deletingLastPathComponent
    var isFolder: ObjCBool = false
    if files.fileExists(atPath: file, isDirectory: &isFolder) {
        if !isFolder.boolValue, files.isWritableFile(atPath: file) { return }
    } else if files.isWritableFile(atPath: folder.isEmpty ? "." : folder) {
        return
    }
    throw InputError("\(option): the file cannot be written", found: file)
}

/// Writes verdicts as JUnit XML, if a file for them is named.
func writeJUnit(_ results: [RunResult], to file: String?) throws {
    guard let file else { return }
    do {
        try JUnitReport.render(results).write(toFile: file, atomically: true, encoding: .utf8)
    } catch {
        throw InputError("--junit: the file cannot be written", found: file)
    }
}

/// Tells GitHub's pages what runs came to, if this is one of its jobs. Commands go to standard error, which
/// it reads as well: standard output is the result.
func reportToGitHub(_ runs: [(file: String?, result: RunResult)]) {
    let environment = ProcessInfo.processInfo.environment
    guard environment["GITHUB_ACTIONS"] == "true", !runs.isEmpty else { return }
    for run in runs {
        if let line = GitHubReport.annotation(run.result, file: run.file) { printError(line) }
    }
    guard let path = environment["GITHUB_STEP_SUMMARY"], !path.isEmpty else { return }
    let text = GitHubReport.summary(runs.map(\.result))
    guard let file = FileHandle(forWritingAtPath: path) else {
        printError("GITHUB_STEP_SUMMARY: the file cannot be written, found '\(path)'")
        return
    }
    defer { try? file.close() }
    do {
        try file.seekToEnd()
        try file.write(contentsOf: Data(text.utf8))
    } catch { printError("GITHUB_STEP_SUMMARY: \(error.localizedDescription), found '\(path)'") }
}
