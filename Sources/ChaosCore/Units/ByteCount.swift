/// A number of bytes.
package struct ByteCount: Hashable, Comparable, Sendable {
    /// The number of bytes, 0 or more.
    package let bytes: Int

    /// Makes a count; negative numbers become 0.
    package init(_ bytes: Int) { self.bytes = max(0, bytes) }

    package static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }

    private static let bytesPerUnit: [(name: String, factor: Int64)] = [
        ("B", 1), ("kB", 1000), ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000),
        ("KiB", 1024), ("MiB", 1024 * 1024), ("GiB", 1024 * 1024 * 1024),
    ]

    /// Reads a size such as `100B`, `64KiB` or `16MiB`.
    ///
    /// - Throws: `InputError` when the unit is missing or unknown.
    package init(parsing text: String) throws(InputError) {
        let rule = "a size is a number with a unit (B kB MB GB KiB MiB GiB)"
        guard let number = NumberWithUnit(text) else {
            throw InputError(rule, found: text, hint: "for example '64KiB'")
        }
        guard let unit = Self.bytesPerUnit.first(where: { $0.name == number.unit }) else {
            let hint =
                number.unit.isEmpty ? "write '\(text)B' or '\(text)KiB'" : "for example '64KiB'"
            throw InputError(rule, found: text, hint: hint)
        }
        guard let bytes = number.times(unit.factor), bytes <= 1 << 50 else {
            throw InputError("a size is at most 1 PiB", found: text)
        }
        self.init(Int(bytes))
    }

    /// The count in the largest unit that divides it: `64KiB`, `1448B`.
    package var text: String {
        for (name, factor) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
        where self.bytes >= factor && self.bytes % factor == 0 {
            return "\(self.bytes / factor)\(name)"
        }
        // Numbers of more digits are not read.
        if self.bytes >= 1_000_000_000 {
            return Decimals.text(Int64(self.bytes), per: 1_000_000_000) + "GB"
        }
        return "\(self.bytes)B"
    }

    /// The count rounded for people: `1.4 MB`.
    package var roundedText: String {
        for (name, factor) in [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000)]
        where self.bytes >= factor {
            return Decimals.text(Int64(self.bytes / (factor / 10)), per: 10) + " " + name
        }
        return "\(self.bytes) B"
    }
}
