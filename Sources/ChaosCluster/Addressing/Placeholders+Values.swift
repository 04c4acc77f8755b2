import ChaosCore
import ChaosScenario

extension Placeholders {
    /// What stands between braces: `peers.client:FORMAT`.
    struct Placeholder {
        /// `peers.client`.
        let name: Substring
        /// Behind the colon, if there is one.
        let format: Substring?
        /// All of it, for sentences.
        let text: Substring
    }

    /// A node at an address.
    struct Seen {
        let node: NodeName
        let endpoint: Endpoint

        var address: String { Placeholders.text(self.endpoint) }
    }

    /// Cuts off what follows an opening brace if it looks like a placeholder: a lower-case word,
    /// then nothing but names and dots up to a colon or the closing brace.
    static func takePlaceholder(from rest: inout Substring) -> Placeholder? {
        guard let first = rest.first, first.isASCII, first.isLowercase,
            let end = rest.firstIndex(of: "}")
        else { return nil }
        let text = rest[..<end]
        let colon = text.firstIndex(of: ":")
        let name = text[..<(colon ?? text.endIndex)]
        let isName = name.allSatisfy {
            $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0))
        }
        guard isName else { return nil }
        rest = rest[rest.index(after: end)...]
        return Placeholder(
            name: name, format: colon.map { text[text.index(after: $0)...] }, text: text)
    }

    /// An endpoint as programs take it: HOST:PORT, or a socket's path.
    static func text(_ endpoint: Endpoint) -> String {
        if case .unix(let path) = endpoint { return path }
        return endpoint.description
    }

    static func number(_ endpoint: Endpoint) -> String? {
        guard case .tcp(_, let port) = endpoint else { return nil }
        return String(port)
    }

    /// The names of all nodes' ports, in order of their first mention.
    var portNames: [PortName] {
        var names: [PortName] = []
        for node in self.plan.nodes {
            for port in self.plan.ports(of: node) where !names.contains(port.name) {
                names.append(port.name)
            }
        }
        return names
    }

    /// The other nodes that have the port, or a first one, as this node sees them.
    func peers(_ port: PortName?) -> [Seen] {
        self.seen(port, by: self.viewer, self.plan.nodes.filter { $0 != self.viewer })
    }

    private func seen(_ port: PortName?, by viewer: NodeName, _ nodes: [NodeName]) -> [Seen] {
        nodes.compactMap { node in
            guard let name = port ?? self.plan.ports(of: node).first?.name,
                let endpoint = self.endpoint(of: node, name, seenBy: viewer)
            else { return nil }
            return Seen(node: node, endpoint: endpoint)
        }
    }

    /// Where a port is seen, by this viewer or, as `client`, by everybody alike.
    private func endpoint(
        of node: NodeName, _ port: PortName, seenBy viewer: NodeName
    ) -> Endpoint? {
        viewer == .client
            ? self.plan.advertised(node, port, to: self.viewer)
            : self.plan.endpoint(of: node, port, seenBy: viewer)
    }

    private static let words = [
        "node", "index", "host", "listen", "port", "advertise", "peers", "peer", "members",
        "member",
        "dir",
        "here", "seed",
    ]

    /// The words that take a format.
    private static let formatted = ["advertise", "peer", "peers", "members", "member"]

    /// The value of a placeholder.
    func value(of placeholder: Placeholder) throws(InputError) -> String {
        let dot = placeholder.name.firstIndex(of: ".")
        let word = String(placeholder.name[..<(dot ?? placeholder.name.endIndex)])
        let rest = dot.map { String(placeholder.name[placeholder.name.index(after: $0)...]) }
        if placeholder.format != nil, !Self.formatted.contains(word), Self.words.contains(word) {
            let words = Self.formatted.map { "'\($0)'" }
            throw self.error(
                placeholder,
                "only \(words.dropLast().joined(separator: ", ")) and \(words.last ?? "") take a format"
            )
        }
        if let value = self.plainValue(word), rest == nil { return value }
        switch word {
        case "listen", "port", "advertise", "host":
            return try self.ownValue(word, rest, placeholder)
        case "peer": return try self.peer(rest ?? "", seenBy: self.viewer, placeholder)
        case "member": return try self.peer(rest ?? "", seenBy: .client, placeholder)
        case "peers":
            let port = try self.port(rest, placeholder)
            return try self.join(self.peers(port), placeholder)
        case "members":
            let port = try self.port(rest, placeholder)
            return try self.join(self.seen(port, by: .client, self.plan.nodes), placeholder)
        case _ where self.plainValue(word) != nil:
            throw self.error(placeholder, "'\(word)' has no parts")
        default:
            // A sentence behind the question or the list.
            let known = Suggestion.hint(for: word, among: Self.words)
            let end = known.hasSuffix("?") ? "" : "."
            let error = self.error(
                placeholder, "a placeholder must be known",
                "\(known)\(end) A brace by itself is written '{{'")
            throw error
        }
    }

    private func plainValue(_ word: String) -> String? {
        switch word {
        case "node": self.viewer.text
        case "index": String(self.plan.number(of: self.viewer))
        case "dir": self.directory
        case "here": self.here
        case "seed": String(self.seed.value)
        default: nil
        }
    }

    private func ownValue(
        _ word: String, _ portName: String?, _ placeholder: Placeholder
    ) throws(InputError) -> String {
        let ports = self.plan.ports(of: self.viewer)
        guard let first = ports.first else {
            throw self.error(
                placeholder, "only a node with ports listens, and '\(self.viewer)' has none")
        }
        if word == "host" {
            if portName != nil { throw self.error(placeholder, "'host' has no parts") }
            return self.plan.host(of: self.viewer)
        }
        var port = first.name
        if let portName {
            let names = ports.map(\.name.text)
            guard names.contains(portName) else {
                throw self.error(
                    placeholder, "'\(self.viewer)' must have the port",
                    Suggestion.hint(for: portName, among: names))
            }
            port = PortName(portName)
        }
        let viewer = word == "advertise" ? NodeName.client : self.viewer
        guard let endpoint = self.endpoint(of: self.viewer, port, seenBy: viewer) else {
            throw self.error(placeholder, "'\(self.viewer)' must have the port")
        }
        if word == "advertise" {
            return try self.join([Seen(node: self.viewer, endpoint: endpoint)], placeholder)
        }
        guard word == "port" else { return Self.text(endpoint) }
        guard let number = Self.number(endpoint) else {
            throw self.error(
                placeholder, "a Unix socket has no number", "write {listen.\(port)} for its path")
        }
        return number
    }

    /// `NAME` or `NAME.PORT`; both may have dots in them.
    private func peer(
        _ text: String, seenBy viewer: NodeName, _ placeholder: Placeholder
    ) throws(InputError) -> String {
        for node in self.plan.nodes where text == node.text || text.hasPrefix(node.text + ".") {
            let ports = self.plan.ports(of: node)
            let rest = text.dropFirst(node.text.utf8.count + 1)
            let port = rest.isEmpty ? ports.first?.name : PortName(String(rest))
            guard let port,
                let endpoint = self.endpoint(of: node, port, seenBy: viewer)
            else { continue }
            return try self.join([Seen(node: node, endpoint: endpoint)], placeholder)
        }
        let name = text.split(separator: ".", maxSplits: 1).first.map(String.init) ?? ""
        if let node = self.plan.nodes.first(where: { $0.text == name }) {
            throw self.error(
                placeholder, "'\(node)' must have the port",
                Suggestion.hint(
                    for: String(text.dropFirst(name.utf8.count + 1)),
                    among: self.plan.ports(of: node).map(\.name.text)))
        }
        throw self.error(
            placeholder, "a node must be known",
            Suggestion.hint(for: name, among: self.plan.nodes.map(\.text)))
    }

    private func port(
        _ text: String?, _ placeholder: Placeholder
    ) throws(InputError) -> PortName? {
        guard let text else { return nil }
        let known = self.portNames.map(\.text)
        guard known.contains(text) else {
            throw self.error(
                placeholder, "a port must be known", Suggestion.hint(for: text, among: known))
        }
        return PortName(text)
    }

    private func join(_ nodes: [Seen], _ placeholder: Placeholder) throws(InputError) -> String {
        var parts: [String] = []
        for node in nodes {
            var part = ""
            var rest = placeholder.format ?? "%a"
            while let character = rest.popFirst() {
                guard character == "%" else {
                    part.append(character)
                    continue
                }
                switch rest.popFirst() {
                case "n": part += node.node.text
                case "a": part += node.address
                case "h":
                    guard case .tcp(let host, _) = node.endpoint else { break }
                    part += host
                case "p": part += Self.number(node.endpoint) ?? ""
                case "%": part += "%"
                default:
                    throw self.error(
                        placeholder, "a format knows %n, %a, %h, %p and %%")
                }
            }
            parts.append(part)
        }
        return parts.joined(separator: ",")
    }

    private func error(
        _ placeholder: Placeholder, _ rule: String, _ hint: String? = nil
    ) -> InputError {
        InputError(rule, found: "{\(placeholder.text)}", hint: hint)
    }
}
