import ChaosCore

/// Reads which messages a fault or a trigger means: `{ type: append, first: 3, body.key: x }`.
struct MatchReader {
    let mistakes: MistakeList

    /// The match of a mapping; a text alone is the type.
    func match(_ node: YAMLNode) -> MessageMatch? {
        if let text = node.text, !text.isEmpty { return MessageMatch(type: text) }
        guard let mapping = MappingReader(node, "'match'", self.mistakes) else { return nil }
        var match = MessageMatch()
        match.type = mapping.text("type")
        match.direction = mapping.word("direction")
        match.nth = self.count("nth", mapping)
        match.first = self.count("first", mapping)
        match.after = self.count("after", mapping)
        if let fields = mapping.node("fields"),
            let fields = MappingReader(fields, "'fields'", self.mistakes)
        {
            for entry in fields.all {
                guard let value = fields.text(entry.key) else { continue }
                match.fields.append(MessageMatch.FieldEquals(path: entry.key, value: value))
            }
        }
        if let first = match.first, let after = match.after, first <= after {
            mapping.add(
                InputError(
                    "'first' is more than 'after', or no message is left", found: "\(first)"),
                at: "first")
        }
        mapping.finish()
        return match
    }

    private func count(_ key: String, _ mapping: MappingReader) -> Int? {
        mapping.read(key) { text throws(InputError) in
            try WholeNumber.parse(text, as: "'\(key)'", in: 1...1_000_000_000)
        }
    }
}
