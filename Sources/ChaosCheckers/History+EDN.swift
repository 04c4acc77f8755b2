import ChaosCore

// EDN (github.com/edn-format/edn) is what Jepsen, Knossos and Elle read. One map a line, the keys
// in the order in which Jepsen prints them.

extension Operation {
    /// The event as an EDN map, as Jepsen's `history.edn` has it.
    package var edn: String {
        var members = [
            ":process \(self.process)", ":type :\(self.kind.rawValue)",
            ":f \(ednName(self.function))", ":value \(self.value.edn)",
            ":time \(self.time.nanoseconds)", ":index \(self.index)",
        ]
        if let node = self.node { members.append(":node \(JSONValue.string(node).edn)") }
        if self.isFinal { members.append(":final? true") }
        if let error = self.error { members.append(":error \(JSONValue.string(error).edn)") }
        return "{" + members.joined(separator: ", ") + "}"
    }
}

extension History {
    /// The history for Jepsen's tools, one event a line.
    package var edn: String { self.operations.map { $0.edn + "\n" }.joined() }
}

extension JSONValue {
    /// The value as EDN: arrays are vectors, objects are maps, names become keywords.
    package var edn: String {
        switch self {
        case .null: return "nil"
        case .bool, .int, .double: return self.text
        case .string(let text): return ednString(text)
        case .array(let elements): return "[" + elements.map(\.edn).joined(separator: " ") + "]"
        case .object(let object):
            let members = object.members.map { "\(ednName($0.key)) \($0.value.edn)" }
            return "{" + members.joined(separator: ", ") + "}"
        }
    }
}

/// A keyword where EDN's grammar for symbols allows it, otherwise a string.
private func ednName(_ name: String) -> String {
    let isKeyword =
        name.unicodeScalars.first.map { isLetter($0) } == true
        && name.unicodeScalars.allSatisfy {
            isLetter($0) || "0"..."9" ~= $0 || $0 == "-" || $0 == "_"
        }
    return isKeyword ? ":" + name : ednString(name)
}

private func isLetter(_ scalar: Unicode.Scalar) -> Bool {
    "a"..."z" ~= scalar || "A"..."Z" ~= scalar
}

private func ednString(_ text: String) -> String {
    var output = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": output += "\\\""
        case "\\": output += "\\\\"
        case "\n": output += "\\n"
        case "\r": output += "\\r"
        case "\t": output += "\\t"
        default: output.unicodeScalars.append(scalar)
        }
    }
    return output + "\""
}
