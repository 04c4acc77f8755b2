/// A moment, in words of RFC 3339: `2026-11-22T03:40:12.123Z`.
struct Timestamp: Hashable, Sendable {
    /// Since 1970, without leap seconds, as computers count.
    let milliseconds: Int64

    init(_ milliseconds: Int64) { self.milliseconds = milliseconds }

    /// Reads a date (`2026-11-22`, its beginning in UTC), or a date and a time with its distance from UTC
    /// (`2026-11-22T03:40:12.5+01:00`); `nil` where it is neither.
    init?(parsing text: String) {
        let characters = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int64? {
            guard range.upperBound <= characters.count else { return nil }
            let digits = characters[range]
            guard digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
            return digits.reduce(0) { $0 * 10 + Int64($1 - 48) }
        }
        func isThere(_ character: Character, at index: Int) -> Bool {
            index < characters.count && characters[index] == character.asciiValue
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            isThere("-", at: 4), isThere("-", at: 7), (1...12).contains(month),
            (1...Self.length(of: month, year)).contains(day)
        else { return nil }
        let midnight = Self.days(year, month, day) * 86_400_000
        if characters.count == 10 {
            self.init(midnight)
            return
        }
        guard isThere("T", at: 10) || isThere("t", at: 10) || isThere(" ", at: 10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            isThere(":", at: 13), isThere(":", at: 16), hour < 24, minute < 60, second < 60
        else { return nil }
        var time = (hour * 60 + minute) * 60_000 + second * 1000
        var index = 19
        if isThere(".", at: index) {
            var unit: Int64 = 100
            index += 1
            let first = index
            while let digit = number(index..<index + 1) {
                time += digit * unit
                unit /= 10
                index += 1
            }
            if index == first { return nil }
        }
        if isThere("Z", at: index) || isThere("z", at: index) {
            index += 1
        } else if isThere("+", at: index) || isThere("-", at: index) {
            guard let hours = number(index + 1..<index + 3), isThere(":", at: index + 3),
                let minutes = number(index + 4..<index + 6), hours < 24, minutes < 60
            else { return nil }
            let distance = (hours * 60 + minutes) * 60_000
            time += isThere("+", at: index) ? -distance : distance
            index += 6
        } else {
            return nil
        }
        if index != characters.count { return nil }
        self.init(midnight + time)
    }

    /// The moment in UTC, with milliseconds.
    var text: String {
        let seconds = self.milliseconds.flooredQuotient(1000)
        let days = seconds.flooredQuotient(86_400)
        let time = seconds - days * 86_400
        let (year, month, day) = Self.date(days)
        func padded(_ number: Int64, _ width: Int = 2) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "\(padded(year, 4))-\(padded(month))-\(padded(day))"
            + "T\(padded(time / 3600)):\(padded(time / 60 % 60)):\(padded(time % 60))"
            + ".\(padded(self.milliseconds - seconds * 1000, 3))Z"
    }

    private static func length(of month: Int64, _ year: Int64) -> Int64 {
        self.days(month == 12 ? year + 1 : year, month % 12 + 1, 1) - self.days(year, month, 1)
    }

    // The Gregorian calendar, whose years here begin in March so that the leap day is the last one
    // (H. Hinnant, chrono-Compatible Low-Level Date Algorithms, 2013).

    /// The days from 1970-01-01 to a date.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = year.flooredQuotient(400)
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// The date so many days after 1970-01-01.
    private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted.flooredQuotient(146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}

extension Int64 {
    /// The quotient, rounded down where `/` rounds towards zero.
    fileprivate func flooredQuotient(_ divisor: Int64) -> Int64 {
        let (quotient, remainder) = self.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
