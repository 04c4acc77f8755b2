import ChaosCore

/// The entries of a schedule and where they stand.
struct ReadSchedule {
    private(set) var entries: [ScheduleEntry] = []
    private var places: [[(key: String, position: Position)]] = []

    mutating func add(_ entry: ScheduleEntry, places: [(key: String, position: Position)]) {
        self.entries.append(entry)
        self.places.append(places)
    }

    mutating func append(_ other: ReadSchedule) {
        self.entries += other.entries
        self.places += other.places
    }

    /// Remembers the places, for a schedule that begins at this index of the whole.
    func record(in table: PlaceTable, from start: Int) {
        for (index, places) in self.places.enumerated() {
            for (key, position) in places {
                table["schedule[\(start + index)]" + (key.isEmpty ? "" : ".\(key)")] = position
            }
        }
    }
}

/// Reads schedules: what happens when.
struct ScheduleReader {
    let mistakes: MistakeList

    static let synonyms = [
        "duration": "for", "after": "at", "start": "at", "action": "partition, isolate, kill, …",
        "target": "isolate, kill, …", "groups": "partition", "interval": "every",
        "jitter": "every: 15s ± 5s",
    ]

    /// The entries in order. `name` is the first part of their ids: `schedule[0]`.
    func schedule(_ node: YAMLNode, named name: String) -> ReadSchedule {
        var read = ReadSchedule()
        if node.isAbsent { return read }
        guard case .sequence(let elements) = node.content else {
            self.mistakes.add(
                InputError(
                    "'schedule' is a list", found: node.shown, hint: "begin each entry with '- '"),
                at: node.position)
            return read
        }
        for (index, element) in elements.enumerated() {
            guard let mapping = MappingReader(element, "a schedule entry", self.mistakes) else {
                continue
            }
            let entry = self.entry(mapping, id: "\(name)[\(index)]")
            mapping.finish(
                synonyms: Self.synonyms.merging(LinkRulesReader.synonyms) { first, _ in first },
                notYet: ["http"])
            guard let entry else { continue }
            let places = mapping.all.map { (key: $0.key, position: $0.value.position) }
            read.add(entry, places: [("", mapping.position)] + places)
        }
        return read
    }

    private func entry(_ mapping: MappingReader, id: String) -> ScheduleEntry? {
        let timing = self.timing(mapping)
        let duration = mapping.read("for", Self.positivePoint)
        let named = mapping.read("id", Self.id)
        let action = ScheduleActionReader(mistakes: self.mistakes).action(mapping)
        guard let timing, let action else { return nil }
        return ScheduleEntry(id: named ?? id, timing: timing, duration: duration, action: action)
    }

    /// An id as chaos writes it, or a name.
    private static func id(_ text: String) throws(InputError) -> String {
        var name = text
        // A firing's number, in a schedule that repeats what another run drew.
        if let mark = text.lastIndex(of: "#"), Int(text[text.index(after: mark)...]) != nil {
            name = String(text[..<mark])
        }
        if let bracket = name.firstIndex(of: "["), name.hasSuffix("]") {
            let number = name[bracket...].dropFirst().dropLast()
            if !number.isEmpty, number.utf8.allSatisfy({ (0x30...0x39) ~= $0 }) {
                name = String(name[..<bracket])
            }
        }
        let isPlain = name.utf8.allSatisfy { byte in
            byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
                || (0x30...0x39) ~= byte || (0x41...0x5a) ~= byte || (0x61...0x7a) ~= byte
        }
        guard isPlain, !name.isEmpty, text.utf8.count <= 80 else {
            throw InputError("an id is letters, digits, '-', '_' or '.'", found: text)
        }
        return text
    }

    /// `at`, `every` or `when`, exactly one of them.
    private func timing(_ mapping: MappingReader) -> ScheduleEntry.Timing? {
        let present = ["at", "every", "when"].filter { mapping.has($0) }
        let from = mapping.read("from", Self.point)
        let until = mapping.read("until", Self.point)
        for key in ["from", "until"] where mapping.has(key) && !mapping.has("every") {
            mapping.add(InputError("'\(key)' belongs to 'every'"), at: key)
        }
        guard present.count == 1 else {
            let rule = "a schedule entry has one of 'at', 'every' and 'when'"
            let found = present.isEmpty ? nil : present.joined(separator: ", ")
            mapping.add(InputError(rule, found: found))
            return nil
        }
        switch present[0] {
        case "at": return mapping.read("at", Self.point).map { .at($0) }
        case "every":
            let every = mapping.read("every") { text throws(InputError) in
                let every = try ShortWords.spread(text)
                if every.time < .milliseconds(1) {
                    throw InputError("'every' is at least 1ms", found: text)
                }
                if every.spread > every.time {
                    throw InputError("the spread of 'every' is at most its time", found: text)
                }
                return every
            }
            guard let every else { return nil }
            return .every(
                interval: every.time, jitter: every.spread, from: from ?? .time(every.time),
                until: until)
        default: return mapping.node("when").flatMap { self.trigger($0) }.map { .when($0) }
        }
    }

    /// `{ log: 'became leader', node: any }`, `{ message: { type: x }, node: n1 }`, or a log text.
    private func trigger(_ node: YAMLNode) -> Trigger? {
        if let text = node.text, !node.isAbsent {
            return self.mistakes.catching(at: node.position) { () throws(InputError) in
                Trigger(.log(try LogPattern(parsing: text).text))
            }
        }
        guard let mapping = MappingReader(node, "'when'", self.mistakes) else { return nil }
        defer { mapping.finish(synonyms: ["nodes": "node", "matches": "log"]) }
        let log = mapping.read("log", LogPattern.init(parsing:))
        let message = mapping.node("message").flatMap {
            MatchReader(mistakes: self.mistakes).match($0)
        }
        let nodes = mapping.read("node") { text throws(InputError) in
            text == "any" ? NodePattern.all : try NodePattern(parsing: text)
        }
        let times: Int?? = mapping.read("times") { text throws(InputError) -> Int? in
            if text == "always" { return nil }
            return try WholeNumber.parse(text, as: "'times'", in: 1...1_000_000)
        }
        if mapping.has("log") == mapping.has("message") {
            mapping.add(InputError("'when' has either 'log' or 'message'"))
            return nil
        }
        guard let source = log.map({ .log($0.text) }) ?? message.map({ Trigger.Source.message($0) })
        else { return nil }
        return Trigger(source, nodes: nodes ?? .all, times: times ?? 1)
    }

    /// A time, or a share of the run.
    static func point(_ text: String) throws(InputError) -> TimePoint {
        if text.hasSuffix("%") || text.contains("/") { return .share(try Ratio(parsing: text)) }
        return .time(try Duration(parsing: text))
    }

    private static func positivePoint(_ text: String) throws(InputError) -> TimePoint {
        let point = try Self.point(text)
        if point == .time(.zero) || point == .share(.zero) {
            throw InputError("'for' is more than 0", found: text)
        }
        return point
    }

    /// A time above 0.
    static func positive(_ text: String) throws(InputError) -> Duration {
        let duration = try Duration(parsing: text)
        if duration == .zero { throw InputError("this time is more than 0", found: text) }
        return duration
    }
}
