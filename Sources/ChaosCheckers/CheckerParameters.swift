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

    /// Codes of errors, such as `22 30`; none when they are not given.
    func codes(_ key: String) throws(InputError) -> Set<Int> {
        guard let value = self.values[key] else { return [] }
        let words = (value.stringValue ?? value.text).split { $0 == " " || $0 == "," }
        let codes = words.compactMap { Int($0) }
        if !words.isEmpty, codes.count == words.count { return Set(codes) }
        throw InputError(
            "'\(key)' of '\(self.checker)' are codes of errors, such as '22 30'",
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

// MARK: - Trees and limits

extension CheckerParameters {
    /// The tree of a supervisor: `children` are names, each with its restart behind a colon where it is not
    /// permanent. Without parameters nodes say themselves what they promise.
    var supervisionTree: SupervisionTree? {
        get throws(InputError) {
            if self.values.members.isEmpty { return nil }
            var words: [String] = []
            switch self.values["children"] {
            case .array(let names)?: words = names.map { $0.stringValue ?? $0.text }
            case .string(let text)?:
                words = text.split { $0 == " " || $0 == "," }.map(String.init)
            default: break
            }
            if words.isEmpty {
                throw InputError(
                    "the check '\(self.checker)' needs 'children'",
                    hint: "such as 'children: a b:transient c:temporary'")
            }
            var children: [SupervisionTree.Child] = []
            for word in words {
                let parts = word.split(separator: ":", maxSplits: 1).map(String.init)
                let restart = try self.choice(
                    parts.count > 1 ? parts[1] : "permanent", of: SupervisionTree.Restart.self,
                    what: "a child's restart")
                children.append(SupervisionTree.Child(name: parts.first ?? word, restart: restart))
            }
            return SupervisionTree(
                strategy: try self.choice(
                    try self.text("strategy") ?? "one_for_one", of: SupervisionTree.Strategy.self,
                    what: "a strategy"),
                intensity: try self.count("intensity") ?? 3,
                period: try self.duration("period") ?? .seconds(5), children: children)
        }
    }

    /// What is asserted: conditions by the names of measures.
    var assertions: [AssertionChecker.Assertion] {
        get throws(InputError) {
            var assertions: [AssertionChecker.Assertion] = []
            for member in self.values.members {
                let text = member.value.stringValue ?? member.value.text
                assertions += try AssertionChecker.conditions(of: member.key, parsing: text)
            }
            if assertions.isEmpty {
                throw InputError(
                    "the check 'assert' needs something to compare",
                    hint: "such as 'assert: { msgs_per_op: \"< 30\" }'")
            }
            return assertions
        }
    }

    private func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ word: String, of type: Choice.Type, what: String
    ) throws(InputError) -> Choice {
        if let choice = Choice(rawValue: word) { return choice }
        let known = Choice.allCases.map(\.rawValue)
        throw InputError(
            "\(what) is one of \(known.joined(separator: ", "))", found: word,
            hint: Suggestion.nearest(to: word, among: known).map { "did you mean '\($0)'?" })
    }

    /// Limits of latency and rate.
    var serviceLevel: ServiceLevelChecker {
        get throws(InputError) {
            var limits: [ServiceLevelChecker.Limit] = []
            for quantile in ServiceLevelChecker.quantiles {
                guard let latency = try self.duration(quantile.name) else { continue }
                limits.append(.init(name: quantile.name, share: quantile.share, latency: latency))
            }
            let rate = try self.count("rate")
            if limits.isEmpty && rate == nil {
                throw InputError(
                    "the check '\(self.checker)' needs a limit", hint: "such as 'p99: 400ms'")
            }
            return ServiceLevelChecker(function: try self.text("f"), limits: limits, rate: rate)
        }
    }
}
