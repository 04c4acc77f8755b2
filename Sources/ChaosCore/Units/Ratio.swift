/// A probability or share between 0 and 1, exact to a billionth.
package struct Ratio: Hashable, Comparable, Sendable {
    /// The share in billionths, 0 to 1 000 000 000.
    package let billionths: Int64

    /// Nothing of the whole.
    package static let zero = Ratio(billionths: 0)
    /// All of the whole.
    package static let one = Ratio(billionths: 1_000_000_000)

    /// Makes a ratio from billionths, clamped to 0…1.
    package init(billionths: Int64) { self.billionths = min(max(billionths, 0), 1_000_000_000) }

    /// Makes a ratio from whole percents, clamped to 0…100.
    package init(percent: Int) { self.init(billionths: Int64(percent) * 10_000_000) }

    package static func < (left: Ratio, right: Ratio) -> Bool { left.billionths < right.billionths }

    /// The ratio scaled to 0…2³²−1, as netem keeps probabilities (`tc-netem(8)`, `sch_netem.c`).
    package var scaled32: UInt32 {
        UInt32((UInt64(self.billionths) * UInt64(UInt32.max) + 500_000_000) / 1_000_000_000)
    }

    /// The ratio as a floating-point number, for reports only.
    package var fraction: Double { Double(self.billionths) / 1e9 }

    /// Whether a 32-bit random number decides for an event of this probability. At 1 it always
    /// does, at 0 never.
    package func isHit(by random: UInt32) -> Bool {
        if self == .one { return true }
        return random < self.scaled32
    }

    /// The share of a whole, rounded down.
    package func of(_ whole: Int64) -> Int64 {
        let (high, low) = whole.multipliedFullWidth(by: self.billionths)
        return Int64(1_000_000_000).dividingFullWidth((high, low)).quotient
    }
}

extension Ratio {
    /// Reads `10%`, `1/20` or `0.05`.
    ///
    /// - Throws: `InputError` for a bare number that may be a percentage, such as `10` or `1`, and
    ///   for anything outside 0%…100%.
    package init(parsing text: String) throws(InputError) {
        let rule = "a ratio is written as '10%', '1/20' or '0.05'"
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 2 {
            guard let over = Int64(parts[0].trimmingSpaces),
                let under = Int64(parts[1].trimmingSpaces),
                over >= 0, under > 0, under < 1_000_000_000, over <= under
            else { throw InputError(rule + " between 0 and 1", found: text) }
            self.init(billionths: over * 1_000_000_000 / under)
            return
        }
        guard let number = NumberWithUnit(text) else { throw InputError(rule, found: text) }
        switch number.unit {
        case "%":
            guard number.billionths <= 100_000_000_000 else {
                throw InputError("a ratio is between 0% and 100%", found: text)
            }
            self.init(billionths: (number.billionths + 50) / 100)
        case "":
            let isZero = number.billionths == 0
            guard isZero || (number.billionths < 1_000_000_000) else {
                if number.billionths > 100_000_000_000 {
                    throw InputError("a ratio is between 0% and 100%", found: text)
                }
                let fraction = Decimals.text(number.billionths, per: 100_000_000_000)
                throw InputError(
                    rule, found: text,
                    hint: number.billionths == 1_000_000_000
                        ? "write '1%' or '100%'" : "write '\(text)%' or '\(fraction)'")
            }
            self.init(billionths: number.billionths)
        default: throw InputError(rule, found: text)
        }
    }

    /// The ratio in percent: `12.5%`.
    package var text: String { Decimals.text(self.billionths, per: 10_000_000) + "%" }
}

extension Substring {
    /// The text without spaces and tabs at its ends.
    package var trimmingSpaces: Substring {
        var text = self
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}

extension String {
    /// The text without spaces and tabs at its ends.
    package var trimmingSpaces: String { String(Substring(self).trimmingSpaces) }
}
