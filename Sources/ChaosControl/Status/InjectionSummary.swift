import ChaosCore

/// One thing that was done to the run and lasts: a partition, a hold, faults on links, or a blow to
/// nodes such as a pause.
package struct InjectionSummary: Hashable, Sendable {
    /// By what it is undone.
    package var id: InjectionID
    /// What it is.
    package var kind: Kind
    /// What it does, in the words of a scenario: `n1 / n2 n3`, `n1->n2 delay 100ms ± 10ms`.
    package var text: String
    /// A partition's mode.
    package var mode: PartitionMode?
    /// The ports it is limited to; none means all.
    package var ports: [PortName]
    /// Where it works, in order: patterns for faults, directed pairs for cuts, names for nodes.
    package var links: [String]
    /// Who wanted it.
    package var origin: Origin
    /// When it took effect.
    package var since: Instant
    /// When it ends by itself; `nil` is never.
    package var until: Instant?

    /// What an injection is.
    package enum Kind: String, CaseIterable, Sendable { case partition, hold, faults, process }

    /// Who wanted an injection: the profile or network, a line of the schedule, or an operator.
    package enum Origin: String, CaseIterable, Sendable { case background, schedule, control }

    /// Makes an injection that an operator wanted, on all ports.
    package init(
        id: InjectionID, kind: Kind, text: String, mode: PartitionMode? = nil,
        ports: [PortName] = [], links: [String], origin: Origin = .control, since: Instant,
        until: Instant? = nil
    ) {
        self.id = id
        self.kind = kind
        self.text = text
        self.mode = mode
        self.ports = ports
        self.links = links
        self.origin = origin
        self.since = since
        self.until = until
    }

    /// The injection as replies, events and `status` carry it.
    package var json: JSONValue { .object(self.object) }

    var object: JSONObject {
        var object: JSONObject = [
            "id": .string(self.id.text), "kind": .string(self.kind.rawValue),
            "text": .string(self.text),
        ]
        if let mode = self.mode { object["mode"] = .string(mode.rawValue) }
        if !self.ports.isEmpty {
            object["ports"] = .array(self.ports.map { .string($0.text) })
        }
        object["links"] = .array(self.links.map { .string($0) })
        object["origin"] = .string(self.origin.rawValue)
        object["since"] = .seconds(self.since)
        if let until = self.until { object["until"] = .seconds(until) }
        return object
    }

    /// Reads what ``json`` wrote.
    package init(json: JSONValue) throws(CommandError) {
        try self.init(StatusFields(json, "the injection"))
    }

    init(_ fields: StatusFields) throws(CommandError) {
        guard let kind = Kind(rawValue: try fields.text("kind")) else {
            throw fields.error("has a known 'kind'")
        }
        self.init(
            id: InjectionID(try fields.text("id")), kind: kind, text: try fields.text("text"),
            mode: fields.json["mode"]?.stringValue.flatMap(PartitionMode.init),
            ports: try fields.texts("ports").map { PortName($0) }, links: try fields.texts("links"),
            origin: fields.json["origin"]?.stringValue.flatMap(Origin.init) ?? .control,
            since: try fields.instant("since"), until: fields.json["until"]?.instantValue)
    }
}

/// The answer to `partition`, `hold` and `set`: it took effect.
package struct InjectionReceipt: Hashable, Sendable {
    /// What was done.
    package var injection: InjectionSummary
    /// How many open connections it applies to already.
    package var connections: Int

    /// Makes a receipt.
    package init(_ injection: InjectionSummary, connections: Int = 0) {
        self.injection = injection
        self.connections = connections
    }

    /// The injection, `confirmed`, and the connections.
    package var json: JSONValue {
        var object = self.injection.object
        object["connections"] = .int(Int64(self.connections))
        object["confirmed"] = true
        return .object(object)
    }

    /// Reads what ``json`` wrote.
    package init(json: JSONValue) throws(CommandError) {
        self.injection = try InjectionSummary(json: json)
        self.connections = Int(json["connections"]?.intValue ?? 0)
    }
}

/// The answer to `heal`, `release` and `clear`: these injections are gone.
package struct EndingReceipt: Hashable, Sendable {
    /// What ended, in the order in which it began.
    package var ended: [InjectionSummary]

    /// Makes a receipt.
    package init(ended: [InjectionSummary]) { self.ended = ended }

    /// The injections and `confirmed`.
    package var json: JSONValue {
        ["ended": .array(self.ended.map(\.json)), "confirmed": true]
    }

    /// Reads what ``json`` wrote.
    package init(json: JSONValue) throws(CommandError) {
        self.ended = try StatusFields(json, "the answer").list("ended") {
            (fields) throws(CommandError) in try InjectionSummary(fields)
        }
    }
}

/// The answer to `kill`, `stop`, `pause`, `resume` and `restart`: the nodes afterwards.
package struct ProcessReceipt: Hashable, Sendable {
    /// The nodes that the command meant, as they are now.
    package var nodes: [RunStatus.Node]

    /// Makes a receipt.
    package init(nodes: [RunStatus.Node]) { self.nodes = nodes }

    /// The nodes and `confirmed`.
    package var json: JSONValue {
        ["nodes": .array(self.nodes.map(\.json)), "confirmed": true]
    }

    /// Reads what ``json`` wrote.
    package init(json: JSONValue) throws(CommandError) {
        self.nodes = try StatusFields(json, "the answer").list("nodes") {
            (fields) throws(CommandError) in try RunStatus.Node(fields)
        }
    }
}
