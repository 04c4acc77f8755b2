import ArgumentParser
import ChaosCluster
import ChaosCore
import ChaosLessons
import ChaosReport
import ChaosRun
import ChaosScenario
import Dispatch
import Foundation

/// `chaos matrix`: every lesson in every form, with the verdict it must have.
struct MatrixCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "matrix",
        abstract: "Runs the lessons in all their forms, and compares with what must come of them.",
        discussion: """
            The exit code is 0 when every row is as its file says, 1 when one is not. A row that is not
            leaves its run directory.
            """)

    @Argument(help: "Only these systems or lessons; all of them by default.")
    var names: [String] = []

    @Option(help: "How many runs at a time.")
    var jobs: Int = 4

    @Option(help: "Multiply all times by this, such as 0.5 or 2.")
    var timeScale: String?

    @Option(help: "Run only so many of the rows, chosen by --by.")
    var sample: Int?

    @Option(help: "What chooses the sample: a text such as a commit.")
    var by: String = ""

    @Option(
        help: "Write the table to this file, as Markdown; tables of systems not named stay there.")
    var table: String?

    @Option(
        help:
            "Where the run directories of rows go that are not as expected, in a folder of this process's number."
    )
    var runs: String = "runs/matrix"

    @Flag(help: "List the rows, and run nothing.")
    var list = false

    @OptionGroup var options: LessonOptions

    func run() async throws {
        let exitCode = await runReporting {
            let shelf = try self.options.shelf()
            let rows = try self.rows(of: shelf)
            if self.list {
                for row in rows { printOutput(row.id) }
                return 0
            }
            try checkWritable(self.table, "--table")
            if self.table != nil { try self.checkWholeSystems(shelf) }
            let outcomes = try await self.run(rows, try self.runner())
            guard let outcomes else { return ChaosExit.interrupted }
            if let table = self.table {
                let earlier = FileManager.default.contents(atPath: table) ?? Data()
                let page = MatrixTable.page(
                    outcomes, of: Array(Set(shelf.lessons.map(\.system))),
                    after: String(decoding: earlier, as: UTF8.self))
                guard FileManager.default.createFile(atPath: table, contents: Data(page.utf8))
                else {
                    throw InputError("--table: the file cannot be written", found: table)
                }
            }
            let missed = outcomes.filter { !$0.isAsExpected }
            printOutput(
                "\(rows.count) rows: \(rows.count - missed.count) as expected, \(missed.count) not")
            return missed.isEmpty ? 0 : ChaosExit.invalid
        }
        throw ExitCode(exitCode)
    }

    /// A table has all lines of its system.
    private func checkWholeSystems(_ shelf: LessonShelf) throws {
        let hint = "without --table, any rows can be run"
        if let sample {
            throw InputError(
                "--table: whole systems are run for it, and no --sample", found: String(sample),
                hint: hint)
        }
        let systems = Set(shelf.lessons.map(\.system))
        if let name = self.names.first(where: { !systems.contains($0) }) {
            throw InputError("--table: whole systems are run for it", found: name, hint: hint)
        }
    }

    private func rows(of shelf: LessonShelf) throws -> [MatrixRow] {
        var lessons = shelf.lessons
        if !self.names.isEmpty {
            let chosen = try Set(self.names.flatMap { try shelf.lessons(named: $0).map(\.title) })
            lessons = lessons.filter { chosen.contains($0.title) }
        }
        let rows = lessons.flatMap(\.rows)
        guard let count = self.sample else { return rows }
        if count < 1 { throw InputError("--sample is a number from 1", found: String(count)) }
        return MatrixRow.sample(rows, count: count, by: self.by)
    }

    private func runner() throws -> MatrixRunner {
        guard (1...64).contains(self.jobs) else {
            throw InputError("--jobs is a number from 1 to 64", found: String(self.jobs))
        }
        var options: [String] = []
        var limit = RowOutcome.limit
        if let text = self.timeScale {
            _ = try readTimeScale(text)
            options = ["--time-scale", text]
            limit = limit * max(1, Double(text) ?? 1)
        }
        // Two that run at the same time must not have one folder.
        let folder = "\(self.runs)/\(getpid())"
        return MatrixRunner(
            program: ownProgram, options: options, jobs: self.jobs, limit: limit, folder: folder)
    }

    /// Runs the rows and tells of each; `nil` when the user ended it.
    private func run(_ rows: [MatrixRow], _ runner: MatrixRunner) async throws -> [RowOutcome]? {
        let style = TerminalStyle(
            isTerminal: isatty(2) == 1, environment: ProcessInfo.processInfo.environment)
        let task = Task {
            try await runner.run(rows) { outcome in
                let mark = outcome.isAsExpected ? ("ok  ", .good) : ("NOT ", StyledText.Tone.bad)
                var lines = [
                    style.text(StyledText(mark.0, mark.1)) + outcome.row.id + "  " + outcome.text
                        + "  " + outcome.longest.roundedText
                ]
                lines += outcome.problems.map { "    \($0)" }
                printError(lines.joined(separator: "\n"))
            }
        }
        let sources = [SIGINT, SIGTERM, SIGHUP].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { task.cancel() }
            source.resume()
            return source
        }
        defer { for source in sources { source.cancel() } }
        do { return try await task.value } catch is CancellationError { return nil } catch let error
            as ProcessHostError
        { throw RunError(error.description) }
    }
}
