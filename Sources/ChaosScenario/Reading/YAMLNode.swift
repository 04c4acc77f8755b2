/// A piece of a YAML file with its place. Scalars are texts: what they mean is our schema's business,
/// so that `on`, `1:30` and `010` are what they look like.
struct YAMLNode {
    /// Where it begins.
    var position: Position
    /// What it is.
    var content: Content

    /// What a piece of YAML is.
    enum Content {
        /// A text; `isPlain` when it was not quoted.
        case scalar(String, isPlain: Bool)
        /// Keys and values in the order of the file.
        case mapping([Entry])
        /// Elements in the order of the file.
        case sequence([YAMLNode])
    }

    /// A key and its value.
    struct Entry {
        var key: String
        var keyPosition: Position
        var value: YAMLNode
        /// Whether the key has no colon, as `n3` in `{ partition: n1 / n2, n3 }`.
        var isCrumb = false
    }

    /// The text of a scalar.
    var text: String? {
        if case .scalar(let text, _) = self.content { return text }
        return nil
    }

    /// The value of a key, if this is a mapping that has it.
    subscript(key: String) -> YAMLNode? {
        guard case .mapping(let entries) = self.content else { return nil }
        return entries.first { $0.key == key }?.value
    }

    /// Whether nothing was written: `key:`.
    var isAbsent: Bool {
        if case .scalar("", isPlain: true) = self.content { return true }
        return false
    }

    /// How an error shows the piece.
    var shown: String {
        switch self.content {
        case .scalar(let text, _): text
        case .mapping: "{…}"
        case .sequence: "[…]"
        }
    }
}
