import ChaosCore

/// Reads the keys of one mapping and, in the end, tells about those that nobody asked for.
///
/// Every mistake goes into the list; what cannot be read is `nil`.
final class MappingReader {
    /// What the mapping describes, as in `a node`.
    let what: String
    /// Where it begins.
    let position: Position
    let mistakes: MistakeList
    private let entries: [YAMLNode.Entry]
    private var asked: [String] = []

    /// Opens a mapping; anything else is a mistake and `nil`.
    init?(_ node: YAMLNode, _ what: String, _ mistakes: MistakeList) {
        guard case .mapping(let entries) = node.content else {
            mistakes.add(
                InputError(
                    "\(what) is a mapping of keys to values",
                    found: node.isAbsent ? nil : node.shown),
                at: node.position)
            return nil
        }
        self.what = what
        self.position = node.position
        self.mistakes = mistakes
        self.entries = Self.readable(entries, of: what, into: mistakes)
    }

    /// Leaves out keys written twice and the crumbs of unquoted commas, telling about them.
    private static func readable(
        _ entries: [YAMLNode.Entry], of what: String, into mistakes: MistakeList
    ) -> [YAMLNode.Entry] {
        var kept: [YAMLNode.Entry] = []
        var index = 0
        while index < entries.count {
            let entry = entries[index]
            index += 1
            if let first = kept.first(where: { $0.key == entry.key }) {
                mistakes.add(
                    InputError(
                        "a key stands once in \(what)", found: entry.key,
                        hint: "it stands in line \(first.keyPosition.line) already"),
                    at: entry.keyPosition)
                continue
            }
            kept.append(entry)
            // `{ partition: n1 / n2, n3 }` is YAML for a key `n3` without a value.
            var crumbs: [YAMLNode.Entry] = []
            while index < entries.count, entries[index].isCrumb,
                case .scalar(let text, isPlain: true) = entry.value.content, !text.isEmpty
            {
                crumbs.append(entries[index])
                index += 1
            }
            if let first = crumbs.first {
                let whole = ([entry.value.shown] + crumbs.map(\.key)).joined(separator: ", ")
                mistakes.add(
                    InputError(
                        "an unquoted comma ends a value in {…}", found: first.key,
                        hint: "write \(entry.key): '\(whole)'"),
                    at: first.keyPosition)
            }
        }
        return kept
    }

    /// The keys in the order of the file, for mappings whose keys are free.
    var all: [YAMLNode.Entry] { self.entries }

    /// The value of a key, which is known from now on.
    func node(_ key: String) -> YAMLNode? {
        if !self.asked.contains(key) { self.asked.append(key) }
        return self.entries.first { $0.key == key }?.value
    }

    /// Whether the key stands there; it is known from now on.
    func has(_ key: String) -> Bool { self.node(key) != nil }

    /// Where the value of a key begins, or else the mapping.
    func position(of key: String) -> Position {
        self.entries.first { $0.key == key }?.value.position ?? self.position
    }

    /// Where a key stands.
    func keyPosition(of key: String) -> Position {
        self.entries.first { $0.key == key }?.keyPosition ?? self.position
    }

    /// The text of a key's value.
    func text(_ key: String) -> String? {
        guard let node = self.node(key) else { return nil }
        return self.text(of: node, key)
    }

    private func text(of node: YAMLNode, _ key: String) -> String? {
        guard let text = node.text else {
            self.mistakes.add(
                InputError("'\(key)' is one text", found: node.shown), at: node.position)
            return nil
        }
        if node.isAbsent {
            self.mistakes.add(InputError("'\(key)' needs a value"), at: node.position)
            return nil
        }
        return text
    }

    /// What a key's text means.
    func read<Value>(_ key: String, _ parse: (String) throws(InputError) -> Value) -> Value? {
        guard let text = self.text(key) else { return nil }
        return self.mistakes.catching(at: self.position(of: key)) { () throws(InputError) in
            try parse(text)
        }
    }

    /// One of the words of an enumeration.
    func word<Value: CaseIterable & RawRepresentable<String>>(
        _ key: String, of type: Value.Type = Value.self
    ) -> Value? {
        self.read(key) { text throws(InputError) in try Word.parse(text, as: "'\(key)'") }
    }

    /// The texts of a list, or one text alone.
    func list(_ key: String) -> [(text: String, position: Position)]? {
        guard let node = self.node(key) else { return nil }
        guard case .sequence(let elements) = node.content else {
            return self.text(of: node, key).map { [($0, node.position)] }
        }
        return elements.compactMap { element in
            self.text(of: element, key).map { ($0, element.position) }
        }
    }

    func add(_ error: InputError, at key: String? = nil) {
        self.mistakes.add(error, at: key.map { self.position(of: $0) } ?? self.position)
    }

    /// Whether there are keys that nobody asked for until now.
    var hasUnknownKeys: Bool { self.entries.contains { !self.asked.contains($0.key) } }

    /// Tells about keys that nobody asked for.
    ///
    /// - Parameters:
    ///   - synonyms: Words that other tools use, and what to write instead.
    ///   - outside: Keys that stand beside this mapping and not in it.
    func finish(
        synonyms: [String: String] = [:], outside: [String] = [], notYet: [String] = []
    ) {
        for entry in self.entries where !self.asked.contains(entry.key) {
            let error: InputError
            if notYet.contains(entry.key) {
                error = InputError("chaos cannot do '\(entry.key)' yet")
            } else {
                let synonym =
                    outside.contains(entry.key)
                    ? "'\(entry.key)' stands beside \(self.what), not in it"
                    : synonyms[entry.key].map { "write '\($0)'" }
                error = InputError(
                    "\(self.what) has no such key", found: entry.key,
                    hint: synonym ?? Suggestion.hint(for: entry.key, among: self.asked))
            }
            self.mistakes.add(error, at: entry.keyPosition)
        }
    }
}

/// Reads words of enumerations.
enum Word {
    /// The case with this word.
    ///
    /// - Throws: `InputError` that names the words, or the nearest one.
    static func parse<Value: CaseIterable & RawRepresentable<String>>(
        _ text: String, as what: String
    ) throws(InputError) -> Value {
        if let value = Value(rawValue: text) { return value }
        let words = Value.allCases.map(\.rawValue)
        throw InputError(
            "\(what) is one of \(words.joined(separator: ", "))", found: text,
            hint: Suggestion.nearest(to: text, among: words).map { "did you mean '\($0)'?" })
    }
}

/// Reads whole numbers.
enum WholeNumber {
    /// A number within a range.
    static func parse(
        _ text: String, as what: String, in range: ClosedRange<Int>
    ) throws(InputError) -> Int {
        let rule = "\(what) is a whole number from \(range.lowerBound) to \(range.upperBound)"
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
        guard isPlain, let number = Int(text), range.contains(number) else {
            throw InputError(rule, found: text)
        }
        // YAML 1.1 reads 010 as eight.
        if text.first == "0", text.count > 1 {
            throw InputError(rule, found: text, hint: "write '\(number)'")
        }
        return number
    }
}
