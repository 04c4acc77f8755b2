import ChaosCore
import ChaosScenario

/// The fields of one request, read by type; unknown ones are refused.
struct RequestFields {
    let operation: ControlOperation
    private let object: JSONObject

    init(_ object: JSONObject) throws(CommandError) {
        guard let word = object["op"] else {
            throw CommandError(
                .badRequest, "a request names its operation in 'op'",
                hint: "for example \(ControlOperation.status.example)")
        }
        guard let operation = ControlOperation(rawValue: word.stringValue ?? "") else {
            let known = ControlOperation.allCases.map(\.rawValue)
            let found = word.plainText
            throw CommandError(
                .unknownOperation, "there is no such operation, found '\(found.shortened)'",
                hint: Suggestion.hint(for: String(found.prefix(100)), among: known))
        }
        self.operation = operation
        self.object = object
        let known = operation.fields + ["id", "op"]
        for member in object.members where !known.contains(member.key) {
            let key = member.key.shortened
            throw CommandError(
                .badRequest, "'\(operation.rawValue)' has no field '\(key)'",
                hint: operation.fields.isEmpty
                    ? nil
                    : Suggestion.hint(for: String(key.prefix(100)), among: operation.fields))
        }
    }

    /// The text of a field that may be missing.
    func text(_ key: String) throws(CommandError) -> String? {
        guard let value = self.object[key] else { return nil }
        guard let text = value.stringValue else {
            throw CommandError(.badRequest, "\(key): a text, found '\(value.text.shortened)'")
        }
        return text
    }

    /// One text or a list of texts; never empty.
    func words(_ key: String) throws(CommandError) -> [String] {
        let value = try self.required(key, self.object[key])
        if let text = value.stringValue { return [text] }
        let words = value.arrayValue?.compactMap(\.stringValue)
        guard let words, !words.isEmpty, words.count == value.arrayValue?.count else {
            throw CommandError(
                .badRequest, "\(key): a list of texts, found '\(value.text.shortened)'",
                hint: "for example \(self.operation.example)")
        }
        return words
    }

    func required<Value>(_ key: String, _ value: Value?) throws(CommandError) -> Value {
        if let value { return value }
        throw CommandError(
            .badRequest, "'\(self.operation.rawValue)' needs '\(key)'",
            hint: "for example \(self.operation.example)")
    }

    /// Says in which field something was written that cannot be read.
    func read<Value>(
        _ key: String, _ parse: () throws(InputError) -> Value
    ) throws(CommandError) -> Value {
        do { return try parse() } catch { throw CommandError(error, in: key) }
    }

    func partition() throws(CommandError) -> Partition {
        let value = try self.required("partition", self.object["partition"])
        if let text = value.stringValue {
            return try self.read("partition") { () throws(InputError) in
                try Partition(parsing: text)
            }
        }
        let groups = value.arrayValue?.compactMap { $0.arrayValue?.compactMap(\.stringValue) }
        guard let groups, groups.count == value.arrayValue?.count else {
            throw CommandError(
                .badRequest,
                "partition: a text or a list of groups, found '\(value.text.shortened)'",
                hint: "for example 'n1 / n2 n3' or [[\"n1\"],[\"n2\",\"n3\"]]")
        }
        let text = groups.map { $0.joined(separator: " ") }.joined(separator: " / ")
        return try self.read("partition") { () throws(InputError) in try Partition(parsing: text) }
    }

    func mode() throws(CommandError) -> PartitionMode? {
        guard let word = try self.text("mode") else { return nil }
        if let mode = PartitionMode(rawValue: word) { return mode }
        let known = PartitionMode.allCases.map(\.rawValue)
        throw CommandError(
            .badRequest, "mode: there is no such mode, found '\(word.shortened)'",
            hint: Suggestion.hint(for: String(word.prefix(100)), among: known))
    }

    func ports() throws(CommandError) -> [PortName] {
        guard self.object["ports"] != nil else { return [] }
        let words = try self.words("ports")
        return try self.read("ports") { () throws(InputError) in
            var ports: [PortName] = []
            for word in words { ports.append(try PortName(parsing: word)) }
            return ports
        }
    }

    /// Whether only links are wanted on which something happens.
    func onlyBusyLinks() throws(CommandError) -> Bool {
        guard self.operation == .status, let word = try self.text("links") else { return false }
        if ["all", "busy"].contains(word) { return word == "busy" }
        throw CommandError(
            .badRequest, "links: 'all' or 'busy', found '\(word.shortened)'",
            hint: "busy are those with traffic, cuts or faults")
    }

    func lease() throws(CommandError) -> Duration? {
        guard let text = try self.text("for") else { return nil }
        let lease = try self.read("for") { () throws(InputError) in try Duration(parsing: text) }
        if lease <= .zero {
            throw CommandError(.badRequest, "for: longer than no time, found '\(text)'")
        }
        return lease
    }

    func nodes() throws(CommandError) -> NodePattern {
        let words = try self.words("nodes")
        return try self.read("nodes") { () throws(InputError) in
            try NodePattern(parsing: words.joined(separator: ","))
        }
    }

    /// The name of a file in the run directory, not a path.
    func fileName(_ text: String) throws(CommandError) -> String {
        let isName =
            text.utf8.allSatisfy { byte in
                (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a)
                    || (byte >= 0x61 && byte <= 0x7a) || "._-".utf8.contains(byte)
            } && !text.isEmpty && text.utf8.count <= 100 && text.first != "."
        if isName { return text }
        throw CommandError(
            .badRequest, "file: a name in the run directory, found '\(text.shortened)'",
            hint: "letters, digits, '.', '_' and '-', such as n1.pcapng")
    }

    func injection(_ key: String = "injection") throws(CommandError) -> InjectionID? {
        guard let text = try self.text(key) else { return nil }
        return try self.read(key) { () throws(InputError) in
            try InjectionID(parsing: text)
        }
    }

    func links(_ key: String) throws(CommandError) -> [LinkPattern] {
        let words = try self.words(key)
        return try self.read(key) { () throws(InputError) in
            var links: [LinkPattern] = []
            for word in words { links.append(try LinkPattern(parsing: word)) }
            return links
        }
    }

    func selection(links key: String) throws(CommandError) -> InjectionSelection {
        let id = try self.injection()
        let links = self.object[key] == nil ? nil : try self.links(key)
        switch (id, links) {
        case (nil, nil): return .all
        case (let id?, nil): return .injection(id)
        case (nil, let links?): return .links(links)
        case (_?, _?):
            throw CommandError(
                .badRequest, "'\(self.operation.rawValue)' takes 'injection' or '\(key)', not both")
        }
    }
}

extension JSONValue {
    /// A text without its quotes, anything else as JSON.
    fileprivate var plainText: String { self.stringValue ?? self.text }
}

extension String {
    /// The text, cut after 80 characters, so that no error repeats a whole request.
    var shortened: String { self.count <= 80 ? self : self.prefix(80) + "…" }
}
