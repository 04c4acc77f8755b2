/// The addresses that begin with the same bits: `127.0.1.0/24`, `fd00:77::/64` (RFC 4632, RFC 4291).
///
/// IPv4 and IPv6 are worlds apart: no block of the one holds an address of the other, `::/0` and
/// `::ffff:0:0/96` included.
package struct CIDRBlock: Hashable, Sendable, CustomStringConvertible {
    /// The first address of the block.
    package let first: IPAddress
    /// How many bits all its addresses share: 0 to 32, or 0 to 128.
    package let prefixLength: Int

    /// Reads a block. One of IPv6 may stand in brackets, as it must at the end of a link.
    package init(parsing text: String) throws(InputError) {
        let rule = "a block of addresses is written like '127.0.1.0/24' or 'fd00:77::/64'"
        let bare =
            text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
        let parts = bare.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(String(parts[0])) else {
            let isAddress = parts.count == 1 && IPAddress(bare) != nil
            throw InputError(
                rule, found: text,
                hint: isAddress ? "write '\(bare)/\(bare.contains(":") ? 128 : 32)'" : nil)
        }
        let digits = parts[1]
        let isNumeral =
            (1...3).contains(digits.utf8.count)
            && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
            && (digits.first != "0" || digits.utf8.count == 1)
        guard isNumeral, let length = Int(digits), length <= address.bitCount else {
            throw InputError(
                "a block of \(address.isIPv4 ? "IPv4" : "IPv6") addresses shares 0 to \(address.bitCount) bits",
                found: text, hint: "write '\(parts[0])/\(address.bitCount)' for one address")
        }
        let first = Self.masked(address, to: length)
        guard first == address else {
            throw InputError(
                "a block begins with its first address", found: text,
                hint:
                    "write '\(first)/\(length)', or '\(address)/\(address.bitCount)' for one address"
            )
        }
        self.first = first
        self.prefixLength = length
    }

    /// Whether a text is meant to be a block, however wrong: an address's letters and a `/`.
    package static func isMeant(by text: some StringProtocol) -> Bool {
        guard let slash = text.firstIndex(of: "/") else { return false }
        return Self.looksLikeAddress(text[..<slash])
    }

    /// Whether a word is meant to be an address: it has colons, or nothing but digits and dots.
    static func looksLikeAddress(_ word: some StringProtocol) -> Bool {
        if word.contains(":") { return true }
        return word.contains(".")
            && word.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2e }
    }

    /// Whether an address is in the block.
    package func contains(_ address: IPAddress) -> Bool {
        address.isIPv4 == self.first.isIPv4
            && Self.masked(address, to: self.prefixLength) == self.first
    }

    /// The address with all bits behind a prefix taken away.
    private static func masked(_ address: IPAddress, to length: Int) -> IPAddress {
        IPAddress(
            bytes: address.bytes.enumerated().map { index, byte in
                let kept = min(8, max(0, length - index * 8))
                return byte & UInt8(truncatingIfNeeded: 0xff00 >> kept)
            })
    }

    package var description: String { "\(self.first)/\(self.prefixLength)" }
}

/// Which addresses each node has, where they are known: what blocks select nodes by.
package struct AddressBook: Hashable, Sendable {
    /// A node's addresses; none of a node whose addresses differ from run to run.
    package var addresses: [NodeName: [IPAddress]]

    /// Makes a book.
    package init(_ addresses: [NodeName: [IPAddress]] = [:]) { self.addresses = addresses }

    /// The nodes that have an address in a block, in order.
    package func nodes(in block: CIDRBlock) -> [NodeName] {
        self.addresses.filter { $0.value.contains(where: block.contains) }.keys.sorted()
    }
}
