// How Go writes JSON (encoding/json): compact, with `<`, `>` and `&` escaped, numbers in the shortest
// form without a needless fraction.

/// Writes values the way Go's encoder does.
enum GoText {
    /// A text with its quotes.
    static func quoted(_ text: String) -> String {
        var output = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": output += "\\\""
            case "\\": output += "\\\\"
            case "\n": output += "\\n"
            case "\r": output += "\\r"
            case "\t": output += "\\t"
            case "\u{08}": output += "\\b"
            case "\u{0C}": output += "\\f"
            case "<", ">", "&", "\u{2028}", "\u{2029}",
                _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output + "\""
    }

    /// A number of 32 bits.
    static func number(_ number: Float) -> String {
        self.layOut(number.magnitude.description, isNegative: number.sign == .minus)
    }

    /// A number of 64 bits.
    package static func number(_ number: Double) -> String {
        self.layOut(number.magnitude.description, isNegative: number.sign == .minus)
    }

    /// Lays out the shortest digits that Swift found: plain from 1e-6 up to 1e21, otherwise with an
    /// exponent.
    private static func layOut(_ description: String, isNegative: Bool) -> String {
        let parts = description.split(separator: "e")
        let mantissa = parts[0].split(separator: ".")
        let fraction = mantissa.count > 1 && mantissa[1] != "0" ? String(mantissa[1]) : ""
        var digits = String(mantissa[0]) + fraction
        // The number is 0.DIGITS times ten to the point.
        var point = mantissa[0].count + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
        while digits.hasPrefix("0"), digits.count > 1 {
            digits.removeFirst()
            point -= 1
        }
        while digits.hasSuffix("0"), digits.count > 1 { digits.removeLast() }
        let sign = isNegative ? "-" : ""
        if digits == "0" { return sign + "0" }
        if point > -6 && point <= 21 {
            if point <= 0 {
                return sign + "0." + String(repeating: "0", count: -point) + digits
            }
            if point >= digits.count {
                return sign + digits + String(repeating: "0", count: point - digits.count)
            }
            return sign + digits.prefix(point) + "." + digits.dropFirst(point)
        }
        let exponent = point - 1
        let rest = digits.count > 1 ? "." + digits.dropFirst() : ""
        return sign + digits.prefix(1) + rest + "e" + (exponent < 0 ? "-" : "+")
            + String(exponent.magnitude)
    }
}
