import ChaosCore

/// Reads scenarios and profiles from YAML text.
///
/// It touches no file: where profiles come from, and which workloads and checks exist, its owner
/// tells. All mistakes of a file come at once.
package struct ScenarioParser {
    /// Finds the text of a profile beside the scenario or in a folder; what it does not find is
    /// looked up among ``BuiltInProfiles``.
    package var findProfile: (String) -> ProfileText?
    /// The names that `findProfile` knows, for hints.
    package var profileNames: [String]
    /// Says what is wrong with a workload: its kind (`key` is `nil`) or its parameters.
    package var checkWorkload: (WorkloadSpec) -> [ParameterError]
    /// Says what is wrong with a check.
    package var checkCheck: (CheckSpec) -> [ParameterError]
    /// How long the run lasts, if the command line decides it.
    package var length: Duration?
    /// The backend, if the command line says it; `automatic` leaves it to the file.
    package var backend: Backend?
    /// What the command line changes about the file's scenario.
    package var changes = ScenarioChanges()

    /// The text of a profile and the name of its file.
    package struct ProfileText: Sendable {
        package var file: String
        package var text: String

        /// Makes a text.
        package init(file: String, text: String) {
            self.file = file
            self.text = text
        }
    }

    /// What is wrong with a parameter.
    package struct ParameterError: Sendable {
        /// The parameter's key, or `nil` for the kind itself.
        package var key: String?
        /// What is wrong.
        package var error: InputError

        /// Makes an error.
        package init(key: String?, _ error: InputError) {
            self.key = key
            self.error = error
        }
    }

    /// Makes a parser that knows the built-in profiles and takes every workload and check.
    package init() {
        self.findProfile = { _ in nil }
        self.profileNames = []
        self.checkWorkload = { _ in [] }
        self.checkCheck = { _ in [] }
    }

    /// Reads a scenario.
    ///
    /// - Throws: `Mistakes` with everything that is wrong, sorted by position.
    package func scenario(_ text: String, file: String) throws(Mistakes) -> Scenario {
        let mistakes = MistakeList()
        var composer = YAMLComposer(file: file, mistakes: mistakes)
        let reader = ScenarioReader(parser: self, mistakes: mistakes, file: file)
        let scenario = composer.read(text).flatMap { reader.scenario($0) }
        guard mistakes.isEmpty, let scenario else { throw mistakes.sorted(first: file) }
        return scenario
    }

    /// Reads a profile.
    ///
    /// - Throws: `Mistakes` with everything that is wrong, sorted by position.
    package func profile(_ text: String, file: String) throws(Mistakes) -> Profile {
        let mistakes = MistakeList()
        var composer = YAMLComposer(file: file, mistakes: mistakes)
        let reader = ProfileReader(parser: self, mistakes: mistakes, file: file, users: [])
        let profile = composer.read(text).flatMap { reader.profile($0) }
        guard mistakes.isEmpty, let profile else { throw mistakes.sorted(first: file) }
        return profile.profile
    }

    /// Reads the text of a file.
    ///
    /// - Throws: `Mistakes` at the first byte that is no UTF-8.
    package static func text(of bytes: [UInt8], file: String) throws(Mistakes) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        var position = Position(file: file)
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        while case .scalarValue(let scalar) = decoder.decode(&iterator) {
            if scalar == "\n" {
                position = Position(file: file, line: position.line + 1)
            } else {
                position.column += 1
            }
        }
        throw Mistakes(list: [Mistake(at: position, InputError("a file is UTF-8 text"))])
    }
}

/// Remembers where the parts of a scenario stand: `network.rules[0]`, `schedule[2].mode`.
final class PlaceTable {
    private var places: [String: Position] = [:]

    subscript(path: String) -> Position? {
        get {
            // What has no place of its own stands where its owner stands.
            var path = path[...]
            while true {
                if let place = self.places[String(path)] { return place }
                guard let end = path.lastIndex(where: { $0 == "." || $0 == "[" }) else {
                    return nil
                }
                path = path[..<end]
            }
        }
        set { self.places[path] = newValue }
    }
}
