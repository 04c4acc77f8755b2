import ArgumentParser
import ChaosCore
import ChaosReport
import ChaosRun
import Foundation

/// `chaos report`
struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Shows what a run came to, and writes its report again.",
        discussion: """
            chaos report runs/latest
            chaos report runs/2026* --junit verdicts.xml

            'report.html' and 'messages.svg' are made anew from the files in the run's directory, which may have \
            been moved or come from another machine. The exit code is 0 whatever the runs' verdicts are.
            """)

    @Argument(help: "The runs' directories, such as runs/latest.")
    var runs: [String]

    @Option(help: "Write the verdicts as JUnit XML to this file.")
    var junit: String?

    @Flag(help: "Print the results as JSON, one run a line.")
    var json = false

    func run() async throws {
        let exitCode = await runReporting {
            try checkWritable(self.junit, "--junit")
            var results: [RunResult] = []
            for (index, run) in self.runs.enumerated() {
                let folder = try RunFolder(run)
                let report = try folder.report()
                let names = try folder.write(report)
                results.append(report.result)
                if self.json {
                    printOutput(report.result.json.text)
                    continue
                }
                if index > 0 { printOutput("") }
                printResult(report.result)
                printOutput("report  \(names.map(folder.file).joined(separator: " "))")
            }
            try writeJUnit(results, to: self.junit)
            return 0
        }
        throw ExitCode(exitCode)
    }
}
