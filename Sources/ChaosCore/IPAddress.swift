/// An IPv4 or IPv6 address, without a zone.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// Four or sixteen bytes, in network order.
    package let bytes: [UInt8]

    /// Makes an address of four or sixteen bytes.
    package init(bytes: [UInt8]) {
        precondition(bytes.count == 4 || bytes.count == 16, "an address has 4 or 16 bytes")
        self.bytes = bytes
    }

    /// Reads `127.0.0.1`, `::1` or `::ffff:127.0.0.1` (RFC 4291, section 2.2); `nil` of anything else,
    /// numbers with zeros in front included, which some readers take for octal.
    package init?(_ text: String) {
        let text = Array(text.utf8)
        let bytes = text.contains(UInt8(ascii: ":")) ? Self.groups(text) : Self.octets(text[...])
        guard let bytes else { return nil }
        self.bytes = bytes
    }

    /// Reads an address.
    package init(parsing text: String) throws(InputError) {
        guard let address = IPAddress(text) else {
            throw InputError(
                "an address is like '127.0.1.1' or 'fd00:77::1'", found: text,
                hint: text.contains("/") ? "an address stands alone, without '/'" : nil)
        }
        self = address
    }

    /// Whether it has four bytes.
    package var isIPv4: Bool { self.bytes.count == 4 }

    /// How many bits it has.
    package var bitCount: Int { self.bytes.count * 8 }

    /// The text, of IPv6 in the form of RFC 5952.
    package var description: String {
        if self.isIPv4 { return self.bytes.map { String($0) }.joined(separator: ".") }
        let groups = stride(from: 0, to: 16, by: 2).map {
            UInt16(self.bytes[$0]) << 8 | UInt16(self.bytes[$0 + 1])
        }
        let texts = groups.map { String($0, radix: 16) }
        guard let zeros = Self.longestZeros(groups) else { return texts.joined(separator: ":") }
        return texts[..<zeros.lowerBound].joined(separator: ":") + "::"
            + texts[zeros.upperBound...].joined(separator: ":")
    }

    /// The first of the longest runs of at least two groups that are zero.
    private static func longestZeros(_ groups: [UInt16]) -> Range<Int>? {
        var longest: Range<Int>?
        var start = 0
        for (index, group) in groups.enumerated() {
            if group != 0 {
                start = index + 1
            } else if index + 1 - start > max(1, longest?.count ?? 0) {
                longest = start..<(index + 1)
            }
        }
        return longest
    }

    /// Four decimal numbers.
    private static func octets(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        if parts.count != 4 { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            let isNumeral = part.allSatisfy { (0x30...0x39).contains($0) }
            guard isNumeral, part.count == 1 || part.first != UInt8(ascii: "0"),
                let byte = UInt8(String(decoding: part, as: UTF8.self))
            else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    /// Eight groups of digits of base 16, `::` in place of one or more that are zero.
    private static func groups(_ text: [UInt8]) -> [UInt8]? {
        let colon = UInt8(ascii: ":")
        let gap = text.indices.dropLast().first { text[$0] == colon && text[$0 + 1] == colon }
        guard let gap else {
            let bytes = Self.bytes(of: text[...], isEnd: true)
            return bytes?.count == 16 ? bytes : nil
        }
        guard let left = Self.bytes(of: text[..<gap], isEnd: false),
            let right = Self.bytes(of: text[(gap + 2)...], isEnd: true),
            left.count + right.count <= 14
        else { return nil }
        return left + [UInt8](repeating: 0, count: 16 - left.count - right.count) + right
    }

    /// Groups without `::`, of which the address's last two may be an IPv4 address.
    private static func bytes(of text: ArraySlice<UInt8>, isEnd: Bool) -> [UInt8]? {
        if text.isEmpty { return [] }
        let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        var bytes: [UInt8] = []
        for (index, part) in parts.enumerated() {
            if isEnd, index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                guard let octets = Self.octets(part) else { return nil }
                bytes += octets
                continue
            }
            guard (1...4).contains(part.count), part.first != UInt8(ascii: "+"),
                let group = UInt16(String(decoding: part, as: UTF8.self), radix: 16)
            else { return nil }
            bytes += [UInt8(group >> 8), UInt8(truncatingIfNeeded: group)]
        }
        return bytes
    }
}
