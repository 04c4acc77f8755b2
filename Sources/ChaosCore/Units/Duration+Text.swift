// Durations as people write them. The unit is mandatory: `tc` reads a bare number as microseconds,
// `tcset` as milliseconds, and we do not guess.

extension Duration {
    private static let nanosecondsPerUnit: [(names: [String], factor: Int64)] = [
        (["ns", "nsec", "nsecs"], 1),
        (["us", "µs", "μs", "usec", "usecs"], 1000),
        (["ms", "msec", "msecs"], 1_000_000),
        (["s", "sec", "secs"], 1_000_000_000),
        (["m", "min"], 60_000_000_000),
        (["h"], 3_600_000_000_000),
    ]

    /// Reads a duration such as `100ms`, `1.5s`, `2m`, `1h` or netem's `100msec`.
    ///
    /// - Throws: `InputError` when the unit is missing or unknown.
    package init(parsing text: String) throws(InputError) {
        let rule = "a duration is a number with a unit (ns us ms s m h)"
        guard let number = NumberWithUnit(text) else {
            throw InputError(rule, found: text, hint: "for example '100ms' or '2s'")
        }
        if number.unit.isEmpty {
            if number.billionths == 0 {
                self = .zero
                return
            }
            throw InputError(rule, found: text, hint: "write '\(text)ms' or '\(text)s'")
        }
        let unit = Self.nanosecondsPerUnit.first { $0.names.contains(number.unit) }
        guard let unit else {
            throw InputError(rule, found: text, hint: "for example '100ms' or '2s'")
        }
        guard let nanoseconds = number.times(unit.factor) else {
            throw InputError("a duration is at most 292 years", found: text)
        }
        self = .nanoseconds(nanoseconds)
    }

    /// The duration in the largest unit that needs no more than three decimals: `1.5s`, `80ms`.
    package var text: String {
        let nanoseconds = self.wholeNanoseconds
        if nanoseconds == 0 { return "0s" }
        let units: [(String, Int64)] = [
            ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
            ("ms", 1_000_000),
            ("us", 1000), ("ns", 1),
        ]
        // Hours and minutes only when they are whole, so that 90s stays 90s.
        for (name, factor) in units where nanoseconds.magnitude >= factor.magnitude {
            if factor > 1_000_000_000 {
                if nanoseconds % factor == 0 { return "\(nanoseconds / factor)\(name)" }
            } else if nanoseconds % max(1, factor / 1000) == 0
                // Numbers of more than ten digits before the point are not read.
                || (factor == 1_000_000_000 && nanoseconds.magnitude >= 9_000_000_000_000)
            {
                return Decimals.text(nanoseconds, per: factor) + name
            }
        }
        return "\(nanoseconds)ns"
    }

    /// The duration rounded for people: three digits at most after the point.
    package var roundedText: String {
        let nanoseconds = self.wholeNanoseconds
        let step: Int64 =
            switch nanoseconds.magnitude {
            case 1_000_000_000...: 1_000_000
            case 1_000_000...: 1000
            default: 1
            }
        let rounded = (nanoseconds + (nanoseconds < 0 ? -step / 2 : step / 2)) / step * step
        return Duration.nanoseconds(rounded).text
    }
}

/// Prints fixed-point numbers without going through floating point.
package enum Decimals {
    /// The number divided by a power of ten (up to 10⁹), without trailing zeros.
    package static func text(_ number: Int64, per unit: Int64) -> String {
        let sign = number < 0 ? "-" : ""
        let magnitude = number.magnitude
        let whole = magnitude / UInt64(unit)
        var rest = String(magnitude % UInt64(unit))
        let width = String(unit).count - 1
        rest = String(repeating: "0", count: max(0, width - rest.count)) + rest
        while rest.hasSuffix("0") { rest.removeLast() }
        return sign + String(whole) + (rest.isEmpty ? "" : "." + rest)
    }
}
