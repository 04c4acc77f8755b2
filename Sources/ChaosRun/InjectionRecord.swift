import ChaosCore
import ChaosEngine
import ChaosScenario

/// What is known of one thing that was done to the run: a fault, a cut, or a blow to a node.
package struct InjectionRecord: Hashable, Sendable {
    /// Names it; unique in its run.
    package var id: String
    /// What it is.
    package var kind: Kind
    /// What it does, in the words of a scenario.
    package var text: String
    /// Who wanted it.
    package var origin: InjectionOrigin
    /// A cut's mode.
    package var mode: PartitionMode?
    /// The only port it concerns, or `nil` for all.
    package var port: PortName?
    /// Where it works: patterns for faults, directed pairs for cuts, names for nodes.
    package var places: [String]
    /// The faults with their links.
    package var rules: [FaultRule] = []
    /// The links that faults are on.
    package var patterns: [LinkPattern] { self.rules.map(\.links) }
    /// What was done to nodes.
    package var action: ProcessAction?
    /// The pairs that are cut.
    package var pairs: [DirectedPair] = []
    /// When a schedule had planned it, from the start of the run: the same again with the same seed.
    package var planned: Instant?
    /// How many open connections it applied to when it took effect.
    package var connections = 0
    /// When it took effect.
    package var begin: Instant
    /// When it is to end by itself.
    package var until: Instant?
    /// When it ended; `nil` while it is on.
    package var end: Instant?
    /// How many connections, messages, blocks or signals were exposed to it.
    package var touched = 0
    /// How many of them it struck.
    package var hits = 0
    /// What crossed each link of a cut; all must be 0.
    package var crossings: [Crossing] = []

    /// What an injection is.
    package enum Kind: String, Sendable { case faults, partition, hold, process }

    /// What crossed one link while it was cut.
    package struct Crossing: Hashable, Sendable {
        /// The link.
        package var link: Link
        /// The bytes the proxy wrote on it that the cut forbade.
        package var bytes: Int

        /// Makes a crossing.
        package init(link: Link, bytes: Int) {
            self.link = link
            self.bytes = bytes
        }
    }

    /// Makes a record of something that has just taken effect.
    package init(
        id: String, kind: Kind, text: String, origin: InjectionOrigin, mode: PartitionMode? = nil,
        port: PortName? = nil, places: [String], begin: Instant, until: Instant? = nil
    ) {
        self.id = id
        self.kind = kind
        self.text = text
        self.origin = origin
        self.mode = mode
        self.port = port
        self.places = places
        self.begin = begin
        self.until = until
    }

    /// Whether it comes before another one where people read: as planned, then as it happened.
    func precedes(_ other: InjectionRecord) -> Bool {
        let (own, others) = (self.planned ?? self.begin, other.planned ?? other.begin)
        return own == others ? self.id < other.id : own < others
    }

    /// The bytes that crossed the cut on all links together.
    package var crossedBytes: Int { self.crossings.reduce(0) { $0 + $1.bytes } }

    /// Whether every link it works on is selected by one of these patterns.
    package func isWithin(_ selection: [LinkPattern], among links: [Link]) -> Bool {
        let own = links.filter(self.concerns)
        return !own.isEmpty && own.allSatisfy { link in selection.contains { $0.matches(link) } }
    }

    /// Whether it works on a link.
    func concerns(_ link: Link) -> Bool {
        if let port = self.port, port != link.port { return false }
        return self.pairs.contains(DirectedPair(link.source, link.target))
            || self.patterns.contains { $0.matches(link) }
    }

    /// Its members as the journal has them, without times: with the same seed and schedule they
    /// are the same again.
    func journalled(_ state: String) -> JSONObject {
        var details: JSONObject = [
            "id": .string(self.id), "state": .string(state), "text": .string(self.text),
            "origin": .string(self.origin.rawValue),
        ]
        if let mode = self.mode { details["mode"] = .string(mode.rawValue) }
        if let port = self.port { details["port"] = .string(port.text) }
        details["places"] = .array(self.places.map { .string($0) })
        return details
    }
}

/// The counters of an injection, read on the data plane's loop.
struct InjectionCounters: Sendable {
    var touched = 0
    var hits = 0
    var crossings: [InjectionRecord.Crossing] = []
}

extension InjectionCounters {
    init(_ injections: [Injection]) {
        self.touched = injections.reduce(0) { $0 + $1.touched }
        self.hits = injections.reduce(0) { $0 + $1.hits }
    }

    init(_ cut: Cut, links: [Link]) {
        self.touched = cut.touched
        self.hits = cut.hits
        self.crossings = links.filter(cut.covers).sorted().map {
            InjectionRecord.Crossing(link: $0, bytes: cut.crossedBytes[$0] ?? 0)
        }
    }
}
