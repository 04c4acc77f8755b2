import ChaosCore

/// A kind of checker that a scenario can ask for by name.
private struct CheckerKind: Sendable {
    let name: String
    let parameters: [String]
    let make: @Sendable (CheckerParameters) throws(InputError) -> any Checker
}

private let checkerKinds: [CheckerKind] = [
    CheckerKind(name: "set-full", parameters: ["linearizable"]) { parameters throws(InputError) in
        SetFullChecker(isLinearizable: try parameters.flag("linearizable") ?? false)
    },
    CheckerKind(name: "availability", parameters: ["at_least"]) { parameters throws(InputError) in
        AvailabilityChecker(minimum: try parameters.share("at_least"))
    },
    CheckerKind(name: "recovers", parameters: ["within"]) { parameters throws(InputError) in
        RecoversChecker(within: try parameters.duration("within"))
    },
    CheckerKind(name: "echo", parameters: []) { _ throws(InputError) in EchoChecker() },
]

/// The names of all checkers, in the order in which documents list them.
package let checkerNames: [String] = checkerKinds.map(\.name)

/// Makes the checker that a scenario names.
///
/// Values may be of their JSON type or the text of a scenario, such as `"true"` and `"90%"`.
///
/// - Throws: `InputError` for names and parameters that are unknown, with the nearest known one,
///   and for values that break the parameter's rule.
package func makeChecker(
    name: String, parameters: JSONObject = [:]
) throws(InputError) -> any Checker {
    guard let kind = checkerKinds.first(where: { $0.name == name }) else {
        throw InputError(
            "a check is one of \(checkerNames.joined(separator: ", "))", found: name,
            hint: Suggestion.nearest(to: name, among: checkerNames).map { "did you mean '\($0)'?" })
    }
    for member in parameters.members where !kind.parameters.contains(member.key) {
        if kind.parameters.isEmpty {
            throw InputError("the check '\(name)' takes no parameters", found: member.key)
        }
        throw InputError(
            "the check '\(name)' has no such parameter", found: member.key,
            hint: Suggestion.hint(for: member.key, among: kind.parameters))
    }
    return try kind.make(CheckerParameters(checker: name, values: parameters))
}

/// The parameters of a check, read by type.
private struct CheckerParameters: Sendable {
    let checker: String
    let values: JSONObject

    func flag(_ key: String) throws(InputError) -> Bool? {
        guard let value = self.values[key] else { return nil }
        if let flag = value.boolValue { return flag }
        switch value.stringValue {
        case "true": return true
        case "false": return false
        default:
            let found = value.stringValue ?? value.text
            throw InputError("'\(key)' of '\(self.checker)' is true or false", found: found)
        }
    }

    /// A time as text, such as `20s`; `nil` when it is not given.
    func duration(_ key: String) throws(InputError) -> Duration? {
        guard let value = self.values[key] else { return nil }
        let text = value.stringValue ?? value.text
        do {
            let duration = try Duration(parsing: text)
            if duration > .zero { return duration }
        } catch {
            throw InputError(
                "'\(key)' of '\(self.checker)': \(error.rule)", found: error.found,
                hint: error.hint)
        }
        throw InputError("'\(key)' of '\(self.checker)' is longer than 0s", found: text)
    }

    /// A share as text (`90%`), or the word `total` for all.
    func share(_ key: String) throws(InputError) -> Ratio {
        guard let value = self.values[key] else {
            throw InputError(
                "the check '\(self.checker)' needs '\(key)'",
                hint: "write '\(self.checker): { \(key): 90% }'")
        }
        if value.stringValue == "total" { return .one }
        do {
            return try Ratio(parsing: value.stringValue ?? value.text)
        } catch {
            throw InputError(
                "'\(key)' of '\(self.checker)': \(error.rule)", found: error.found, hint: error.hint
            )
        }
    }
}
