/// Text for XML and HTML.
enum Markup {
    /// The text with everything escaped that means something in markup, and characters that XML 1.0
    /// does not allow (section 2.2) replaced.
    static func escaped(_ text: String) -> String {
        var output = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": output += "&amp;"
            case "<": output += "&lt;"
            case ">": output += "&gt;"
            case "\"": output += "&quot;"
            case "'": output += "&#39;"
            case "\t", "\n", "\r": output.unicodeScalars.append(scalar)
            case _ where scalar.value < 0x20 || (0xFFFE...0xFFFF).contains(scalar.value):
                output += "\u{FFFD}"
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output
    }

    /// The text for an attribute: line feeds survive (XML 1.0, section 3.3.3).
    static func attribute(_ text: String) -> String {
        Self.escaped(text).split(separator: "\n", omittingEmptySubsequences: false)
            .joined(separator: "&#10;")
    }
}
