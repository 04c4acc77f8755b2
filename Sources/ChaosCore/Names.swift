/// The name of a node: one supervised process and its children.
package struct NodeName: Hashable, Comparable, Sendable, CustomStringConvertible,
    ExpressibleByStringLiteral
{
    /// The name as written.
    package let text: String

    /// The pseudo-node that stands for everything outside the cluster.
    package static let client: NodeName = "client"

    /// The services that Maelstrom gives its nodes; `chaos` plays them itself.
    package static let services: [NodeName] = ["lin-kv", "seq-kv", "lww-kv", "lin-tso"]

    /// Whether this names one of ``services``. Like `client` they must be named: no wildcard and no
    /// shape of a partition means them.
    package var isService: Bool { Self.services.contains(self) }

    /// Makes a name without checking it; see ``init(parsing:)``.
    package init(_ text: String) { self.text = text }
    package init(stringLiteral value: String) { self.text = value }

    /// Reads a name of 1 to 63 letters, digits, `_`, `-` or `.`, as host names and files allow.
    package init(parsing text: String) throws(InputError) {
        try NameRule.check(text, of: "a node's name")
        self.text = text
    }

    package var description: String { self.text }

    /// Orders names as people count: `n2` before `n10`.
    package static func < (left: NodeName, right: NodeName) -> Bool {
        NameRule.natural(left.text, right.text)
    }
}

/// The name of a node's port, such as `client` or `peer`.
package struct PortName: Hashable, Comparable, Sendable, CustomStringConvertible,
    ExpressibleByStringLiteral
{
    /// The name as written.
    package let text: String

    /// Makes a name without checking it; see ``init(parsing:)``.
    package init(_ text: String) { self.text = text }
    package init(stringLiteral value: String) { self.text = value }

    /// Reads a name of 1 to 63 letters, digits, `_`, `-` or `.`.
    package init(parsing text: String) throws(InputError) {
        try NameRule.check(text, of: "a port's name")
        self.text = text
    }

    package var description: String { self.text }

    package static func < (left: PortName, right: PortName) -> Bool {
        NameRule.natural(left.text, right.text)
    }
}

/// What names may look like, and how they are ordered.
private enum NameRule {
    static func check(_ text: String, of what: String) throws(InputError) {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"),
                UInt8(ascii: "."):
                true
            default: false
            }
        }
        let rule = "\(what) is 1 to 63 letters, digits, '_', '-' or '.', and no '..'"
        guard isPlain, !text.isEmpty, text.utf8.count <= 63, text.first != ".", text.first != "-",
            !text.contains("..")
        else { throw InputError(rule, found: text) }
    }

    /// Splits off trailing digits, so that names that differ in their number sort by it.
    static func natural(_ left: String, _ right: String) -> Bool {
        func parts(_ text: String) -> (String, Int) {
            let digits = text.reversed().prefix { $0.isASCII && $0.isNumber }.count
            return (String(text.dropLast(digits)), Int(text.suffix(digits)) ?? -1)
        }
        let (leftStem, leftNumber) = parts(left)
        let (rightStem, rightNumber) = parts(right)
        if leftStem != rightStem { return leftStem < rightStem }
        if leftNumber != rightNumber { return leftNumber < rightNumber }
        return left < right
    }
}
