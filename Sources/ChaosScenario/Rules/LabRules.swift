import ChaosCore

/// What a scenario must be to run in the lab, where nodes talk to each other by packets and the proxy
/// carries only what clients send, and intercepted ports.
struct LabRules {
    private let rules: ScenarioRules

    init(_ rules: ScenarioRules) { self.rules = rules }

    private var scenario: Scenario { self.rules.scenario }

    func problems() -> [ScenarioRules.Problem] {
        var found: [ScenarioRules.Problem] = []
        func add(_ path: String, _ rule: String, found value: String? = nil, hint: String? = nil) {
            found.append(
                ScenarioRules.Problem(
                    path: path, error: InputError(rule, found: value, hint: hint)))
        }
        if self.scenario.nodes.isEmpty {
            add("", "the lab needs nodes that chaos starts", hint: "write 'backend: proxy'")
        }
        if self.scenario.nodes.count > 254 {
            add("nodes", "the lab has room for 254 nodes", found: "\(self.scenario.nodes.count)")
        }
        if [.loopback, .ports].contains(self.scenario.addressing) {
            add(
                "addressing", "in the lab every node has an address of its own",
                found: self.scenario.addressing.rawValue,
                hint: "leave 'addressing' out, or write 'addressing: ipv6'")
        }
        for link in self.scenario.externalLinks {
            add(
                "links.\(link.name)", "the lab cannot reach servers outside of it yet",
                found: link.upstream.description, hint: "write 'backend: proxy'")
        }
        for service in self.scenario.exposedServices {
            if self.scenario.nodes.contains(where: { $0.name == service.name }) {
                add(
                    "expose.\(service.name)", "an exposed service has a name of its own",
                    found: service.name.text)
            }
            switch service.target {
            case .unix(let path):
                add("expose.\(service.name)", "an exposed service is HOST:PORT", found: path)
            case .tcp(let host, _) where !Self.isNumeric(host) && host != "localhost":
                add(
                    "expose.\(service.name)",
                    "an exposed service has a numeric address, because nobody looks names up there",
                    found: host)
            case .tcp: break
            }
        }
        for node in self.scenario.nodes {
            if node.speech == .maelstrom {
                add(
                    "nodes.\(node.name)",
                    "nodes that speak Maelstrom's protocol have no network of their own to be in a lab",
                    hint: "write 'backend: proxy'")
            }
            for port in node.ports where port.transport == .unix {
                add(
                    "nodes.\(node.name)", "a Unix socket is on no link of the lab",
                    found: port.name.text, hint: "write 'backend: proxy'")
            }
        }
        return found
    }

    /// Whether an address has no name in it: digits and dots, or digits of base 16 and colons.
    private static func isNumeric(_ host: String) -> Bool {
        let isIPv6 = host.contains(":")
        return host.allSatisfy { character in
            character == (isIPv6 ? ":" : ".") || character.isASCII && character.isNumber
                || isIPv6 && (character.isHexDigit || character == ".")
        }
    }
}
