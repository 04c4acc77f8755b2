/// Escapes bytes of URLs (RFC 3986, section 2.1).
package enum PercentEncoding {
    /// A text in which every byte is escaped but ASCII letters, digits and the marks that are kept.
    package static func encode(_ text: String, keeping marks: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            let letter = Character(Unicode.Scalar(byte))
            if byte < 0x80, letter.isLetter || letter.isNumber || marks.contains(letter) {
                encoded.append(letter)
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return encoded
    }
}
