import ChaosCore
import ChaosScenario
import OrderedCollections

/// What one node is told about itself and the others: placeholders in its command, environment
/// and paths, and the same as variables.
///
/// | placeholder | is |
/// |---|---|
/// | `{node}` `{index}` `{dir}` `{seed}` | its name, its number from 1, its directory, the run's seed |
/// | `{here}` | the folder of the scenario's file |
/// | `{host}` `{port}` `{port.PORT}` | the address it listens at, a port's number |
/// | `{listen}` `{listen.PORT}` | HOST:PORT to listen at |
/// | `{advertise}` `{advertise.PORT}` | HOST:PORT that is the same for everyone who dials it; also with a FORMAT |
/// | `{peer.NAME}` `{peer.NAME.PORT}` | where it sees one node |
/// | `{peer.NAME:FORMAT}` `{peer.NAME.PORT:FORMAT}` | FORMAT for one: `{peer.n1:%h} {peer.n1:%p}` |
/// | `{peers}` `{peers.PORT}` | where it sees the others, comma-joined |
/// | `{peers:FORMAT}` `{peers.PORT:FORMAT}` | FORMAT once for each other node |
/// | `{member.NAME}` `{member.NAME.PORT}` | the advertised address of one node; also with a FORMAT |
/// | `{members:FORMAT}` `{members.PORT:FORMAT}` | FORMAT once for each node, at its advertised address |
///
/// A name alone means the first port. In FORMAT `%n` is the node, `%a` HOST:PORT, `%h` the host,
/// `%p` the number, `%%` a percent sign. A Unix socket's address is its path.
///
/// `{{` and `}}` are braces. Braces that hold no lower-case word are left alone, and so are the
/// ones that close them: JSON passes untouched.
package struct Placeholders: Sendable {
    /// The variables that have nothing to do with addresses.
    static let variablesOfAll = [
        "CHAOS_NODE", "CHAOS_INDEX", "CHAOS_DIR", "CHAOS_HERE", "CHAOS_SEED",
    ]

    let plan: AddressPlan
    let viewer: NodeName
    let directory: String
    let here: String
    let seed: Seed

    /// Makes the placeholders of a node, or of `client`, which sees nodes but listens nowhere.
    ///
    /// - Parameters:
    ///   - directory: The node's own directory, absolute.
    ///   - here: The folder of the scenario's file, absolute.
    package init(
        viewer: NodeName, plan: AddressPlan, directory: String, here: String, seed: Seed
    ) {
        self.viewer = viewer
        self.plan = plan
        self.directory = directory
        self.here = here
        self.seed = seed
    }

    /// The words of a command, expanded. A placeholder never makes more words than one.
    ///
    /// - Throws: `InputError` for an open quote, or as `expand(_:)`.
    package func words(of command: CommandLine) throws(InputError) -> [String] {
        let words: [String]
        switch command {
        case .text(let text): words = try CommandWords.split(text)
        case .words(let given): words = given
        }
        var expanded: [String] = []
        for word in words { expanded.append(try self.expand(word)) }
        return expanded
    }

    /// A text with its placeholders replaced.
    ///
    /// - Throws: `InputError` for a placeholder, node, port or format that does not exist.
    package func expand(_ text: String) throws(InputError) -> String {
        var output = ""
        var rest = text[...]
        var openBraces = 0
        while let character = rest.popFirst() {
            switch character {
            case "{" where rest.first == "{":
                rest.removeFirst()
                output.append("{")
            case "{":
                if !output.hasSuffix("$"), let placeholder = Self.takePlaceholder(from: &rest) {
                    output += try self.value(of: placeholder)
                } else {
                    openBraces += 1
                    output.append("{")
                }
            case "}" where openBraces > 0:
                openBraces -= 1
                output.append("}")
            case "}":
                if rest.first == "}" { rest.removeFirst() }
                output.append("}")
            default: output.append(character)
            }
        }
        return output
    }

    /// The variables that tell the same as the placeholders: `CHAOS_NODE`, `CHAOS_PEERS`, ….
    ///
    /// Names of ports and nodes stand in capitals, everything but letters and digits as `_`.
    package var environment: OrderedDictionary<String, String> {
        var result: OrderedDictionary<String, String> = [:]
        result["CHAOS_NODE"] = self.viewer.text
        result["CHAOS_INDEX"] = String(self.plan.number(of: self.viewer))
        result["CHAOS_DIR"] = self.directory
        result["CHAOS_HERE"] = self.here
        result["CHAOS_SEED"] = String(self.seed.value)
        let ports = self.plan.ports(of: self.viewer)
        if !ports.isEmpty { result["CHAOS_HOST"] = self.plan.host(of: self.viewer) }
        for (offset, port) in ports.enumerated() {
            let suffix = "_" + Self.variable(port.name.text)
            let listen = self.plan.listen(self.viewer, port.name).map(Self.text)
            let seen = self.plan.advertised(self.viewer, port.name, to: self.viewer)
            if offset == 0 { result["CHAOS_LISTEN"] = listen }
            if offset == 0 { result["CHAOS_ADVERTISE"] = seen.map(Self.text) }
            result["CHAOS_LISTEN" + suffix] = listen
            result["CHAOS_ADVERTISE" + suffix] = seen.map(Self.text)
            result["CHAOS_PORT" + suffix] = self.plan.listen(self.viewer, port.name).flatMap(
                Self.number)
        }
        result["CHAOS_PEERS"] = self.peers(nil).map(\.address).joined(separator: ",")
        for port in self.portNames {
            result["CHAOS_PEERS_" + Self.variable(port.text)] =
                self.peers(port).map(\.address).joined(separator: ",")
        }
        for node in self.plan.nodes where node != self.viewer {
            for port in self.plan.ports(of: node) {
                let name = "\(Self.variable(node.text))_\(Self.variable(port.name.text))"
                result["CHAOS_PEER_" + name] = self.plan.endpoint(
                    of: node, port.name, seenBy: self.viewer
                ).map(Self.text)
            }
        }
        return result
    }

    private static func variable(_ name: String) -> String {
        String(name.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    }
}
