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
        /// One of these words.
        case word([String])
        /// Any text.
        case text
    }

    let name: String
    let kind: Kind
    /// Whether it may be left out, and is shown only once it was given. Toxiproxy has none of these.
    var isOptional = false

    static func optional(_ name: String, _ kind: Kind) -> AttributeRule {
        AttributeRule(name: name, kind: kind, isOptional: true)
    }

    static let probability = AttributeRule(name: "probability", kind: .real)
    static let correlation = AttributeRule(name: "correlation", kind: .real)
    /// How messages are told apart.
    static let framing = AttributeRule.optional(
        "framing", .word(["lines", "length16", "length32", "varint", "resp"]))
    /// Which messages are meant.
    static let match: [AttributeRule] = [
        .optional("type", .text), .optional("first", .integer(type: "int64")),
    ]
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
    // What follows is ours. Faults of a byte stream:
    case delay, loss, corrupt
    // Faults of messages:
    case drop, duplicate, reorder, http
    // Faults of connecting, for all connections:
    case down, refuse
    case acceptDelay = "accept_delay"

    /// Whether it means nothing to a stream without messages.
    var needsFraming: Bool { self == .drop || self == .duplicate || self == .reorder }

    /// Whether nobody is let in.
    package var refuses: Bool { self == .down || self == .refuse }

    /// Whether it can be a toxic of datagrams, each of which arrives whole or not at all.
    var isForDatagrams: Bool {
        switch self {
        case .latency, .bandwidth, .timeout, .packetLoss, .noop, .delay, .loss, .corrupt,
            .duplicate, .reorder, .down, .refuse:
            true
        case .slowClose, .resetPeer, .slicer, .limitData, .acceptDelay, .drop, .http: false
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
            integers("rate") + [.optional("scope", .word(["connection", "proxy"]))]
        case .slowClose: integers("delay")
        case .timeout, .resetPeer: integers("timeout")
        case .slicer: integers("average_size", "size_variation", "delay", type: "int")
        case .limitData: integers("bytes")
        case .packetLoss:
            ["loss_rate", "correlation"].map { AttributeRule(name: $0, kind: .real) }
        case .noop, .down, .refuse: []
        case .delay:
            integers("latency", "jitter")
                + [
                    .optional(
                        "distribution",
                        .word(["uniform", "normal", "pareto", "paretonormal", "exponential"])),
                    .correlation,
                ]
        case .loss: [.probability, .correlation]
        case .corrupt: [.probability] + integers("bits") + [.framing]
        case .drop, .duplicate: [.probability, .correlation, .framing] + AttributeRule.match
        case .reorder:
            [.probability, .correlation] + integers("gap", "hold") + [.framing]
                + AttributeRule.match
        case .http:
            ["method", "path", "header"].map { .optional($0, .text) }
                + [
                    .optional("first", .integer(type: "int64")), .optional("probability", .real),
                    AttributeRule(name: "delay", kind: .integer(type: "int64")),
                    AttributeRule(name: "status", kind: .integer(type: "int64")),
                    .optional("body", .text), .optional("truncate", .integer(type: "int64")),
                ]
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

    /// Whether an attribute was given.
    package func has(_ name: String) -> Bool { self.values[name] != nil }

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
                case .word, .text: merged.values[key] = .text(try value.text(field))
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
            if rule.isOptional { return nil }
            switch rule.kind {
            case .integer: return (rule.name, .integer(0))
            case .real: return (rule.name, .real(0))
            case .word, .text: return (rule.name, .text(""))
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
        case .slowClose, .timeout, .resetPeer, .limitData, .packetLoss, .noop, .down, .refuse:
            break
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
        case .drop, .duplicate, .reorder: try self.checkMessages()
        case .http: try self.checkHTTP()
        case .acceptDelay: try self.requireTime("delay")
        }
        for rule in self.type.rules {
            guard case .word(let words) = rule.kind, let word = self.word(rule.name),
                !words.contains(word)
            else { continue }
            throw self.refusal(rule.name, "must be \(words.joined(separator: " or "))")
        }
    }

    private func checkMessages() throws(ToxiproxyError) {
        try self.requireShare("probability")
        try self.requireShare("correlation")
        try self.requireCount("first")
        if self.type == .reorder {
            try self.require("gap", atLeast: 0)
            try self.require("gap", atMost: 1_000_000)
            try self.requireTime("hold")
        }
    }

    private func checkHTTP() throws(ToxiproxyError) {
        if self.integer("status") != 0 {
            try self.require("status", atLeast: 200)
            try self.require("status", atMost: 599)
        }
        try self.requireTime("delay")
        try self.requireShare("probability")
        try self.requireCount("first")
        if self.has("truncate") { try self.require("truncate", atLeast: 0) }
        let field = self.word("header").map { $0.prefix { $0 != ":" } }
        let isToken =
            field?.utf8.allSatisfy { byte in
                byte > 0x20 && byte < 0x7F && !#"(),/:;<=>?@[\]{}""#.utf8.contains(byte)
            } ?? true
        if field?.isEmpty == true || !isToken {
            throw self.refusal("header", "must be 'Name' or 'Name: value'")
        }
    }

    private func requireCount(_ name: String) throws(ToxiproxyError) {
        if self.has(name) { try self.require(name, atLeast: 1) }
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
