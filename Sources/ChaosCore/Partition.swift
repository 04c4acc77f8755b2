/// Which nodes are cut from which: a shape that becomes a set of cut pairs for a given cluster.
package enum Partition: Hashable, Sendable {
    /// Nodes in no common group are cut; nodes in no group keep all links. `rest` among the members
    /// stands for the nodes that no group names.
    case groups([[NodePattern]])
    /// What the sources send to the targets is cut, and nothing else.
    case oneWay(from: [NodePattern], to: [NodePattern])
    /// Each of these nodes is cut from all other nodes.
    case isolate([NodePattern])
    /// The first half of the nodes against the second, which has the odd one.
    case halves
    /// As `halves`, after shuffling.
    case randomHalves
    /// A random minority against the others.
    case majority
    /// Every node sees a majority, no two nodes the same one (Jepsen).
    case majoritiesRing
    /// Two random halves that only one node connects.
    case bridge
    /// One random node is cut from all others.
    case isolateRandom
}

/// What a cut does to connections and messages.
package enum PartitionMode: String, CaseIterable, Sendable {
    /// Messages across the cut vanish, connections live; needs a framing.
    case lose
    /// Silence: established connections stall and connects time out; after heal the bytes arrive.
    case drop
    /// Established connections are reset and connects refused.
    case reject
    /// ICMP unreachable; only the lab can do it.
    case unreachable
    /// Bytes stall and connects still succeed; after release everything arrives at once.
    case hold
    /// Established connections live, new ones get no answer.
    case newOnly = "new-only"
    /// Established connections are reset once, new ones are allowed.
    case establishedOnly = "established-only"
}

/// An ordered pair of nodes: what the first sends the second.
package struct DirectedPair: Hashable, Comparable, Sendable {
    /// The node that sends.
    package let source: NodeName
    /// The node that receives.
    package let target: NodeName

    /// Makes a pair.
    package init(_ source: NodeName, _ target: NodeName) {
        self.source = source
        self.target = target
    }

    package static func < (left: DirectedPair, right: DirectedPair) -> Bool {
        left.source == right.source ? left.target < right.target : left.source < right.source
    }
}

extension Partition: CustomStringConvertible {
    /// The words for shapes without members.
    package static let shapes: [(word: String, partition: Partition)] = [
        ("halves", .halves), ("random-halves", .randomHalves), ("majority", .majority),
        ("majorities-ring", .majoritiesRing), ("bridge", .bridge), ("isolate", .isolateRandom),
    ]

    /// Reads `n1 / n2 n3`, `n1,n2 -> n3`, `127.0.1.0/24 / 127.0.2.0/24`, `isolate n2`, `isolate any` or a shape's
    /// word.
    ///
    /// - Throws: `InputError` when a group is empty or stands alone.
    package init(parsing text: String) throws(InputError) {
        let trimmed = text.trimmingSpaces
        if let shape = Self.shapes.first(where: { $0.word == trimmed }) {
            self = shape.partition
        } else if trimmed.hasPrefix("isolate ") {
            let members = try Self.members(trimmed.dropFirst(8))
            self = members.map(\.text) == ["any"] ? .isolateRandom : .isolate(members)
        } else if let arrow = trimmed.indices.first(where: { trimmed[$0...].hasPrefix("->") }) {
            if trimmed[..<arrow].hasSuffix("<") {
                throw InputError(
                    "a partition both ways is written with '/'", found: text,
                    hint: "write '\(trimmed[..<arrow].dropLast().trimmingSpaces) / "
                        + "\(trimmed[arrow...].dropFirst(2).trimmingSpaces)'")
            }
            self = .oneWay(
                from: try Self.members(trimmed[..<arrow]),
                to: try Self.members(trimmed[arrow...].dropFirst(2)))
        } else {
            var groups: [[NodePattern]] = []
            for group in Self.groups(of: trimmed) { groups.append(try Self.members(group)) }
            try self.init(groups: groups, written: text)
        }
    }

    /// Makes a partition into groups.
    ///
    /// - Throws: `InputError` when there is only one group.
    package init(groups: [[NodePattern]], written text: String) throws(InputError) {
        if groups.count < 2 {
            let words = Self.shapes.map(\.word)
            let nearest = Suggestion.nearest(to: text.trimmingSpaces, among: words)
            throw InputError(
                "a partition has at least two groups, as in 'n1 / n2 n3'", found: text,
                hint: nearest.map { "did you mean '\($0)'?" }
                    ?? "write 'isolate \(text)' to cut nodes off")
        }
        self = .groups(groups)
    }

    /// What the slashes of a partition part; one between an address and a digit belongs to a block of
    /// addresses.
    package static func groups(of text: String) -> [Substring] {
        var groups: [Substring] = []
        var start = text.startIndex
        var word = text.startIndex
        for index in text.indices {
            switch text[index] {
            case " ", ",", "\t": word = text.index(after: index)
            case "/":
                let next = text.index(after: index)
                let isOfBlock =
                    next < text.endIndex && text[next].isNumber
                    && CIDRBlock.looksLikeAddress(text[word..<index])
                if isOfBlock { continue }
                groups.append(text[start..<index])
                start = next
                word = next
            default: break
            }
        }
        return groups + [text[start...]]
    }

    private static func members(_ text: Substring) throws(InputError) -> [NodePattern] {
        var members: [NodePattern] = []
        for word in text.split(whereSeparator: { $0 == " " || $0 == "," || $0 == "\t" }) {
            members.append(try NodePattern(parsing: String(word)))
        }
        if members.isEmpty {
            throw InputError("a group of a partition has at least one node", found: String(text))
        }
        return members
    }

    /// The nodes that the partition names word for word.
    package var namedNodes: [NodeName] {
        self.patterns.flatMap(\.exactNames).filter { $0 != "rest" }
    }

    /// Everybody whom the partition names, in whatever way.
    package var patterns: [NodePattern] {
        switch self {
        case .groups(let groups): groups.flatMap { $0 }
        case .oneWay(let from, let to): from + to
        case .isolate(let members): members
        default: []
        }
    }

    /// The same partition, whose blocks of addresses are the nodes that this book has in them.
    package func resolved(in book: AddressBook) -> Partition {
        func resolve(_ members: [NodePattern]) -> [NodePattern] {
            members.map { $0.resolved(in: book) }
        }
        return switch self {
        case .groups(let groups): .groups(groups.map(resolve))
        case .oneWay(let from, let to): .oneWay(from: resolve(from), to: resolve(to))
        case .isolate(let members): .isolate(resolve(members))
        default: self
        }
    }

    /// The partition in its written form.
    package var description: String {
        func list(_ members: [NodePattern]) -> String {
            members.map(\.text).joined(separator: " ")
        }
        switch self {
        case .groups(let groups): return groups.map(list).joined(separator: " / ")
        case .oneWay(let from, let to): return "\(list(from)) -> \(list(to))"
        case .isolate(let members): return "isolate \(list(members))"
        default: return Self.shapes.first { $0.partition == self }?.word ?? ""
        }
    }
}
