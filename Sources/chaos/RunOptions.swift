import ArgumentParser
import ChaosCore
import ChaosRun
import ChaosScenario
import Foundation

/// Options that `run` and `test` share.
struct SharedRunOptions: ParsableArguments {
    @Option(
        name: .customLong("for"), help: "How long the run lasts, such as 30s; wins over the file.")
    var duration: String?

    @Option(
        help:
            "What carries the bytes: 'proxy', 'lab' (a network namespace for each node; Linux), 'netem' (the same with faults by the kernel's netem) or 'auto'."
    )
    var backend: String = "auto"

    @Option(
        help: "The folder of all runs; of 'test' also a number: how often each run is repeated.")
    var runs: String = "runs"

    @Option(
        help: ArgumentHelp(
            "Take down what happens to this many messages of framed ports, for the report's diagram.",
            discussion: "Default: 5000 where something is checked, otherwise none.",
            valueName: "count"))
    var traceMessages: Int?

    @Flag(help: "Print the result as JSON.")
    var json = false

    @Flag(name: .shortAndLong, help: "Tell nothing but the result.")
    var quiet = false

    /// The duration as a value.
    func parsedDuration() throws(InputError) -> Duration? { try readDuration(self.duration) }

    /// How many messages to take down.
    func parsedTrace() throws(InputError) -> Int? {
        guard let count = self.traceMessages else { return nil }
        if (0...1_000_000).contains(count) { return count }
        throw InputError("--trace-messages is between 0 and 1000000", found: "\(count)")
    }

    /// The backend as a value.
    func parsedBackend() throws -> Backend {
        if let backend = Backend(rawValue: self.backend) { return backend }
        let known = Backend.allCases.map(\.rawValue)
        throw InputError(
            "--backend: there is no such backend", found: self.backend,
            hint: Suggestion.hint(for: self.backend, among: known))
    }
}

/// What `test` changes about the scenarios it reads.
struct ChangeOptions: ParsableArguments {
    @Option(help: "The variant that takes the place of the lesson's, for '{variant}' in commands.")
    var variant: String?

    @Flag(help: "Leave out the schedule, and everything that is wrong with the network.")
    var withoutFaults = false

    @Option(
        help: "Multiply all times by this, such as 0.5 or 2; nodes find it in CHAOS_TIME_SCALE.")
    var timeScale: String?

    /// The changes as a value.
    func parsed() throws(InputError) -> ScenarioChanges {
        var changes = ScenarioChanges()
        changes.variant = self.variant
        changes.withoutFaults = self.withoutFaults
        if let text = self.timeScale { changes.timeScale = try readTimeScale(text) }
        return changes
    }

    /// The options as they are typed.
    var words: [String] {
        (self.variant.map { ["--variant", $0] } ?? [])
            + (self.withoutFaults ? ["--without-faults"] : [])
            + (self.timeScale.map { ["--time-scale", $0] } ?? [])
    }
}

/// Reads what all times are multiplied by.
func readTimeScale(_ text: String) throws(InputError) -> TimeScale {
    do throws(InputError) { return try TimeScale(parsing: text) } catch {
        throw InputError("--time-scale: \(error.rule)", found: error.found, hint: error.hint)
    }
}

/// Reads how long a run lasts, if the command line says it.
func readDuration(_ text: String?) throws(InputError) -> Duration? {
    guard let text else { return nil }
    do throws(InputError) {
        let parsed = try Duration(parsing: text)
        if parsed <= .zero { throw InputError("a run lasts longer than 0s", found: text) }
        return parsed
    } catch { throw InputError("--for: \(error.rule)", found: error.found, hint: error.hint) }
}

/// Reads a seed of the command line, or draws one.
func readSeed(_ text: String?, option: String = "--seed") throws(InputError) -> Seed? {
    guard let text else { return nil }
    do throws(InputError) { return try SeedText.parse(text) } catch {
        throw InputError("\(option): \(error.rule)", found: error.found, hint: error.hint)
    }
}

/// A seed that nobody chose; small enough to type.
func drawSeed() -> Seed { Seed(UInt64.random(in: 1...999_999)) }

/// Writes the running command line again, with this seed; of a test, only this scenario.
func repeatCommand(
    seed: Seed, scenario: String? = nil, changes: [String] = [], duration: String? = nil,
    wrapped: [String] = []
) -> String {
    var words: [String] = ["chaos"]
    var rest = ArraySlice(Swift.CommandLine.arguments.dropFirst())
    var hasSeed = false
    while let word = rest.popFirst() {
        if word == "--" {
            if !hasSeed { words += ["--seed", String(seed.value)] }
            hasSeed = true
            words.append(word)
            words += rest
            break
        }
        // The run that is repeated is one of several, if there are several.
        if word == "--runs", rest.first.flatMap({ Int($0) }) != nil {
            _ = rest.popFirst()
            continue
        }
        let several = ["--seed", "--seeds", "--test-count"]
        if several.contains(word) {
            _ = rest.popFirst()
            continue
        }
        if several.contains(where: { word.hasPrefix($0 + "=") }) { continue }
        words.append(word)
    }
    if let scenario {
        words = ["chaos", "test", scenario] + changes + (duration.map { ["--for", $0] } ?? [])
    }
    if !hasSeed || scenario != nil { words += ["--seed", String(seed.value)] }
    if !wrapped.isEmpty { words += ["--"] + wrapped }
    return words.map(shellWord).joined(separator: " ")
}

/// A word as a shell takes it back unchanged.
func shellWord(_ word: String) -> String {
    let isPlain =
        !word.isEmpty
        && word.utf8.allSatisfy { byte in
            (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5A)
                || (byte >= 0x61 && byte <= 0x7A) || "-_./=:,@%+".utf8.contains(byte)
        }
    return isPlain ? word : "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
}
