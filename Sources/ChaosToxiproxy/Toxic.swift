/// One of the two ways bytes go through a proxy.
package enum ToxicStream: String, CaseIterable, Sendable {
    /// From the client to the server.
    case upstream
    /// From the server to the client.
    case downstream
}

/// A fault on one direction of a proxy's connections.
package struct Toxic: Hashable, Sendable {
    /// Unlike that of every other toxic there ever was.
    package let identity: Int
    /// Grows with each update, even one that changes nothing: updates interrupt what is under way.
    package internal(set) var revision = 0
    package let name: String
    /// How many toxics of this name the proxy had before.
    package let generation: Int
    /// The stream as it was written, in whatever case.
    package let writtenStream: String
    package let stream: ToxicStream
    /// The share of connections that it is for.
    package internal(set) var toxicity: Float
    package internal(set) var attributes: ToxicAttributes

    package var type: ToxicType { self.attributes.type }

    /// The toxic as clients see it.
    package var json: String {
        "{\"attributes\":\(self.attributes.json),\"name\":\(GoText.quoted(self.name))"
            + ",\"type\":\(GoText.quoted(self.type.rawValue))"
            + ",\"stream\":\(GoText.quoted(self.writtenStream))"
            + ",\"toxicity\":\(GoText.number(self.toxicity))}"
    }
}

/// What a body says about a toxic that is to be made.
struct ToxicInput {
    var name = ""
    var type: ToxicType
    var writtenStream: String
    var stream: ToxicStream
    var toxicity: Float
    private let attributes: GoJSON

    /// Reads a body; the order of checks is part of the contract.
    init(_ body: GoJSON) throws(ToxiproxyError) {
        var (name, type, stream) = ("", "", "downstream")
        var toxicity: Float = 1
        var attributes = GoJSON.null
        do throws(GoJSONError) {
            try body.forEachField(of: "toxics.ToxicWrapper") { key, value throws(GoJSONError) in
                switch key {
                case "name": name = try value.text("ToxicWrapper.name")
                case "type": type = try value.text("ToxicWrapper.type")
                case "stream": stream = try value.text("ToxicWrapper.stream")
                case "toxicity": toxicity = try value.float("ToxicWrapper.toxicity")
                case "attributes":
                    guard case .object = value else {
                        throw .type(value, "ToxicWrapper.attributes", "toxics.NoopToxic")
                    }
                    attributes = value
                default: break
                }
            }
        } catch { throw .badBody(error) }
        guard let way = ToxicStream(rawValue: GoJSON.folded(stream)) else { throw .invalidStream }
        guard let known = ToxicType(rawValue: type) else { throw .invalidToxicType }
        self.name = name.isEmpty ? "\(type)_\(stream)" : name
        self.type = known
        self.writtenStream = stream
        self.stream = way
        self.toxicity = toxicity
        self.attributes = attributes
    }

    /// The attributes that were given.
    func readAttributes() throws(ToxiproxyError) -> ToxicAttributes {
        var read = ToxicAttributes(of: self.type)
        try read.merge(self.attributes)
        if self.attributes == .null { try read.check() }
        return read
    }
}
