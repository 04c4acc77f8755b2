import ChaosCheckers
import ChaosCore

// Moments are nanoseconds since the start of the run, as in the journal and the history.

extension RunResult {
    /// The result as `results.json` has it.
    package var json: JSONValue {
        [
            "scenario": .string(self.scenario),
            "seed": Int64(exactly: self.seed.value).map { .int($0) }
                ?? .string(String(self.seed.value)),
            "verdict": self.verdict.map { .string($0.rawValue) } ?? .null,
            "exit": [
                "code": .int(Int64(self.exitCode)), "reason": .string(self.exitReason),
                "command": self.commandExit.map { .int(Int64($0)) } ?? .null,
            ],
            "reasons": .array(self.reasons.map { .string($0) }),
            "expectation": self.expectation.map { .string($0) } ?? .null,
            "backend": .string(self.backend),
            "elapsed": .int(self.elapsed.wholeNanoseconds),
            "dir": .string(self.directory), "repeat": .string(self.repeatCommand),
            "statistics": .object(self.statistics),
            "findings": .array(self.findings.map(\.json)),
            "faults": .array(self.faults.map(\.json)),
            "background": .array(self.background.map(\.json)),
            "cuts": .array(self.cuts.map(\.json)),
            "warnings": .array(self.warnings.map { .string($0) }),
            "deaths": .array(self.deaths.map(\.json)),
            "links": .array(self.links.map(\.json)),
        ]
    }

    /// Reads what ``json`` wrote.
    ///
    /// - Throws: `InputError` that names what is missing.
    package init(json: JSONValue) throws(InputError) {
        let fields = ResultFields(json, "results.json")
        let verdict = try fields.optionalText("verdict").map { (word) throws(InputError) in
            try fields.verdict(word)
        }
        let exit = ResultFields(json["exit"] ?? .null, "exit")
        self.init(
            scenario: try fields.text("scenario"), seed: try fields.seed("seed"), verdict: verdict,
            exitCode: Int32(clamping: try exit.number("code")),
            reasons: try fields.texts("reasons"),
            expectation: try fields.optionalText("expectation"),
            backend: try fields.text("backend"),
            elapsed: .nanoseconds(try fields.number("elapsed")),
            directory: try fields.text("dir"), repeatCommand: try fields.text("repeat"))
        self.commandExit = exit.json["command"]?.intValue.map { Int32(clamping: $0) }
        self.findings = try fields.list("findings") { (fields) throws(InputError) in
            Finding(
                checker: try fields.text("checker"),
                verdict: try fields.verdict(try fields.text("verdict")),
                summary: try fields.text("summary"), anomalies: try fields.texts("anomalies"),
                evidence: try fields.texts("evidence"),
                statistics: fields.json["statistics"]?.objectValue ?? [:])
        }
        self.faults = try fields.list("faults", Fault.init(fields:))
        self.background = try fields.list("background", Fault.init(fields:))
        self.cuts = try fields.list("cuts") { (fields) throws(InputError) in
            Cut(
                id: try fields.text("id"), link: try fields.link("link"),
                from: try fields.instant("from"), to: try fields.optionalInstant("to"),
                crossedBytes: Int(try fields.number("crossed_bytes")))
        }
        self.statistics = fields.json["statistics"]?.objectValue ?? [:]
        self.warnings = try fields.texts("warnings")
        self.deaths = try fields.list("deaths") { (fields) throws(InputError) in
            Death(
                node: NodeName(try fields.text("node")), status: try fields.text("status"),
                at: try fields.instant("at"), lastLines: try fields.texts("last_lines"))
        }
        // Results of versions before this was written have none.
        if fields.json["links"] != nil {
            self.links = try fields.list("links") { (fields) throws(InputError) in
                LinkTraffic(
                    try fields.link("link"), connections: Int(try fields.number("connections")),
                    messages: Int(try fields.number("messages")),
                    bytes: Int(try fields.number("bytes")))
            }
        }
    }
}

extension RunResult.Fault {
    fileprivate var json: JSONValue {
        [
            "id": .string(self.id), "text": .string(self.text), "origin": .string(self.origin),
            "begin": .int(self.begin.nanoseconds),
            "end": self.end.map { .int($0.nanoseconds) } ?? .null,
            "touched": .int(Int64(self.touched)), "hits": .int(Int64(self.hits)),
        ]
    }
}

extension RunResult.Cut {
    fileprivate var json: JSONValue {
        [
            "id": .string(self.id), "link": .string(self.link.description),
            "from": .int(self.from.nanoseconds),
            "to": self.to.map { .int($0.nanoseconds) } ?? .null,
            "crossed_bytes": .int(Int64(self.crossedBytes)),
        ]
    }
}

extension RunResult.LinkTraffic {
    fileprivate var json: JSONValue {
        [
            "link": .string(self.link.description), "connections": .int(Int64(self.connections)),
            "messages": .int(Int64(self.messages)), "bytes": .int(Int64(self.bytes)),
        ]
    }
}

extension RunResult.Death {
    fileprivate var json: JSONValue {
        [
            "node": .string(self.node.text), "status": .string(self.status),
            "at": .int(self.at.nanoseconds),
            "last_lines": .array(self.lastLines.map { .string($0) }),
        ]
    }
}

/// Reads the members of an object of `results.json`, and says which one is wrong.
private struct ResultFields {
    let json: JSONValue
    let place: String

    init(_ json: JSONValue, _ place: String) {
        self.json = json
        self.place = place
    }

    private func error(_ key: String, _ rule: String) -> InputError {
        InputError("\(self.place): '\(key)' is \(rule)", found: self.json[key]?.text)
    }

    func text(_ key: String) throws(InputError) -> String {
        guard let text = self.json[key]?.stringValue else { throw self.error(key, "a text") }
        return text
    }

    func optionalText(_ key: String) throws(InputError) -> String? {
        if self.json[key] == nil || self.json[key] == .null { return nil }
        return try self.text(key)
    }

    func texts(_ key: String) throws(InputError) -> [String] {
        let texts = self.json[key]?.arrayValue?.compactMap(\.stringValue)
        guard let texts, texts.count == self.json[key]?.arrayValue?.count else {
            throw self.error(key, "a list of texts")
        }
        return texts
    }

    func number(_ key: String) throws(InputError) -> Int64 {
        guard let number = self.json[key]?.intValue else { throw self.error(key, "a whole number") }
        return number
    }

    func instant(_ key: String) throws(InputError) -> Instant {
        Instant(nanoseconds: try self.number(key))
    }

    func optionalInstant(_ key: String) throws(InputError) -> Instant? {
        if self.json[key] == nil || self.json[key] == .null { return nil }
        return try self.instant(key)
    }

    func seed(_ key: String) throws(InputError) -> Seed {
        let value = self.json[key]
        let seed = value?.intValue.flatMap { UInt64(exactly: $0) }
        guard let seed = seed ?? value?.stringValue.flatMap({ UInt64($0) }) else {
            throw self.error(key, "a seed")
        }
        return Seed(seed)
    }

    func verdict(_ word: String) throws(InputError) -> Verdict {
        guard let verdict = Verdict(rawValue: word) else {
            throw self.error("verdict", "valid, invalid or unknown")
        }
        return verdict
    }

    func link(_ key: String) throws(InputError) -> Link {
        let pattern = try LinkPattern(parsing: try self.text(key))
        guard let source = pattern.sources.exactNames.first,
            let target = pattern.targets.exactNames.first, let port = pattern.port
        else { throw self.error(key, "a link with its port") }
        return Link(source, target, port)
    }

    func list<Element>(
        _ key: String, _ read: (ResultFields) throws(InputError) -> Element
    ) throws(InputError) -> [Element] {
        guard let values = self.json[key]?.arrayValue else { throw self.error(key, "a list") }
        var elements: [Element] = []
        for (index, value) in values.enumerated() {
            elements.append(try read(ResultFields(value, "\(key)[\(index)]")))
        }
        return elements
    }
}

extension RunResult.Fault {
    fileprivate init(fields: ResultFields) throws(InputError) {
        self.init(
            id: try fields.text("id"), text: try fields.text("text"),
            begin: try fields.instant("begin"), end: try fields.optionalInstant("end"),
            touched: Int(try fields.number("touched")), hits: Int(try fields.number("hits")),
            origin: try fields.text("origin"))
    }
}
