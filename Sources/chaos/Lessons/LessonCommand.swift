import ArgumentParser
import ChaosCore
import ChaosLessons
import ChaosReport
import ChaosRun
import ChaosScenario
import Foundation

/// `chaos lesson NAME`: runs a lesson in its forms and says what to see in each.
struct LessonCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lesson", abstract: "Runs a lesson, and explains what is seen.",
        discussion: """
            First the variant that breaks is left in peace, then the file's faults meet it, then the
            variant that survives them. A system's name runs all its lessons.
            """)

    @Argument(help: "The lesson, such as 'unique-ids/volatile', or a system.")
    var name: String

    @Option(help: "Multiply all times by this, such as 0.5 or 2.")
    var timeScale: String?

    @OptionGroup var options: LessonOptions

    func run() async throws {
        let exitCode = await runReporting {
            let lessons = try self.options.shelf().lessons(named: self.name)
            var changes = ScenarioChanges()
            if let text = self.timeScale { changes.timeScale = try readTimeScale(text) }
            var codes: [Int32] = []
            for lesson in lessons {
                codes.append(try await self.run(lesson, changes))
                if codes.last == ChaosExit.interrupted { return ChaosExit.interrupted }
            }
            return codes.max() ?? 0
        }
        throw ExitCode(exitCode)
    }

    private func run(_ lesson: Lesson, _ changes: ScenarioChanges) async throws -> Int32 {
        let style = TerminalStyle(
            isTerminal: isatty(1) == 1, environment: ProcessInfo.processInfo.environment)
        printOutput(style.text(StyledText("== \(lesson.title)", .good)))
        for sentence in [lesson.scenario.summary, lesson.spec.breaks].compactMap({ $0 })
        where !sentence.isEmpty { printOutput(sentence) }
        var worst: Int32 = 0
        for (number, row) in lesson.rows.enumerated() {
            printOutput("\n\(number + 1). \(row.explanation)")
            if let anomaly = row.expectation.anomaly { printOutput("   watch for '\(anomaly)'.") }
            // One seed is enough to look at; the matrix runs all.
            let result = try await self.run(row, changes)
            if result.exitCode == ChaosExit.interrupted { return ChaosExit.interrupted }
            let lines = ResultText.lines(result, style).map { $0.isEmpty ? "" : "   \($0)" }
            printOutput(([""] + lines).joined(separator: "\n"))
            let problems = RowOutcome(row, [.success(result)], limit: .seconds(1000)).problems
            if !problems.isEmpty {
                worst = ChaosExit.invalid
                printOutput("\n   not as it should be: \(problems.joined(separator: "; "))")
            }
        }
        if let repair = lesson.spec.repair { printOutput("\nWhat repairs it: \(repair)") }
        printOutput("")
        return worst
    }

    private func run(_ row: MatrixRow, _ changes: ScenarioChanges) async throws -> RunResult {
        var changes = changes
        switch row.kind {
        case .withoutFaults: changes.withoutFaults = true
        case .repaired(let variant): changes.variant = variant
        case .trigger, .seeds: break
        }
        let words =
            ["chaos", "test"] + row.runs[0] + (self.timeScale.map { ["--time-scale", $0] } ?? [])
        let scenario = try readScenario(row.lesson.file, length: nil, changes: changes)
        let console = TerminalConsole(showsNodes: false)
        defer { console.finish() }
        let outcome = try await execute(
            RunSettings(
                scenario: scenario, seed: Seed(1),
                repeatCommand: words.map(shellWord).joined(separator: " "),
                console: console.console, version: chaosVersion, ownsProcess: true))
        console.finish()
        if let failure = outcome.failure { throw failure }
        return outcome.result
    }
}

extension MatrixRow {
    /// What is about to run, and what to see.
    fileprivate var explanation: String {
        let variant = self.lesson.spec.variant
        return switch self.kind {
        case .withoutFaults: "'\(variant)' without faults: nothing is wrong with it, it seems."
        case .trigger:
            self.lesson.scenario.hasFaults
                ? "'\(variant)', and what the file does to it:" : "'\(variant)', left in peace:"
        case .repaired(let other): "'\(other)' under the same:"
        case .seeds(let count):
            "'\(variant)' under faults that a seed draws (\(count) in the matrix):"
        }
    }
}
