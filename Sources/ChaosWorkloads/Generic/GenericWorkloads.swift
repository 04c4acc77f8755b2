import ChaosCore

// Workloads for clusters that do not speak Maelstrom's protocol: the operations of one of its
// workloads, carried out over HTTP, over the Redis protocol, or by a program of the user's.

extension GeneratedWorkload {
    /// The workloads whose operations others can carry out.
    static let models = [
        "lin-kv", "g-set", "broadcast", "g-counter", "pn-counter", "unique-ids", "echo",
        "txn-list-append", "txn-rw-register",
    ]

    /// The same operations and checks with other clients.
    ///
    /// - Parameter functions: The operations that these clients can carry out; `nil` is all.
    func carriedOut(
        as kind: String, functions: Set<String>? = nil,
        by makeClient: @escaping @Sendable (WorkloadContext) -> WorkerPool.ClientFactory
    ) -> GeneratedWorkload {
        let makeSource = self.makeSource
        return GeneratedWorkload(
            kind: kind, settings: self.settings, checks: self.defaultChecks,
            hasFinalReads: self.hasFinalReads && functions?.contains("read") != false,
            makeClient: makeClient
        ) { context in
            let source = makeSource(context)
            return functions.map { FilteredSource(source, functions: $0) } ?? source
        }
    }
}

extension WorkloadParameters {
    /// The workload whose operations are carried out: `like: lin-kv`.
    func model() throws(InputError) -> (name: String, workload: GeneratedWorkload) {
        let name = self.text("like") ?? "lin-kv"
        guard GeneratedWorkload.models.contains(name) else {
            throw InputError(
                "'like' is one of \(GeneratedWorkload.models.joined(separator: ", "))", found: name,
                hint: Suggestion.nearest(to: name, among: GeneratedWorkload.models).map {
                    "did you mean '\($0)'?"
                })
        }
        var parameters = self.values
        for key in ["like", "command", "requests", "kind"] { parameters[key] = nil }
        if parameters["loop"]?.stringValue == "open" {
            throw InputError(
                "clients of this kind have one operation in flight each", found: "loop: open",
                hint: "write 'loop: closed', or nothing")
        }
        parameters["loop"] = "closed"
        guard
            let workload = try makeWorkload(kind: name, parameters: parameters)
                as? GeneratedWorkload
        else { preconditionFailure("all of Maelstrom's workloads are generated: \(name)") }
        return (name, workload)
    }

    /// The words of a command: a text that is split at spaces, or a list.
    func command() throws(InputError) -> [String] {
        let words: [String] =
            switch self.values["command"] {
            case .array(let elements)?: elements.compactMap(\.stringValue)
            case .string(let text)?: text.split(separator: " ").map(String.init)
            default: []
            }
        if words.isEmpty {
            throw InputError(
                "'command' is the program that carries out operations",
                hint: "for example 'command: python3 client.py'")
        }
        return words
    }

    /// What stands under `requests`, by the name of the operation.
    private func requests(
        _ example: String
    ) throws(InputError) -> [(function: String, value: JSONValue)] {
        let members = self.values["requests"]?.objectValue?.members ?? []
        if members.isEmpty {
            throw InputError(
                "'requests' says how each operation is asked for", hint: "for example \(example)")
        }
        return members.map { ($0.key, $0.value) }
    }

    /// `requests: { read: [GET, "k{key}"] }`.
    func commands() throws(InputError) -> [String: [String]] {
        var commands: [String: [String]] = [:]
        for (function, value) in try self.requests("'requests: { read: [GET, \"{key}\"] }'") {
            let words: [String] =
                switch value {
                case .array(let elements): elements.map { $0.stringValue ?? $0.text }
                case .string(let text): text.split(separator: " ").map(String.init)
                default: []
                }
            if words.isEmpty {
                throw InputError(
                    "'requests': a command is a list of words", found: "\(function): \(value.text)")
            }
            commands[function] = words
        }
        return commands
    }

    private static let methods = ["get", "put", "post", "delete", "patch", "head"]

    /// `requests: { read: { get: "/kv/{key}", value: data.value, absent: 404 } }`.
    func httpTemplates() throws(InputError) -> [String: HTTPTemplate] {
        var templates: [String: HTTPTemplate] = [:]
        for (function, value) in try self.requests("'requests: { read: { get: \"/kv/{key}\" } }'") {
            guard let object = value.objectValue else {
                throw InputError(
                    "'requests': a request is a mapping", found: "\(function): \(value.text)",
                    hint: "for example { get: \"/kv/{key}\" }")
            }
            templates[function] = try Self.template(function, object)
        }
        return templates
    }

    private static func template(
        _ function: String, _ object: JSONObject
    ) throws(InputError) -> HTTPTemplate {
        let methods = object.members.filter { Self.methods.contains($0.key) }
        guard methods.count == 1, let path = methods[0].value.stringValue, path.hasPrefix("/")
        else {
            throw InputError(
                "'requests.\(function)' has one of \(Self.methods.joined(separator: ", ")) with a path",
                found: JSONValue.object(object).text)
        }
        var template = HTTPTemplate(method: methods[0].key.uppercased(), path: path)
        for member in object.members where !Self.methods.contains(member.key) {
            switch member.key {
            case "body": template.body = member.value.stringValue ?? member.value.text
            case "value":
                template.value = member.value.stringValue == "body" ? nil : member.value.stringValue
            case "headers":
                template.headers = (member.value.objectValue?.members ?? []).map {
                    HTTPTemplate.Header(name: $0.key, value: $0.value.stringValue ?? $0.value.text)
                }
            case "ok": template.ok = try Self.codes(member)
            case "absent": template.absent = try Self.codes(member)
            case "fail": template.fail = try Self.codes(member)
            default:
                let known = Self.methods + ["body", "value", "headers", "ok", "absent", "fail"]
                throw InputError(
                    "'requests.\(function)' has no such key", found: member.key,
                    hint: Suggestion.hint(for: member.key, among: known))
            }
        }
        return template
    }

    /// One status code, or a list of them.
    private static func codes(
        _ member: (key: String, value: JSONValue)
    ) throws(InputError) -> Set<Int> {
        let elements = member.value.arrayValue ?? [member.value]
        var codes: Set<Int> = []
        for element in elements {
            let number = element.intValue ?? element.stringValue.flatMap { Int64($0) }
            guard let number, (100...599).contains(number) else {
                throw InputError(
                    "'\(member.key)' is a status code, or a list of them", found: element.text)
            }
            codes.insert(Int(number))
        }
        return codes
    }
}
