/// How often something is to happen: events per second.
package struct EventRate: Hashable, Sendable {
    /// Events in a thousand seconds, at least 1.
    package let perThousandSeconds: Int64

    /// Makes a rate from whole events per second.
    package init(perSecond: Int) { self.perThousandSeconds = max(1, Int64(perSecond) * 1000) }

    /// Reads `100/s` or `90/m`.
    ///
    /// - Throws: `InputError` when the unit is missing or unknown, or the rate is 0.
    package init(parsing text: String) throws(InputError) {
        let rule = "a rate is a number of events per second or minute"
        guard let number = NumberWithUnit(text) else {
            throw InputError(rule, found: text, hint: "for example '100/s'")
        }
        let events: Int64?
        switch number.unit {
        case "/s": events = number.times(1000)
        case "/m", "/min": events = number.times(1000).map { $0 / 60 }
        default:
            let hint = number.unit.isEmpty ? "write '\(text)/s'" : "for example '100/s'"
            throw InputError(rule, found: text, hint: hint)
        }
        guard let events, events > 0 else {
            throw InputError("a rate is more than 0 and at most 9 billion", found: text)
        }
        self.perThousandSeconds = events
    }

    /// The mean time between two events, in nanoseconds.
    package var meanInterval: Int64 { max(1, 1_000_000_000_000 / self.perThousandSeconds) }

    /// The rate as written: `100/s`.
    package var text: String { Decimals.text(self.perThousandSeconds, per: 1000) + "/s" }
}
