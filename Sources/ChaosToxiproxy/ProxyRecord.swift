import ChaosCore

/// A proxy as the API knows it.
package struct ProxyRecord: Sendable {
    package let name: String
    /// Where it listens: the bound address while it is enabled, otherwise what was written last.
    package internal(set) var listen: String
    package internal(set) var upstream: String
    package internal(set) var tls: TLSSettings?
    package internal(set) var network = ProxyNetwork.tcp
    /// In the order in which they were made, whatever their stream.
    package internal(set) var toxics: [Toxic] = []
    /// The number of its start, while it is enabled.
    package internal(set) var running: Int?
    /// How many toxics of a name there were.
    var generations: [String: Int] = [:]

    package var isEnabled: Bool { self.running != nil }

    /// The toxics as lists show them: upstream first.
    package var shownToxics: [Toxic] {
        ToxicStream.allCases.flatMap { stream in self.toxics.filter { $0.stream == stream } }
    }

    /// The proxy as clients see it. `Logger` is an accident of upstream's that its users see too.
    package var json: String {
        "{\"name\":\(GoText.quoted(self.name)),\"listen\":\(GoText.quoted(self.listen))"
            + ",\"upstream\":\(GoText.quoted(self.upstream)),\"enabled\":\(self.isEnabled)"
            + ",\"Logger\":{},\"toxics\":\(Self.json(self.shownToxics))"
            + (self.network == .tcp ? "" : ",\"network\":\"\(self.network.rawValue)\"")
            + (self.tls.map { ",\"tls\":\($0.json)" } ?? "") + "}"
    }

    static func json(_ toxics: [Toxic]) -> String {
        "[" + toxics.map(\.json).joined(separator: ",") + "]"
    }
}

/// What a body says about a proxy.
struct ProxyInput {
    var name: String
    var listen: String
    var upstream: String
    var enabled: Bool
    var network: ProxyNetwork
    var tls: TLSSettings?
    /// The toxics that the proxy is to have, if the body tells; upstream ignores them.
    private(set) var toxics: [GoJSON] = []

    /// Reads a body; what it does not tell stays as given here.
    init(
        _ body: GoJSON, name: String = "", listen: String = "", upstream: String = "",
        enabled: Bool = true, network: ProxyNetwork = .tcp, tls: TLSSettings? = nil
    ) throws(ToxiproxyError) {
        self.network = network
        var carried = ""
        (self.name, self.listen, self.upstream, self.enabled) = (name, listen, upstream, enabled)
        self.tls = tls
        var secured: GoJSON?
        var read = (name: name, listen: listen, upstream: upstream, enabled: enabled)
        var toxics: [GoJSON] = []
        do throws(GoJSONError) {
            try body.forEachField(of: "toxiproxy.Proxy") { key, value throws(GoJSONError) in
                switch key {
                case "name": read.name = try value.text("Proxy.name")
                case "listen": read.listen = try value.text("Proxy.listen")
                case "upstream": read.upstream = try value.text("Proxy.upstream")
                case "enabled": read.enabled = try value.flag("Proxy.enabled")
                case "logger":
                    guard case .object = value else {
                        throw .type(value, "Proxy.Logger", "zerolog.Logger")
                    }
                case "network": carried = try value.text("Proxy.network")
                case "tls": secured = value
                case "toxics": if case .array(let elements) = value { toxics = elements }
                default: break
                }
            }
        } catch { throw .badBody(error) }
        (self.name, self.listen, self.upstream, self.enabled) = read
        self.toxics = toxics
        self.network = try ProxyNetwork(carried, or: network)
        if let secured { self.tls = try TLSSettings(secured) }
    }
}
