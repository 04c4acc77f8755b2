import ChaosCore

/// The short form of a fault's parameters: `80ms ± 10ms`, `100ms,10ms,25%,normal`, `5%`, `nth:3`,
/// `gemodel 1% 10%`, `64B,32B,10ms`, each with `key:value` words behind.
///
/// Values come in netem's order and are parted by spaces or commas; `±` and `+-` may stand before a
/// spread. `type:`, `direction:`, `first:`, `after:`, `match.nth:` and dotted paths limit the fault
/// to some messages.
enum ShortFault {
    /// The long form of the text, every piece of it at one place.
    ///
    /// - Throws: `InputError` when there are more values than the fault has parameters.
    static func expand(
        _ text: String, kind: FaultKind, at position: Position
    ) throws(InputError) -> YAMLNode {
        var values: [(key: String, value: String)] = []
        var match: [(key: String, value: String)] = []
        var fields: [(key: String, value: String)] = []
        var positional: [String] = []
        for word in ShortWords.split(text) {
            if let colon = word.firstIndex(of: ":"), colon > word.startIndex {
                let key = String(word[..<colon])
                let value = String(word[word.index(after: colon)...])
                switch key {
                case "type", "direction", "first", "after": match.append((key, value))
                case "match.nth": match.append(("nth", value))
                case _ where key.first == ".": fields.append((String(key.dropFirst()), value))
                case _ where key.contains("."): fields.append((key, value))
                default: values.append((key, value))
                }
            } else {
                positional.append(word)
            }
        }
        let (model, names) = Self.parameters(of: kind, &positional, &values)
        if positional.count > names.count {
            let many = names.count == 1 ? "one value" : "at most \(names.count) values"
            throw InputError(
                "'\(kind.rawValue)' has \(many) in its short form", found: text,
                hint: "in order: \(names.joined(separator: ", "))")
        }
        let named = zip(names, positional).map { (key: $0, value: $1) }
        func scalar(_ text: String) -> YAMLNode {
            YAMLNode(position: position, content: .scalar(text, isPlain: false))
        }
        func mapping(_ members: [(key: String, value: String)]) -> YAMLNode {
            YAMLNode(
                position: position,
                content: .mapping(
                    members.map {
                        YAMLNode.Entry(key: $0.key, keyPosition: position, value: scalar($0.value))
                    }))
        }
        var entries: [YAMLNode.Entry] = []
        func add(_ key: String, _ value: YAMLNode) {
            entries.append(YAMLNode.Entry(key: key, keyPosition: position, value: value))
        }
        if let model { add(model, mapping(named)) } else { values = named + values }
        for (key, value) in values { add(key, scalar(value)) }
        if !match.isEmpty || !fields.isEmpty {
            var node = mapping(match)
            if !fields.isEmpty, case .mapping(var members) = node.content {
                members.append(
                    YAMLNode.Entry(key: "fields", keyPosition: position, value: mapping(fields)))
                node.content = .mapping(members)
            }
            add("match", node)
        }
        return YAMLNode(position: position, content: .mapping(entries))
    }

    /// The names of the values that a kind of fault takes in order, and the mapping they belong to.
    private static func parameters(
        of kind: FaultKind, _ words: inout [String],
        _ values: inout [(key: String, value: String)]
    ) -> (model: String?, names: [String]) {
        switch kind {
        case .delay:
            words.removeAll { word in
                guard Fault.DistributionName(rawValue: word) != nil else { return false }
                values.append(("distribution", word))
                return true
            }
            // 100ms 25% has no jitter in between.
            let isRatio = words.count == 2 && words[1].hasSuffix("%")
            return (
                nil, isRatio ? ["latency", "correlation"] : ["latency", "jitter", "correlation"]
            )
        case .loss, .duplicate, .reorder, .corrupt, .ackLoss:
            if kind == .loss, words.first == "gemodel" {
                words.removeFirst()
                return ("gemodel", ["p", "r", "1-h", "1-k"])
            }
            if words.count == 2, words[0] == "nth" {
                words.removeFirst()
                return (nil, ["nth"])
            }
            return (nil, ["percent", "correlation"])
        case .rate: return (nil, ["rate"])
        case .slicer: return (nil, ["size", "variation", "delay"])
        case .limitData: return (nil, ["bytes"])
        case .slowClose, .acceptDelay: return (nil, ["delay"])
        case .resetPeer, .timeout: return (nil, ["after"])
        case .coalesce: return (nil, ["hold"])
        case .refuse: return (nil, [])
        }
    }
}

/// Parts the words of short forms.
enum ShortWords {
    /// The words between spaces and commas; `±` and `+-` part words too, and a unit that stands
    /// alone belongs to the number before it.
    static func split(_ text: String) -> [String] {
        var plain = ""
        var rest = text[...]
        while let character = rest.first {
            if rest.hasPrefix("+-") {
                plain += " "
                rest = rest.dropFirst(2)
            } else {
                plain.append(character == "±" || character == "," ? " " : character)
                rest = rest.dropFirst()
            }
        }
        var words: [String] = []
        for word in plain.split(whereSeparator: { $0 == " " || $0 == "\t" }) {
            if let last = words.last, last.utf8.allSatisfy({ $0 == 0x2e || (0x30...0x39) ~= $0 }),
                Self.units.contains(String(word))
            {
                words[words.count - 1] = last + word
            } else {
                words.append(String(word))
            }
        }
        return words
    }

    private static let units: Set<String> = [
        "%", "ns", "us", "µs", "μs", "ms", "s", "m", "min", "h", "B", "kB", "KB", "MB", "GB", "KiB",
        "MiB", "GiB", "bit", "kbit", "mbit", "gbit", "kB/s", "MB/s", "KiB/s", "MiB/s",
    ]

    /// Reads `A`, `A±B`, `A ± B`, `A +- B` or `A,B`: a time and its spread.
    static func spread(_ text: String) throws(InputError) -> (time: Duration, spread: Duration) {
        let words = Self.split(text)
        guard words.count == 1 || words.count == 2 else {
            throw InputError("a time and its spread are written like '15s ± 5s'", found: text)
        }
        let time = try Duration(parsing: words[0])
        return (time, words.count == 2 ? try Duration(parsing: words[1]) : .zero)
    }
}
