import ChaosCluster
import ChaosCore
import ChaosReport
import Foundation
import OrderedCollections

/// Runs rows of the matrix, several at a time, each run as a `chaos test` of its own: runs share nothing but
/// the machine, and whatever ends this process ends them.
package struct MatrixRunner: Sendable {
    /// The `chaos` to run.
    package let program: String
    /// What every run is told beside its row: `--time-scale 2`.
    package let options: [String]
    /// How many runs there are at a time.
    package let jobs: Int
    /// The longest that a run may take.
    package let limit: Duration
    /// Where run directories are kept; those of rows that are as expected are removed.
    package let folder: String

    /// Makes a runner.
    package init(
        program: String, options: [String] = [], jobs: Int, limit: Duration = RowOutcome.limit,
        folder: String
    ) {
        self.program = program
        self.options = options
        self.jobs = jobs
        self.limit = limit
        self.folder = folder
    }

    private struct Job: Sendable {
        let row: Int
        let place: Int
        let words: [String]
    }

    /// Runs rows to their outcomes, in their order.
    ///
    /// - Parameter done: Is told each outcome as soon as it is known.
    /// - Throws: `ProcessHostError` when the system gives no process, `InputError` when the folder cannot
    ///   be made, `CancellationError`.
    package func run(
        _ rows: [MatrixRow], done: @Sendable (RowOutcome) -> Void
    ) async throws -> [RowOutcome] {
        do {
            try FileManager.default.createDirectory(
                atPath: self.folder, withIntermediateDirectories: true)
        } catch { throw InputError("the folder for runs cannot be made", found: self.folder) }
        let host = try ProcessHost(run: UUID().uuidString, ownsAllChildren: true)
        let outcomes = try await withTaskCancellationHandler {
            try await self.run(rows, on: host, done: done)
        } onCancel: {
            Task { await host.shutdown() }
        }
        await host.shutdown()
        // Rows that are not as expected have left their directories in it.
        if let left = try? FileManager.default.contentsOfDirectory(atPath: self.folder),
            left.isEmpty
        {
            try? FileManager.default.removeItem(atPath: self.folder)
        }
        try Task.checkCancellation()
        return outcomes
    }

    private func run(
        _ rows: [MatrixRow], on host: ProcessHost, done: @Sendable (RowOutcome) -> Void
    ) async throws -> [RowOutcome] {
        // Long rows first would save time; in their order the reader sees where they are.
        var waiting = rows.indices.flatMap { row in
            rows[row].runs.enumerated().map { Job(row: row, place: $0, words: $1) }
        }[...]
        var results = rows.map { row in
            [Result<RunResult, RowFailure>?](repeating: nil, count: row.runs.count)
        }
        var outcomes = [RowOutcome?](repeating: nil, count: rows.count)
        await withTaskGroup(of: (Job, Result<RunResult, RowFailure>).self) { group in
            for _ in 0..<self.jobs {
                guard let job = waiting.popFirst() else { break }
                group.addTask { (job, await self.result(of: job, on: host)) }
            }
            while let (job, result) = await group.next() {
                results[job.row][job.place] = result
                let known = results[job.row].compactMap { $0 }
                if known.count == results[job.row].count {
                    let outcome = RowOutcome(rows[job.row], known, limit: self.limit)
                    if outcome.isAsExpected { self.forget(job.row, runs: known.count) }
                    outcomes[job.row] = outcome
                    done(outcome)
                }
                if let next = waiting.popFirst(), !Task.isCancelled {
                    group.addTask { (next, await self.result(of: next, on: host)) }
                }
            }
        }
        return outcomes.compactMap { $0 }
    }

    private func forget(_ row: Int, runs: Int) {
        for place in 0..<runs {
            try? FileManager.default.removeItem(atPath: self.folder(of: row, place))
        }
    }

    private func folder(of row: Int, _ place: Int) -> String { "\(self.folder)/\(row)-\(place)" }

    private func result(of job: Job, on host: ProcessHost) async -> Result<RunResult, RowFailure> {
        let what = job.words.joined(separator: " ")
        let folder = self.folder(of: job.row, job.place)
        do {
            let output = try await self.output(of: job, in: folder, on: host)
            guard let line = output.text.split(separator: "\n").last,
                let json = try? JSONValue(parsing: line.utf8)
            else {
                let last = output.errors.split(separator: "\n").last ?? ""
                return .failure(RowFailure("chaos test \(what) \(output.exit): \(last)"))
            }
            return .success(try RunResult(json: json))
        } catch { return .failure(RowFailure("chaos test \(what): \(error)")) }
    }

    private func output(
        of job: Job, in folder: String, on host: ProcessHost
    ) async throws -> (text: String, errors: String, exit: ProcessExit) {
        let files = FileManager.default
        try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let names = ["\(folder)/stdout", "\(folder)/stderr"]
        for name in names { _ = files.createFile(atPath: name, contents: nil) }
        guard let output = FileHandle(forWritingAtPath: names[0]),
            let errors = FileHandle(forWritingAtPath: names[1])
        else { throw RowFailure("the files for its output cannot be made in \(folder)") }
        defer {
            try? output.close()
            try? errors.close()
        }
        var environment = OrderedDictionary<String, String>()
        for (key, value) in ProcessInfo.processInfo.environment.sorted(by: { $0.key < $1.key }) {
            environment[key] = value
        }
        // What lies beside chaos is found without a path, as in an installation.
        let own = (self.program as NSString).deletingLastPathComponent
        environment["PATH"] = [own, environment["PATH"] ?? "/usr/bin:/bin"].joined(separator: ":")
        let process = try await host.spawn(
            SpawnRequest(
                command: [self.program, "test", "--quiet", "--json", "--runs", folder]
                    + self.options + job.words,
                environment: environment, directory: files.currentDirectoryPath,
                streams: .init(
                    input: 0, output: output.fileDescriptor, error: errors.fileDescriptor),
                family: "run\(job.row)-\(job.place)"))
        let exit = await process.exitStatus()
        let texts = names.map {
            String(decoding: files.contents(atPath: $0) ?? Data(), as: UTF8.self)
        }
        return (texts[0], texts[1], exit)
    }
}
