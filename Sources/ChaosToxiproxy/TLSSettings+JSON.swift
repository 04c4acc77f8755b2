import ChaosCore

// What bodies say about TLS. Toxiproxy has none of it, so a mistake is told rather than passed over.

extension TLSSettings {
    /// Reads what a body says; `nil` for an object without members, which means no TLS.
    init?(_ json: GoJSON) throws(ToxiproxyError) {
        self.init()
        try Self.read(json, "tls", ["listen", "upstream"]) { key, value throws(ToxiproxyError) in
            if key == "listen" {
                self.listening = try Listening(value)
            } else {
                self.dialling = try Dialling(value)
            }
        }
        if self.listening == nil && self.dialling == nil { return nil }
    }

    /// Goes through the members of an object, of which there may be no others than these.
    fileprivate static func read(
        _ json: GoJSON, _ place: String, _ keys: [String],
        _ body: (_ key: String, _ value: GoJSON) throws(ToxiproxyError) -> Void
    ) throws(ToxiproxyError) {
        guard case .object(let members) = json else {
            throw Self.refusal("\(place) must be an object, found \(json.kind)")
        }
        for member in members where member.value != .null {
            let key = GoJSON.folded(member.key)
            guard keys.contains(key) else {
                let known = keys.joined(separator: ", ")
                throw Self.refusal("\(place) has \(known), found '\(member.key)'")
            }
            try body(key, member.value)
        }
    }

    fileprivate static func refusal(_ text: String) -> ToxiproxyError {
        ToxiproxyError("invalid tls: \(text)", 400)
    }

    fileprivate static func text(
        _ value: GoJSON, _ place: String
    ) throws(ToxiproxyError) -> String {
        guard case .string(let text) = value, !text.isEmpty else {
            throw Self.refusal("\(place) must be a text, found \(value.kind)")
        }
        return text
    }

    /// The settings as they are shown.
    var json: String {
        let parts = [
            self.listening.map { "\"listen\":\($0.json)" },
            self.dialling.map { "\"upstream\":\($0.json)" },
        ]
        return "{" + parts.compactMap { $0 }.joined(separator: ",") + "}"
    }

    fileprivate static func json(_ members: [(String, String?)]) -> String {
        let shown = members.compactMap { name, value in
            value.map { GoText.quoted(name) + ":" + $0 }
        }
        return "{" + shown.joined(separator: ",") + "}"
    }
}

extension TLSSettings.Listening {
    fileprivate init(_ json: GoJSON) throws(ToxiproxyError) {
        var texts: [String: String] = [:]
        try TLSSettings.read(json, "listen", ["certificate", "key", "client_ca"]) {
            key, value throws(ToxiproxyError) in
            texts[key] = try TLSSettings.text(value, "listen \(key)")
        }
        guard let certificate = texts["certificate"], let key = texts["key"] else {
            throw TLSSettings.refusal("listen needs a certificate and a key")
        }
        self.init(certificate: certificate, key: key, clientCA: texts["client_ca"])
    }

    fileprivate var json: String {
        TLSSettings.json([
            ("certificate", GoText.quoted(self.certificate)), ("key", GoText.quoted(self.key)),
            ("client_ca", self.clientCA.map { GoText.quoted($0) }),
        ])
    }
}

extension TLSSettings.Dialling {
    fileprivate init(_ json: GoJSON) throws(ToxiproxyError) {
        self.init()
        let keys = ["ca", "server_name", "verify", "certificate", "key"]
        try TLSSettings.read(json, "upstream", keys) { key, value throws(ToxiproxyError) in
            if key == "verify" {
                guard case .bool(let isVerified) = value else {
                    throw TLSSettings.refusal(
                        "upstream verify must be true or false, found \(value.kind)")
                }
                self.isVerified = isVerified
                return
            }
            let text = try TLSSettings.text(value, "upstream \(key)")
            switch key {
            case "ca": self.ca = text
            case "server_name": self.serverName = text
            case "certificate": self.certificate = text
            default: self.key = text
            }
        }
        if self.key != nil && self.certificate == nil {
            throw TLSSettings.refusal("upstream key needs a certificate")
        }
    }

    fileprivate var json: String {
        func quoted(_ text: String?) -> String? { text.map { GoText.quoted($0) } }
        return TLSSettings.json([
            ("ca", quoted(self.ca)), ("server_name", quoted(self.serverName)),
            ("verify", String(self.isVerified)), ("certificate", quoted(self.certificate)),
            ("key", quoted(self.key)),
        ])
    }
}
