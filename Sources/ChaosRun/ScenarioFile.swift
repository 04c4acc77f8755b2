import ChaosCheckers
import ChaosCore
import ChaosScenario
import ChaosWorkloads
import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Reads scenarios and profiles from files.
package enum ScenarioFile {
    /// Reads a scenario and the profile it uses: a file beside it, in `profiles/`, or one that ships.
    ///
    /// - Parameters:
    ///   - path: The file, or `-` for standard input.
    ///   - length: How long the run lasts, if the command line decides it.
    ///   - backend: What carries the bytes, if the command line decides it.
    ///   - changes: What the command line changes about the file's scenario.
    /// - Throws: `Mistakes` with everything that is wrong in the files; `InputError` when the file
    ///   cannot be read.
    package static func read(
        _ path: String, length: Duration? = nil, backend: Backend? = nil,
        changes: ScenarioChanges = ScenarioChanges()
    ) throws -> Scenario {
        let (text, file) = try Self.text(of: path)
        let directory = path == "-" ? "." : (path as NSString).deletingLastPathComponent
        var parser = Self.parser(beside: directory, length: length)
        parser.backend = backend
        parser.changes = changes
        var scenario = try parser.scenario(text, file: file)
        scenario.here = Self.absolute(scenario.here ?? directory)
        return scenario
    }

    /// A folder's path from the root, so that it means the same in the run's own copy.
    private static func absolute(_ folder: String) -> String {
        URL(fileURLWithPath: folder.isEmpty ? "." : folder).standardizedFileURL.path
    }

    /// Reads a scenario from text; profiles are looked for as if it stood in a directory.
    ///
    /// - Throws: `Mistakes` with everything that is wrong.
    package static func read(
        text: String, name: String, beside directory: String = ".", length: Duration? = nil
    ) throws -> Scenario {
        try Self.parser(beside: directory, length: length).scenario(text, file: name)
    }

    /// What is wrong with a scenario to which a command line has added something.
    ///
    /// - Throws: `InputError` for the first problem.
    package static func checkAgain(_ scenario: Scenario, length: Duration?) throws(InputError) {
        guard let problem = ScenarioRules(scenario, length: length).problems().first else { return }
        var error = problem.error
        error.rule = "\(problem.path): \(error.rule)"
        throw error
    }

    /// Checks a file: a scenario if it has nodes, links, a workload or checks, else a profile.
    package static func check(_ path: String) throws -> String {
        let (text, file) = try Self.text(of: path)
        let directory = path == "-" ? "." : (path as NSString).deletingLastPathComponent
        let parser = Self.parser(beside: directory, length: nil)
        let isScenario = text.split(separator: "\n").contains { line in
            ["nodes:", "links:", "workload:", "checks:", "expect:"].contains { line.hasPrefix($0) }
        }
        if isScenario {
            let scenario = try parser.scenario(text, file: file)
            return "scenario '\(scenario.name)', nodes: \(scenario.nodes.count), "
                + "schedule entries: \(scenario.schedule.count), checks: \(scenario.checks.count)"
        }
        let profile = try parser.profile(text, file: file)
        return "profile '\(profile.name)', rules: \(profile.network.rules.count), "
            + "schedule entries: \(profile.schedule.count)"
    }

    /// Finds a profile by name for a command without a scenario.
    package static func profile(_ name: String) throws -> Profile {
        let parser = Self.parser(beside: ".", length: nil)
        if let found = parser.findProfile(name) {
            return try parser.profile(found.text, file: found.file)
        }
        if let builtIn = BuiltInProfiles.all.first(where: { $0.name == name }) {
            return try parser.profile(builtIn.text, file: "\(name).yaml")
        }
        let known = BuiltInProfiles.all.map(\.name)
        let nearest = Suggestion.nearest(to: name, among: known)
        throw InputError(
            "--profile: there is no such profile", found: name,
            hint: nearest.map { "did you mean '\($0)'?" } ?? "'chaos profiles' lists them")
    }

    /// What was read from standard input.
    private static let standardInput = Mutex<[UInt8]>([])

    /// Lets a program that this one becomes read from standard input what was read here.
    package static func restoreStandardInput() {
        let bytes = Self.standardInput.withLock { $0 }
        if bytes.isEmpty { return }
        guard let file = tmpfile() else { return }
        fwrite(bytes, 1, bytes.count, file)
        rewind(file)
        dup2(fileno(file), STDIN_FILENO)
        fclose(file)
    }

    private static func text(of path: String) throws -> (text: String, file: String) {
        if path == "-" {
            let bytes = Array(FileHandle.standardInput.readDataToEndOfFile())
            Self.standardInput.withLock { $0 = bytes }
            return (try ScenarioParser.text(of: bytes, file: "standard input"), "standard input")
        }
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw InputError("there is no such file")
        }
        if isDirectory.boolValue { throw InputError("a scenario is a file, not a directory") }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw InputError("the file cannot be read")
        }
        if data.count > 16 << 20 { throw InputError("a scenario has at most 16 MiB") }
        return (try ScenarioParser.text(of: Array(data), file: path), path)
    }

    /// Where a profile may be: a path as it is written, first seen from the scenario; a name beside
    /// the scenario, then in `profiles/`.
    private static func candidates(for name: String, in folders: [String]) -> [String] {
        if name.hasPrefix("/") { return [name] }
        if name.contains("/") || name.hasSuffix(".yaml") { return ["\(folders[0])/\(name)", name] }
        return folders.map { $0 == "." ? "\(name).yaml" : "\($0)/\(name).yaml" }
    }

    private static func parser(beside directory: String, length: Duration?) -> ScenarioParser {
        var parser = ScenarioParser()
        parser.length = length
        let folders = [directory.isEmpty ? "." : directory, "profiles"]
        parser.findProfile = { name in
            for file in Self.candidates(for: name, in: folders) {
                guard let data = FileManager.default.contents(atPath: file) else { continue }
                return .init(file: file, text: String(decoding: data, as: UTF8.self))
            }
            return nil
        }
        parser.profileNames = folders.dropFirst().flatMap { folder in
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return names.sorted().filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }
        }
        parser.checkWorkload = { workload in
            do throws(InputError) {
                _ = try makeWorkload(workload)
                return []
            } catch { return [.init(key: nil, error)] }
        }
        parser.checkCheck = { check in
            do throws(InputError) {
                _ = try makeChecker(name: check.name, parameters: check.parameters)
                return []
            } catch { return [.init(key: nil, error)] }
        }
        return parser
    }
}
