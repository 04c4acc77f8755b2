// The types of toxics with their attributes, as Toxiproxy names, orders and reads them, and the limits
// past which Toxiproxy itself dies.

/// A value of an attribute.
package enum AttributeValue: Hashable, Sendable {
    case integer(Int64)
    case real(Double)
    case text(String)

    /// The value in JSON.
    var json: String {
        switch self {
        case .integer(let number): String(number)
        case .real(let number): GoText.number(number)
        case .text(let text): GoText.quoted(text)
        }
    }
}

/// One attribute that a type of toxic has.
struct AttributeRule: Sendable {
    enum Kind: Sendable {
        /// A whole number; `type` is the Go type that errors name.
        case integer(type: String)
        case real
        /// One of these words; an attribute of ours, shown only once it was given.
        case word([String])
    }

    let name: String
    let kind: Kind
}

/// A type of toxic.
package enum ToxicType: String, CaseIterable, Sendable {
    case latency, bandwidth
    case slowClose = "slow_close"
    case timeout
    case resetPeer = "reset_peer"
    case slicer
    case limitData = "limit_data"
    case packetLoss = "packet_loss"
    case noop
    // What follows is ours: faults of a link, for all its connections.
    case delay, loss, corrupt, down
    case acceptDelay = "accept_delay"

    /// Whether it is a fault of all connections at once, rather than a stage of some.
    package var isForAll: Bool {
        switch self {
        case .delay, .loss, .corrupt, .down, .acceptDelay: true
        default: false
        }
    }

    /// Whether it can be a toxic of datagrams, each of which arrives whole or not at all.
    var isForDatagrams: Bool {
        switch self {
        case .latency, .bandwidth, .timeout, .packetLoss, .noop, .delay, .loss, .corrupt, .down:
            true
        case .slowClose, .resetPeer, .slicer, .limitData, .acceptDelay: false
        }
    }

    /// The attributes in the order in which they are shown.
    var rules: [AttributeRule] {
        func integers(_ names: String..., type: String = "int64") -> [AttributeRule] {
            names.map { AttributeRule(name: $0, kind: .integer(type: type)) }
        }
        return switch self {
        case .latency: integers("latency", "jitter")
        case .bandwidth:
            integers("rate")
                + [AttributeRule(name: "scope", kind: .word(["connection", "proxy"]))]
        case .slowClose: integers("delay")
        case .timeout, .resetPeer: integers("timeout")
        case .slicer: integers("average_size", "size_variation", "delay", type: "int")
        case .limitData: integers("bytes")
        case .packetLoss:
            ["loss_rate", "correlation"].map { AttributeRule(name: $0, kind: .real) }
        case .noop, .down: []
        case .delay:
            integers("latency", "jitter")
                + [
                    AttributeRule(
                        name: "distribution",
                        kind: .word(["uniform", "normal", "pareto", "paretonormal", "exponential"])),
                    AttributeRule(name: "correlation", kind: .real),
                ]
        case .loss:
            ["probability", "correlation"].map { AttributeRule(name: $0, kind: .real) }
        case .corrupt: [AttributeRule(name: "probability", kind: .real)] + integers("bits")
        case .acceptDelay: integers("delay")
        }
    }

    /// The name of the Go type that errors of reading name.
    var goType: String {
        let words = self.rawValue.split(separator: "_").map { word in
            word.prefix(1).uppercased() + word.dropFirst()
        }
        return words.joined() + "Toxic"
    }
}

/// The attributes of one toxic.
package struct ToxicAttributes: Hashable, Sendable {
    /// The type they belong to.
    package let type: ToxicType
    private var values: [String: AttributeValue] = [:]

    /// The attributes nobody gave.
    init(of type: ToxicType) { self.type = type }

    /// An attribute that is a whole number; 0 unless given.
    package func integer(_ name: String) -> Int64 {
        guard case .integer(let number)? = self.values[name] else { return 0 }
        return number
    }

    /// An attribute that is a number; 0 unless given.
    package func real(_ name: String) -> Double {
        guard case .real(let number)? = self.values[name] else { return 0 }
        return number
    }

    /// An attribute that is a word, if it was given.
    package func word(_ name: String) -> String? {
        guard case .text(let text)? = self.values[name] else { return nil }
        return text
    }

    /// Takes over what a body gives, field by field; nothing changes when it cannot be read.
    mutating func merge(_ body: GoJSON) throws(ToxiproxyError) {
        var merged = self
        let goType = "toxics." + self.type.goType
        do throws(GoJSONError) {
            try body.forEachField(of: goType) { key, value throws(GoJSONError) in
                guard let rule = self.type.rules.first(where: { $0.name == key }) else { return }
                let field = "\(self.type.goType).attributes.\(rule.name)"
                switch rule.kind {
                case .integer(let type):
                    merged.values[key] = .integer(try value.integer(field, type))
                case .real: merged.values[key] = .real(try value.double(field))
                case .word: merged.values[key] = .text(try value.text(field))
                }
            }
        } catch { throw .badBody(error) }
        try merged.check()
        self = merged
    }

    /// The attributes as they are shown, in their order.
    package var shown: [(name: String, value: AttributeValue)] {
        self.type.rules.compactMap { rule in
            if let value = self.values[rule.name] { return (rule.name, value) }
            switch rule.kind {
            case .integer: return (rule.name, .integer(0))
            case .real: return (rule.name, .real(0))
            case .word: return nil
            }
        }
    }

    var json: String {
        "{" + self.shown.map { GoText.quoted($0.name) + ":" + $0.value.json }.joined(separator: ",")
            + "}"
    }

    // MARK: - Limits

    /// Refuses what makes Toxiproxy crash or hang. What it takes without harm passes.
    func check() throws(ToxiproxyError) {
        switch self.type {
        case .latency:
            // Twice the jitter must be a number of 64 bits (upstream: a panic in its generator).
            try self.require("jitter", atMost: .max / 2)
        case .bandwidth:
            try self.require("rate", atLeast: 0)
            try self.require("rate", atMost: .max / 100)
        case .slicer:
            // Upstream halves pieces for ever below this (issues 541 and 770).
            try self.require("average_size", atLeast: 1)
            try self.require("size_variation", atLeast: 0)
            let average = self.integer("average_size")
            if self.integer("size_variation") >= average {
                throw self.refusal("size_variation", "must be below average_size, \(average)")
            }
        case .slowClose, .timeout, .resetPeer, .limitData, .packetLoss, .noop, .down: break
        case .delay:
            try self.requireTime("latency")
            try self.requireTime("jitter")
            try self.requireShare("correlation")
        case .loss:
            try self.requireShare("probability")
            try self.requireShare("correlation")
        case .corrupt:
            try self.requireShare("probability")
            try self.require("bits", atLeast: 0)
            try self.require("bits", atMost: 8000)
        case .acceptDelay: try self.requireTime("delay")
        }
        for rule in self.type.rules {
            guard case .word(let words) = rule.kind, let word = self.word(rule.name),
                !words.contains(word)
            else { continue }
            throw self.refusal(rule.name, "must be \(words.joined(separator: " or "))")
        }
    }

    private func require(_ name: String, atLeast limit: Int64) throws(ToxiproxyError) {
        if self.integer(name) < limit { throw self.refusal(name, "must be at least \(limit)") }
    }

    private func require(_ name: String, atMost limit: Int64) throws(ToxiproxyError) {
        if self.integer(name) > limit { throw self.refusal(name, "must be at most \(limit)") }
    }

    /// From nothing to a day, in milliseconds.
    private func requireTime(_ name: String) throws(ToxiproxyError) {
        try self.require(name, atLeast: 0)
        try self.require(name, atMost: 86_400_000)
    }

    private func requireShare(_ name: String) throws(ToxiproxyError) {
        if !(0...1).contains(self.real(name)) {
            throw self.refusal(name, "must be between 0 and 1")
        }
    }

    private func refusal(_ name: String, _ rule: String) -> ToxiproxyError {
        let found = self.shown.first { $0.name == name }?.value
        let text: String =
            switch found {
            case .text(let text): text
            case let value?: value.json
            case nil: ""
            }
        return ToxiproxyError(
            "invalid attribute: \(self.type.rawValue) \(name) \(rule), found '\(text)'", 400)
    }
}
