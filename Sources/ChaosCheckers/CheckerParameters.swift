import ChaosCore

/// The parameters of a check, read by type.
struct CheckerParameters: Sendable {
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

// MARK: - Linearizability and transactions

extension CheckerParameters {
    /// A text, or `nil` when it is not given.
    func text(_ key: String) throws(InputError) -> String? {
        guard let value = self.values[key] else { return nil }
        if let text = value.stringValue { return text }
        throw InputError("'\(key)' of '\(self.checker)' is a word", found: value.text)
    }

    /// A whole number from 0 up, or `nil` when it is not given.
    func count(_ key: String) throws(InputError) -> Int? {
        guard let value = self.values[key] else { return nil }
        let number = value.intValue ?? value.stringValue.flatMap { Int64($0) }
        if let number, number >= 0 { return Int(number) }
        throw InputError(
            "'\(key)' of '\(self.checker)' is a whole number from 0 up",
            found: value.stringValue ?? value.text)
    }

    /// How many steps a search may take.
    var budget: Int? {
        get throws(InputError) { try self.count("budget") }
    }

    /// The models that transactions are judged by; without a name strict serializability.
    var consistencyModels: [ConsistencyModel] {
        get throws(InputError) {
            switch self.values["consistency_models"] {
            case nil: return [.strictSerializable]
            case .array(let names)?:
                var models: [ConsistencyModel] = []
                for name in names {
                    models.append(try ConsistencyModel(parsing: name.stringValue ?? name.text))
                }
                return models.isEmpty ? [.strictSerializable] : models
            case let value?:
                return try ConsistencyModel.list(parsing: value.stringValue ?? "")
            }
        }
    }

    /// The model that operations are judged by.
    var model: any SequentialModel {
        get throws(InputError) {
            let name = try self.text("model") ?? "cas-register"
            // What a scenario writes is text: a number is meant where it reads as one.
            let initial = self.values["initial"].map { value in
                value.stringValue.flatMap { try? JSONValue(parsing: $0) } ?? value
            }
            let failures = try self.flag("failures") ?? false
            if initial != nil || failures, !name.hasSuffix("register"), name != "counter" {
                throw InputError(
                    "'initial' and 'failures' of '\(self.checker)' are for registers", found: name)
            }
            switch name {
            case "register":
                return RegisterModel(
                    initial: initial ?? .null, hasCompareAndSet: false, usesFailures: failures)
            case "cas-register":
                return RegisterModel(initial: initial ?? .null, usesFailures: failures)
            case "counter": return CounterModel(initial: initial?.intValue ?? 0)
            case "set": return SetModel()
            case "queue": return SequenceModel(.queue)
            case "stack": return SequenceModel(.stack)
            case "mutex": return MutexModel()
            case "owner-mutex": return MutexModel(hasOwner: true)
            default:
                throw InputError(
                    "'model' of '\(self.checker)' is one of"
                        + " \(linearizabilityModelNames.joined(separator: ", "))", found: name,
                    hint: Suggestion.nearest(to: name, among: linearizabilityModelNames).map {
                        "did you mean '\($0)'?"
                    })
            }
        }
    }
}
