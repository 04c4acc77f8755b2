import ChaosCore

/// Reads the nodes of a scenario.
struct NodeReader {
    let mistakes: MistakeList
    let places: PlaceTable

    /// Names that mean something else where nodes are named.
    private static let reserved =
        ["client", "that", "any", "rest", "all", "isolate"] + NodeName.services.map(\.text)

    /// Reads a name that a node may have.
    static func name(_ text: String) throws(InputError) -> NodeName {
        if Self.reserved.contains(text) {
            throw InputError(
                "a node has a name of its own", found: text,
                hint: "\(Self.reserved.joined(separator: ", ")) have a meaning already")
        }
        return try NodeName(parsing: text)
    }

    /// The nodes in order; a key may name several: `n1..n3`.
    func nodes(_ node: YAMLNode) -> [NodeSpec] {
        guard let mapping = MappingReader(node, "'nodes'", self.mistakes) else { return [] }
        self.places["nodes"] = node.position
        var nodes: [NodeSpec] = []
        var lines: [NodeName: Int] = [:]
        for entry in mapping.all {
            let names = self.mistakes.catching(at: entry.keyPosition) { () throws(InputError) in
                try Self.names(entry.key)
            }
            let spec = self.node(entry.value)
            for name in names ?? [] {
                if let line = lines[name] {
                    self.mistakes.add(
                        InputError(
                            "a node is named once", found: name.text,
                            hint: "line \(line) names it already"), at: entry.keyPosition)
                    continue
                }
                lines[name] = entry.keyPosition.line
                self.places["nodes.\(name)"] = entry.keyPosition
                guard var spec else { continue }
                spec.name = name
                nodes.append(spec)
            }
        }
        if mapping.all.isEmpty {
            self.mistakes.add(InputError("'nodes' names at least one node"), at: node.position)
        }
        return nodes
    }

    private static func names(_ key: String) throws(InputError) -> [NodeName] {
        var names: [NodeName] = []
        for part in key.split(separator: ",", omittingEmptySubsequences: false) {
            let part = part.trimmingSpaces
            if let range = try NodeRange.expand(String(part)) {
                for name in range { names.append(try Self.name(name.text)) }
            } else {
                names.append(try Self.name(String(part)))
            }
        }
        return names
    }

    private func node(_ node: YAMLNode) -> NodeSpec? {
        guard let mapping = MappingReader(node, "a node", self.mistakes) else { return nil }
        defer {
            mapping.finish(
                synonyms: [
                    "cmd": "command", "environment": "env", "cwd": "directory", "dir": "directory",
                ])
        }
        var spec = NodeSpec(name: "", command: self.command(mapping) ?? .words([]))
        if let ports = mapping.node("ports") { spec.ports = self.ports(ports) }
        if let env = mapping.node("env") { spec.environment = self.environment(env) }
        if let speech = self.speech(mapping, hasPorts: mapping.has("ports")) {
            spec.speech = speech
        }
        spec.directory = mapping.text("directory")
        spec.address = mapping.read("address", IPAddress.init(parsing:))
        spec.user = mapping.text("user")
        if let ready = mapping.node("ready") { self.readReady(ready, into: &spec) }
        spec.restart = mapping.word("restart") ?? .no
        return spec
    }

    /// `protocol: maelstrom`: such a node needs no ports of its own.
    private func speech(_ mapping: MappingReader, hasPorts: Bool) -> NodeSpec.Speech? {
        let speech = mapping.word("protocol", of: NodeSpec.Speech.self)
        if speech == .maelstrom, hasPorts {
            mapping.add(
                InputError(
                    "a node that speaks on standard input and output has no ports",
                    hint: "leave 'ports' out: chaos listens in its place"), at: "ports")
        }
        return speech
    }

    /// One text, or a list of words.
    private func command(_ mapping: MappingReader) -> CommandLine? {
        guard let node = mapping.node("command") else {
            mapping.add(InputError("a node needs a 'command'"))
            return nil
        }
        if case .sequence(let elements) = node.content {
            let words = elements.compactMap { element -> String? in
                if let text = element.text { return text }
                self.mistakes.add(
                    InputError("a word of a command is a text", found: element.shown),
                    at: element.position)
                return nil
            }
            if !words.isEmpty { return .words(words) }
        } else if let text = mapping.text("command") {
            if !text.trimmingSpaces.isEmpty { return .text(text) }
        } else {
            return nil
        }
        mapping.add(InputError("'command' is not empty"), at: "command")
        return nil
    }

    /// `{ client: auto, peer: 7001 }`, or a list of names.
    private func ports(_ node: YAMLNode) -> [PortSpec] {
        var ports: [PortSpec] = []
        func add(
            _ name: String, _ position: Position, number: UInt16?, transport: PortSpec.Transport
        ) {
            let read = self.mistakes.catching(at: position) { () throws(InputError) in
                try PortName(parsing: name)
            }
            guard let read else { return }
            let port = PortSpec(name: read, number: number, transport: transport)
            if ports.contains(where: { $0.name == read }) {
                self.mistakes.add(InputError("a port is named once", found: name), at: position)
            } else if let number, ports.contains(where: port.collides) {
                self.mistakes.add(
                    InputError("a port's number stands once", found: "\(number)"), at: position)
            }
            ports.append(port)
        }
        if case .sequence(let elements) = node.content {
            for element in elements {
                add(element.shown, element.position, number: nil, transport: .tcp)
            }
        } else if let mapping = MappingReader(node, "'ports'", self.mistakes) {
            for entry in mapping.all {
                guard let text = mapping.text(entry.key) else { continue }
                let read = self.mistakes.catching(at: entry.value.position) {
                    () throws(InputError) in
                    try Self.port(text)
                }
                guard let read else { continue }
                add(entry.key, entry.keyPosition, number: read.number, transport: read.transport)
            }
        }
        if self.isEmpty(node) {
            self.mistakes.add(InputError("'ports' names at least one port"), at: node.position)
        }
        return ports
    }

    private func isEmpty(_ node: YAMLNode) -> Bool {
        switch node.content {
        case .mapping(let entries): entries.isEmpty
        case .sequence(let elements): elements.isEmpty
        case .scalar: false
        }
    }

    private static func port(
        _ text: String
    ) throws(InputError) -> (number: UInt16?, transport: PortSpec.Transport) {
        switch text {
        case "auto", "tcp": return (nil, .tcp)
        case "unix": return (nil, .unix)
        case "udp": return (nil, .udp)
        default:
            guard text.first?.isNumber == true else {
                throw InputError(
                    "a port is 'auto', 'udp', 'unix' or a number", found: text,
                    hint: "a udp port with a number is written like '7946/udp'")
            }
            let isUDP = text.hasSuffix("/udp")
            let digits = isUDP ? String(text.dropLast(4)) : text
            let number = try WholeNumber.parse(digits, as: "a port", in: 1...65535)
            return (UInt16(number), isUDP ? .udp : .tcp)
        }
    }

    private func environment(_ node: YAMLNode) -> [EnvironmentVariable] {
        guard let mapping = MappingReader(node, "'env'", self.mistakes) else { return [] }
        return mapping.all.compactMap { entry in
            let isName = entry.key.utf8.allSatisfy { byte in
                byte == UInt8(ascii: "_") || (0x30...0x39) ~= byte || (0x41...0x5a) ~= byte
                    || (0x61...0x7a) ~= byte
            }
            if !isName || entry.key.isEmpty || entry.key.first?.isNumber == true {
                self.mistakes.add(
                    InputError(
                        "a variable's name is letters, digits and '_'", found: entry.key),
                    at: entry.keyPosition)
                return nil
            }
            guard let value = entry.value.isAbsent ? "" : mapping.text(entry.key) else {
                return nil
            }
            if value.utf8.contains(0) {
                self.mistakes.add(
                    InputError("a variable's value holds no NUL"), at: entry.value.position)
                return nil
            }
            return EnvironmentVariable(name: entry.key, value: value)
        }
    }

    /// `{ tcp: client, log: 'listening', http: /health, within: 10s }`; all must hold.
    private func readReady(_ node: YAMLNode, into spec: inout NodeSpec) {
        guard let mapping = MappingReader(node, "'ready'", self.mistakes) else { return }
        let ports = spec.ports.map(\.name)
        let datagrams = spec.ports.filter { $0.transport == .udp }.map(\.name)
        func port(_ key: String) -> PortName? {
            mapping.read(key) { text throws(InputError) in
                let name = try PortName(parsing: text)
                if datagrams.contains(name) {
                    throw InputError(
                        "a udp port accepts no connections", found: text,
                        hint: "a line of output can show that it is ready: log: 'listening'")
                }
                // Where no port could be read, that has been told.
                if ports.contains(name) || ports.isEmpty { return name }
                throw InputError(
                    "the node has no such port", found: text,
                    hint: Suggestion.hint(for: text, among: ports.map(\.text)))
            }
        }
        if let port = port("tcp") { spec.ready.append(.tcp(port)) }
        if let pattern = mapping.read("log", LogPattern.init(parsing:)) {
            spec.ready.append(.log(pattern.text))
        }
        let path = mapping.read("http") { text throws(InputError) in
            if text.hasPrefix("/") { return text }
            throw InputError("'http' is a path", found: text, hint: "for example '/health'")
        }
        let httpPort = port("port")
        if let path { spec.ready.append(.http(path: path, port: httpPort)) }
        if mapping.has("port"), !mapping.has("http") {
            mapping.add(InputError("'port' needs 'http'", hint: "or write 'tcp: PORT'"), at: "port")
        }
        spec.readyWithin = mapping.read("within", ScheduleReader.positive) ?? .seconds(10)
        mapping.finish(synonyms: ["timeout": "within"])
    }
}
