/// One directed link between two nodes, per port.
///
/// `n1->n2:peer` carries what n1 sends to n2 on connections to a port named `peer`. The port is
/// always the listening end's, whichever way the bytes flow.
package struct Link: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The node that sends.
    package let source: NodeName
    /// The node that receives.
    package let target: NodeName
    /// The port of the listening end.
    package let port: PortName

    /// Makes a link.
    package init(_ source: NodeName, _ target: NodeName, _ port: PortName) {
        self.source = source
        self.target = target
        self.port = port
    }

    /// Whether both ends are one node: what a node sends to itself is on no network, and no pattern or
    /// partition concerns it.
    package var isLoop: Bool { self.source == self.target }

    /// The link that carries what comes back.
    package var reversed: Link { Link(self.target, self.source, self.port) }

    /// `n1->n2:peer`.
    package var description: String { "\(self.source)->\(self.target):\(self.port)" }

    package static func < (left: Link, right: Link) -> Bool {
        if left.source != right.source { return left.source < right.source }
        if left.target != right.target { return left.target < right.target }
        return left.port < right.port
    }
}

/// Selects nodes: a name, a range `n1..n3`, a glob such as `eu-*`, a block of addresses such as `127.0.1.0/24`,
/// or several joined by commas.
package struct NodePattern: Hashable, Sendable, CustomStringConvertible {
    /// The pattern as written.
    package let text: String
    /// Names, with or without wildcards.
    private let alternatives: [String]
    /// The blocks of addresses among it.
    package let blocks: [CIDRBlock]
    /// Who is in the blocks, once somebody who knows the nodes' addresses has said so.
    private let members: Set<NodeName>

    /// Every node of the cluster, but neither `client` nor a service.
    package static let all = NodePattern(unchecked: "*")

    private init(unchecked text: String) {
        self.init(text, [text])
    }

    private init(
        _ text: String, _ alternatives: [String], _ blocks: [CIDRBlock] = [],
        _ members: Set<NodeName> = []
    ) {
        self.text = text
        self.alternatives = alternatives
        self.blocks = blocks
        self.members = members
    }

    /// A pattern for exactly one node.
    package init(_ name: NodeName) { self.init(unchecked: name.text) }

    /// Reads a pattern.
    package init(parsing text: String) throws(InputError) {
        var alternatives: [String] = []
        var blocks: [CIDRBlock] = []
        let rule = "nodes are named like 'n1', 'n1..n3', 'eu-*' or 'n1,n2'"
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let part = part.trimmingSpaces
            if CIDRBlock.isMeant(by: part) {
                blocks.append(try CIDRBlock(parsing: String(part)))
                continue
            }
            if let names = try NodeRange.expand(String(part)) {
                alternatives += names.map(\.text)
                continue
            }
            let letters = part.filter { $0 != "*" && $0 != "?" }
            if part.isEmpty { throw InputError(rule, found: text) }
            if !letters.isEmpty {
                do { _ = try NodeName(parsing: "a" + letters) } catch {
                    throw InputError(rule, found: text)
                }
            }
            alternatives.append(String(part))
        }
        self.init(text, alternatives, blocks)
    }

    /// The same pattern, whose blocks select the nodes that this book has in them. Before, a block
    /// selects nobody.
    package func resolved(in book: AddressBook) -> NodePattern {
        if self.blocks.isEmpty { return self }
        return NodePattern(
            self.text, self.alternatives, self.blocks,
            Set(self.blocks.flatMap { book.nodes(in: $0) }))
    }

    /// Whether the pattern names one node or several word for word, without wildcards or addresses.
    package var isExact: Bool {
        self.blocks.isEmpty && !self.alternatives.contains { $0.contains("*") || $0.contains("?") }
    }

    /// Whether a node is selected. `client` and services must be named: no wildcard selects them.
    package func matches(_ node: NodeName) -> Bool {
        if self.members.contains(node) { return true }
        let mustBeNamed = node == .client || node.isService
        return self.alternatives.contains { pattern in
            if pattern == node.text { return true }
            return !mustBeNamed && Glob.matches(pattern, node.text)
        }
    }

    /// The names written without wildcards, for checking that they exist.
    package var exactNames: [NodeName] {
        self.alternatives.filter { !$0.contains("*") && !$0.contains("?") }.map { NodeName($0) }
    }

    package var description: String { self.text }
}

/// Expands ranges of names such as `n1..n3`.
package enum NodeRange {
    /// The names of a range in order, or `nil` if the text is no range.
    ///
    /// `n01..n12` keeps its zeros.
    ///
    /// - Throws: `InputError` when both ends do not share a stem, or the range is empty or has more
    ///   than 254 names.
    package static func expand(_ text: String) throws(InputError) -> [NodeName]? {
        guard let dots = text.indices.first(where: { text[$0...].hasPrefix("..") }) else {
            return nil
        }
        let first = String(text[..<dots])
        let last = String(text[dots...].dropFirst(2))
        let rule = "a range of nodes is written like 'n1..n3'"
        func split(_ name: String) -> (stem: String, digits: String, number: Int)? {
            let count = name.reversed().prefix { $0.isASCII && $0.isNumber }.count
            let digits = String(name.suffix(count))
            guard count > 0, let number = Int(digits) else { return nil }
            return (String(name.dropLast(count)), digits, number)
        }
        guard let from = split(first), let to = split(last), from.stem == to.stem,
            from.number <= to.number, to.number - from.number < 254
        else { throw InputError(rule, found: text) }
        // n01..n12 keeps its zeros, as long as both ends have them.
        let isPadded = from.digits.first == "0" && from.digits.count > 1
        let isOtherPadded = to.digits.first == "0" && to.digits.count > 1
        if isPadded || isOtherPadded, from.digits.count != to.digits.count {
            throw InputError(rule, found: text)
        }
        var names: [NodeName] = []
        for number in from.number...to.number {
            let digits = String(number)
            let zeros = isPadded ? from.digits.count - digits.count : 0
            names.append(
                try NodeName(parsing: from.stem + String(repeating: "0", count: zeros) + digits))
        }
        return names
    }
}

/// Matches names against patterns with `*` (any letters) and `?` (one letter).
package enum Glob {
    /// Whether the whole text matches, in time linear in the product of both lengths.
    package static func matches(_ pattern: String, _ text: String) -> Bool {
        let pattern = Array(pattern.utf8)
        let text = Array(text.utf8)
        var (p, t) = (0, 0)
        var retry: (p: Int, t: Int)?
        while t < text.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                retry = (p, t)
                p += 1
            } else if p < pattern.count, pattern[p] == text[t] || pattern[p] == UInt8(ascii: "?") {
                p += 1
                t += 1
            } else if let last = retry {
                // Let the last star swallow one letter more.
                retry = (last.p, last.t + 1)
                (p, t) = (last.p + 1, last.t + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}

/// Selects directed links: `n1->n2`, `n1<->n2`, `eu-*->us-*`, `*->n3:peer`.
package struct LinkPattern: Hashable, Sendable, CustomStringConvertible {
    /// Selects the sending nodes.
    package let sources: NodePattern
    /// Selects the receiving nodes.
    package let targets: NodePattern
    /// Whether the links the other way are selected too.
    package let isBothWays: Bool
    /// The port of the listening end; `nil` selects all ports.
    package let port: PortName?

    /// Makes a pattern.
    package init(
        _ sources: NodePattern, _ targets: NodePattern, isBothWays: Bool = false,
        port: PortName? = nil
    ) {
        self.sources = sources
        self.targets = targets
        self.isBothWays = isBothWays
        self.port = port
    }

    /// All links between nodes.
    package static let betweenNodes = LinkPattern(.all, .all)

    /// Reads a pattern.
    package init(parsing text: String) throws(InputError) {
        let rule = "a link is written like 'n1->n2', 'n1<->n2' or '*->n3:peer'"
        guard let arrow = text.indices.first(where: { text[$0...].hasPrefix("->") }) else {
            throw InputError(rule, found: text)
        }
        var left = text[..<arrow].trimmingSpaces
        var right = text[arrow...].dropFirst(2).trimmingSpaces
        self.isBothWays = left.hasSuffix("<")
        if self.isBothWays { left = left.dropLast().trimmingSpaces }
        // The colons of an IPv6 address stand in brackets, so that the port's is the one behind them.
        let bracket = right.lastIndex(of: "]")
        if bracket == nil, right.contains("/"), right.contains("::") {
            throw InputError(
                "a block of IPv6 addresses at the end of a link stands in brackets", found: text,
                hint: "for example '\(left)->[fd00:77::/64]'")
        }
        if let colon = right[(bracket ?? right.startIndex)...].firstIndex(of: ":") {
            self.port = try PortName(parsing: String(right[colon...].dropFirst()))
            right = right[..<colon]
        } else {
            self.port = nil
        }
        self.sources = try Self.end(left, of: text, rule)
        self.targets = try Self.end(right, of: text, rule)
    }

    private static func end(
        _ end: Substring, of text: String, _ rule: String
    ) throws(InputError) -> NodePattern {
        do {
            return try NodePattern(parsing: String(end))
        } catch {
            // What is wrong with a block says more than how links are written.
            throw end.split(separator: ",").contains { CIDRBlock.isMeant(by: $0) }
                ? error : InputError(rule, found: text)
        }
    }

    /// The same pattern, whose blocks of addresses select the nodes that this book has in them.
    package func resolved(in book: AddressBook) -> LinkPattern {
        LinkPattern(
            self.sources.resolved(in: book), self.targets.resolved(in: book),
            isBothWays: self.isBothWays, port: self.port)
    }

    /// Whether a link is selected. A link from a node to itself does not exist.
    package func matches(_ link: Link) -> Bool {
        if link.isLoop { return false }
        if let port = self.port, port != link.port { return false }
        return self.matchesOneWay(link) || (self.isBothWays && self.matchesOneWay(link.reversed))
    }

    private func matchesOneWay(_ link: Link) -> Bool {
        self.sources.matches(link.source) && self.targets.matches(link.target)
    }

    /// How precisely links are named: exact names beat globs, a named port beats none.
    package var precision: Int {
        (self.sources.isExact && self.targets.isExact ? 2 : 0) + (self.port == nil ? 0 : 1)
    }

    /// The pattern in its written form.
    package var description: String {
        "\(self.sources)\(self.isBothWays ? "<->" : "->")\(self.targets)"
            + (self.port.map { ":\($0)" } ?? "")
    }
}
