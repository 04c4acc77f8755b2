/// A speed in bits per second.
package struct Bandwidth: Hashable, Sendable {
    /// Bits per second, at least 8.
    package let bitsPerSecond: Int64

    /// Makes a bandwidth of at least one byte per second.
    package init(bitsPerSecond: Int64) { self.bitsPerSecond = max(8, bitsPerSecond) }

    /// How long that many bytes take, in nanoseconds, rounded up; `Int64.max` when longer than 292
    /// years.
    package func nanoseconds(forBytes bytes: Int) -> Int64 {
        let (high, low) = Int64(bytes).multipliedFullWidth(by: 8 * 1_000_000_000)
        // The quotient of dividingFullWidth traps when it does not fit.
        if high >= self.bitsPerSecond / 2 { return .max }
        let (quotient, remainder) = self.bitsPerSecond.dividingFullWidth((high, low))
        return remainder > 0 && quotient < .max ? quotient + 1 : quotient
    }

    /// How many whole bytes pass in that many nanoseconds.
    package func bytes(inNanoseconds nanoseconds: Int64) -> Int {
        let (high, low) = nanoseconds.multipliedFullWidth(by: self.bitsPerSecond)
        let unit = Int64(8_000_000_000)
        if high >= unit / 2 { return .max }
        return Int(unit.dividingFullWidth((high, low)).quotient)
    }
}

extension Bandwidth {
    private static let bitsPerUnit: [(names: [String], factor: Int64)] = [
        (["bit", "bit/s"], 1),
        (["kbit", "kbit/s", "Kbit", "Kbit/s"], 1000),
        (["mbit", "mbit/s", "Mbit", "Mbit/s"], 1_000_000),
        (["gbit", "gbit/s", "Gbit", "Gbit/s"], 1_000_000_000),
        (["B/s"], 8),
        (["kB/s", "KB/s"], 8000),
        (["MB/s"], 8_000_000),
        (["GB/s"], 8_000_000_000),
        (["KiB/s"], 8 * 1024),
        (["MiB/s"], 8 * 1024 * 1024),
        (["GiB/s"], 8 * 1024 * 1024 * 1024),
    ]

    /// Reads a bandwidth such as `1mbit`, `20Mbit/s`, `500kB/s` or `1MiB/s`.
    ///
    /// - Throws: `InputError` for missing units and for `mbps`, `kbps` and the like, which `tc`
    ///   reads as bytes and nearly everybody else as bits.
    package init(parsing text: String) throws(InputError) {
        let rule = "a bandwidth is a number with a unit (kbit mbit gbit kB/s MB/s KiB/s MiB/s)"
        guard let number = NumberWithUnit(text) else {
            throw InputError(rule, found: text, hint: "for example '10mbit' or '500kB/s'")
        }
        let amount = Decimals.text(number.billionths, per: 1_000_000_000)
        if let prefix = Self.ambiguousPrefix(number.unit) {
            let bytes = prefix == "" ? "B/s" : prefix == "k" ? "kB/s" : prefix.uppercased() + "B/s"
            throw InputError(
                "'\(number.unit)' means bits to most tools and bytes to tc", found: text,
                hint: "write '\(amount)\(prefix)bit' for bits or '\(amount)\(bytes)' for bytes")
        }
        guard let unit = Self.bitsPerUnit.first(where: { $0.names.contains(number.unit) }) else {
            let hint =
                number.unit.isEmpty
                ? "write '\(amount)kbit' or '\(amount)kB/s'" : "for example '10mbit' or '500kB/s'"
            throw InputError(rule, found: text, hint: hint)
        }
        guard let bits = number.times(unit.factor), bits >= 8 else {
            throw InputError("a bandwidth is at least 1B/s and at most 9 exabits", found: text)
        }
        self.init(bitsPerSecond: bits)
    }

    /// The prefix of a unit whose reading depends on the tool.
    private static func ambiguousPrefix(_ unit: String) -> String? {
        let lowered = unit.lowercased()
        guard lowered.hasSuffix("bps"), lowered.count <= 4 else { return nil }
        let prefix = String(lowered.dropLast(3))
        return ["", "k", "m", "g"].contains(prefix) ? prefix : nil
    }

    /// The bandwidth in bits: `1.5mbit`.
    package var text: String {
        for (name, factor) in [("gbit", Int64(1_000_000_000)), ("mbit", 1_000_000), ("kbit", 1000)]
        where self.bitsPerSecond >= factor && self.bitsPerSecond % (factor / 1000) == 0 {
            // Numbers of more than ten digits before the point are not read.
            if self.bitsPerSecond / factor < 1_000_000_000 {
                return Decimals.text(self.bitsPerSecond, per: factor) + name
            }
        }
        if self.bitsPerSecond >= 1_000_000_000 {
            return Decimals.text(self.bitsPerSecond, per: 1_000_000_000) + "gbit"
        }
        return "\(self.bitsPerSecond)bit"
    }
}
