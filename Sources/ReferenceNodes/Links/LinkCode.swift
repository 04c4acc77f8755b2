import Crypto

/// How a link shortener finds the code of a URL: a hash's last 32 bits in URL-safe base64, six characters.
///
/// 32 bits are few: among 77 000 URLs two have the same code with a chance of one half (the birthday problem). Who hands codes out
/// must look whether one is taken.
package enum LinkCode: Sendable {
    /// MD5, as the course's first shortener (Margarine).
    case md5
    /// SHA-256, as its second one.
    case sha256

    /// The code of a URL.
    ///
    /// - Parameter salt: How many other codes of this URL were taken; each salt gives another code.
    package func code(of url: String, salt: Int = 0) -> String {
        let text = Array((salt == 0 ? url : "\(url)#\(salt)").utf8)
        let digest: [UInt8]
        switch self {
        case .md5: digest = Array(Insecure.MD5.hash(data: text))
        case .sha256: digest = Array(SHA256.hash(data: text))
        }
        // Six characters have 36 bits, the last four of them 0.
        let number = digest.suffix(4).reduce(UInt64(0)) { $0 << 8 | UInt64($1) } << 4
        return String(
            stride(from: 30, through: 0, by: -6).map { Self.alphabet[Int(number >> $0 & 63)] })
    }

    /// RFC 4648, section 5.
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")

    /// Whether a code that a client wishes for may be one.
    static func isAllowed(_ code: String) -> Bool {
        (1...64).contains(code.utf8.count) && code.allSatisfy { Self.alphabet.contains($0) }
    }
}
