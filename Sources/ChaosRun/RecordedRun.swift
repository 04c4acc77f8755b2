import ChaosCluster
import ChaosCore
import ChaosReport
import ChaosScenario
import Foundation

/// A run that is over, as its directory tells it: what is needed to have it again.
package struct RecordedRun: Sendable {
    /// The file with the scenario as it happened.
    package static let fileName = "recorded.yaml"

    /// The run directory.
    package let directory: String
    /// The seed of every decision.
    package let seed: Seed
    /// The scenario as it happened, with nothing left to draw for the schedule.
    package let scenario: Scenario
    /// The command that ran beside the cluster.
    package let wrapped: [String]
    /// What it came to.
    package let result: RunResult
    /// Each decision of a fault on a message or block, without its time.
    package let decisions: [String]

    /// Reads a run directory.
    ///
    /// - Parameter path: The directory, or its last part below `runs`.
    /// - Throws: `InputError` when it is not one of a run that came to its end; `Mistakes` of its scenario.
    package init(_ path: String) throws {
        let folder = try RunFolder(path)
        let directory = folder.path
        guard let record = ChaosCluster.RunRecord(json: try folder.json("run.json")) else {
            throw InputError("\(directory): 'run.json' is of another version of chaos")
        }
        let file = "\(directory)/\(Self.fileName)"
        guard FileManager.default.fileExists(atPath: file) else {
            throw InputError(
                "\(directory): a run that never began has nothing to repeat",
                hint: "\(directory)/results.json says why")
        }
        self.directory = directory
        self.seed = record.seed
        self.wrapped = record.wrapped
        self.scenario = try ScenarioFile.read(file)
        self.result = try RunResult(json: try folder.json("results.json"))
        self.decisions = Self.decisions(in: directory)
    }

    /// The decisions in a run's journal.
    package static func decisions(in directory: String) -> [String] {
        let data = FileManager.default.contents(atPath: "\(directory)/journal.jsonl") ?? Data()
        return data.split(separator: UInt8(ascii: "\n")).compactMap { line in
            guard var entry = (try? JSONValue(parsing: Array(line)))?.objectValue,
                // What a cut takes away was not drawn.
                entry["event"] == "decision", entry["kind"] != "lose"
            else { return nil }
            entry["t"] = nil
            return JSONValue.object(entry).text
        }
    }

    /// How many of the recorded decisions another run made, too.
    package func common(with others: [String]) -> Int {
        var counts: [String: Int] = [:]
        for decision in others { counts[decision, default: 0] += 1 }
        return self.decisions.count { decision in
            guard let count = counts[decision], count > 0 else { return false }
            counts[decision] = count - 1
            return true
        }
    }
}
