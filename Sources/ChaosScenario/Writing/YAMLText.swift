import ChaosCore

/// A YAML document to be written: the counterpart of ``YAMLNode``.
enum YAMLText {
    case scalar(String)
    case mapping([Member], isOneLine: Bool)
    /// On one line.
    case list([YAMLText])
    /// One line for each element.
    case lines([YAMLText])

    /// A key and its value.
    struct Member {
        let key: String
        let value: YAMLText
    }

    /// A mapping on one line.
    static func flow(_ members: [(key: String, value: YAMLText)]) -> YAMLText {
        .mapping(members.map { Member(key: $0.key, value: $0.value) }, isOneLine: true)
    }

    /// A mapping with one line for each key.
    static func block(_ members: [(key: String, value: YAMLText)]) -> YAMLText {
        .mapping(members.map { Member(key: $0.key, value: $0.value) }, isOneLine: false)
    }

    /// The document, with a newline at its end.
    var document: String {
        var output = ""
        self.write(indentation: "", to: &output)
        return output
    }

    private func write(indentation: String, to output: inout String) {
        switch self {
        case .mapping(let members, isOneLine: false):
            for member in members {
                output += indentation + Self.quoted(member.key) + ":"
                member.value.writeValue(indentation: indentation, to: &output)
            }
        case .lines(let elements):
            for element in elements { output += indentation + "- " + element.inline + "\n" }
        case .scalar, .mapping, .list: output += indentation + self.inline + "\n"
        }
    }

    private func writeValue(indentation: String, to output: inout String) {
        switch self {
        case .mapping(let members, isOneLine: false) where !members.isEmpty:
            output += "\n"
            self.write(indentation: indentation + "  ", to: &output)
        case .lines(let elements) where !elements.isEmpty:
            output += "\n"
            self.write(indentation: indentation + "  ", to: &output)
        default: output += " " + self.inline + "\n"
        }
    }

    /// The piece in flow style.
    private var inline: String {
        switch self {
        case .scalar(let text): return Self.quoted(text)
        case .mapping(let members, _):
            let members = members.map { "\(Self.quoted($0.key)): \($0.value.inline)" }
            return members.isEmpty ? "{}" : "{ \(members.joined(separator: ", ")) }"
        case .list(let elements), .lines(let elements):
            return "[\(elements.map(\.inline).joined(separator: ", "))]"
        }
    }

    /// A text with quotes where it needs them.
    static func quoted(_ text: String) -> String {
        if Self.isPlain(text) { return text }
        let isPrintable = text.unicodeScalars.allSatisfy(Self.isPrintable)
        if isPrintable {
            return "'"
                + text.split(separator: "'", omittingEmptySubsequences: false)
                .joined(separator: "''") + "'"
        }
        var output = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": output += "\\\""
            case "\\": output += "\\\\"
            case "\n": output += "\\n"
            case "\t": output += "\\t"
            case "\r": output += "\\r"
            case _ where Self.isPrintable(scalar): output.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16)
                output += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
            }
        }
        return output + "\""
    }

    /// Whether a text means itself without quotes, in block and flow style.
    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, text.last != " " else { return false }
        return (Self.isLetterOrDigit(first) || first == "/" || first == ".")
            && text.unicodeScalars.allSatisfy {
                Self.isLetterOrDigit($0) || "_-./%<>+=@ ±".unicodeScalars.contains($0)
            }
    }

    private static func isLetterOrDigit(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "0"..."9", "A"..."Z", "a"..."z": true
        default: false
        }
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20...0x7e, 0xa1...0x1fff, 0x2070...0xd7ff, 0xe000...0xfefe, 0xff00...0xfffd,
            0x1_0000...0x10_ffff:
            true
        default: false
        }
    }
}
