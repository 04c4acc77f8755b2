import ChaosCheckers
import ChaosCluster
import ChaosCore
import ChaosReport
import ChaosScenario
import Foundation

extension RunFolder {
    /// Everything that the report of this run shows, from its files alone.
    ///
    /// - Throws: `InputError` when the run has no results, or they are of another version of chaos.
    package func report() throws(InputError) -> ReportInput {
        var result = try RunResult(json: try self.json("results.json"))
        // It may have been moved since.
        result.directory = self.path
        return self.report(of: result, try self.history(), nodes: self.nodes)
    }

    /// Everything that a report shows, where some of it is known already.
    func report(of result: RunResult, _ history: History, nodes: [String]) -> ReportInput {
        let logs = nodes.map { node in
            var log = LogExcerpt(node: node)
            self.forEachLine(of: "nodes/\(node).log") { log.append($0) }
            return log
        }
        var messages = MessageLog()
        self.forEachLine(of: "messages.jsonl") { messages.append($0) }
        return ReportInput(result: result, history: history, logs: logs, messages: messages)
    }

    /// Writes a report's files beside the others, and returns their names.
    ///
    /// - Throws: `InputError` that names the file which cannot be written.
    @discardableResult
    package func write(_ report: ReportInput) throws(InputError) -> [String] {
        var names: [String] = []
        for (name, text) in report.files {
            do {
                try text.write(toFile: self.file(name), atomically: true, encoding: .utf8)
            } catch {
                throw InputError("a file of the run must be writable", found: self.file(name))
            }
            names.append(name)
        }
        return names
    }

    private func history() throws(InputError) -> History {
        let data = FileManager.default.contents(atPath: self.file("history.jsonl")) ?? Data()
        let text = String(decoding: data, as: UTF8.self)
        if text.allSatisfy(\.isWhitespace) { return History() }
        do { return try History(parsing: text) } catch {
            throw InputError("\(self.file("history.jsonl")): \(error)")
        }
    }

    /// The nodes in the order of the scenario; without one that can be read, by name.
    private var nodes: [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: self.file("nodes"))) ?? []
        let logged = files.filter { $0.hasSuffix(".log") }.map { String($0.dropLast(4)) }
        let scenario = try? ScenarioFile.read(self.file("scenario.yaml"))
        let known = scenario?.nodes.map(\.name.text) ?? []
        return known.filter(logged.contains)
            + logged.filter { !known.contains($0) }.sorted { ($0.count, $0) < ($1.count, $1) }
    }
}
