import ChaosCore

/// Reads what an entry of a schedule says to nodes as their administrator.
struct AdministrationReader {
    let mapping: MappingReader

    init(_ mapping: MappingReader) { self.mapping = mapping }

    /// `crash: n1/consumer`, `clock: { node: n1, jump: -5s }`, `tell: { node: n1, type: flush, … }`.
    func action(_ verb: String) -> ScheduleAction? {
        if verb == "crash" {
            return self.mapping.read("crash") { text throws(InputError) in
                let parts = text.split(separator: "/", omittingEmptySubsequences: false)
                guard parts.count == 2, !parts[1].isEmpty else {
                    throw InputError(
                        "'crash' names a node and a process of it", found: text,
                        hint: "such as n1/consumer; 'kill' ends a whole node")
                }
                return .tell(
                    ["type": "crash", "process": .string(String(parts[1]))],
                    try Self.selector(String(parts[0])))
            }
        }
        guard let node = self.mapping.node(verb),
            let inner = MappingReader(node, "'\(verb)'", self.mapping.mistakes)
        else { return nil }
        if !inner.has("node") { inner.add(InputError("'\(verb)' needs a 'node'")) }
        let selector = inner.read("node", Self.selector)
        if verb == "clock" {
            defer { inner.finish() }
            if !inner.has("jump") { inner.add(InputError("'clock' needs a 'jump'")) }
            let jump = inner.read("jump", Self.signedDuration)
            guard let selector, let jump else { return nil }
            let milliseconds = jump.wholeNanoseconds / 1_000_000
            return .tell(["type": "clock", "jump_ms": .int(milliseconds)], selector)
        }
        if !inner.has("type") { inner.add(InputError("'tell' needs a 'type'")) }
        var body: JSONObject = [:]
        for entry in inner.all where entry.key != "node" {
            guard let text = inner.text(entry.key) else { continue }
            body[entry.key] = Self.value(text)
        }
        return selector.map { .tell(body, $0) }
    }

    private static func selector(_ text: String) throws(InputError) -> NodeSelector {
        switch text {
        case "that": .that
        case "any": .any
        default: .nodes(try NodePattern(parsing: text))
        }
    }

    private static func signedDuration(_ text: String) throws(InputError) -> Duration {
        if text.hasPrefix("-") { return .zero - (try Duration(parsing: String(text.dropFirst()))) }
        return try Duration(parsing: text.hasPrefix("+") ? String(text.dropFirst()) : text)
    }

    /// A number or one of JSON's words, and otherwise a text.
    private static func value(_ text: String) -> JSONValue {
        switch try? JSONValue(parsing: text.utf8) {
        case .some(let value) where value.arrayValue == nil && value.objectValue == nil: value
        default: .string(text)
        }
    }
}
