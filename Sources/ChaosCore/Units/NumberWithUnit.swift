/// A number and the unit written behind it, such as `1.5` and `ms`.
struct NumberWithUnit {
    /// The number's digits as a whole number of 10⁻⁹ units, exact.
    let billionths: Int64
    /// The unit as written, possibly empty.
    let unit: String

    /// Reads `12`, `1.5ms` or `10 %`; `nil` when the text does not start with a number, has more
    /// than nine decimals, or is too large.
    init?(_ text: String) {
        let scalars = Array(text.utf8)
        var index = 0
        func digits() -> [UInt8] {
            let start = index
            while index < scalars.count, scalars[index] >= 0x30, scalars[index] <= 0x39 {
                index += 1
            }
            return Array(scalars[start..<index])
        }
        let whole = digits()
        var decimals: [UInt8] = []
        if index < scalars.count, scalars[index] == UInt8(ascii: ".") {
            index += 1
            decimals = digits()
            if decimals.isEmpty { return nil }
        }
        if whole.isEmpty || whole.count > 10 || decimals.count > 9 { return nil }
        let padded = whole + decimals + Array(repeating: 0x30, count: 9 - decimals.count)
        guard let billionths = Int64(String(decoding: padded, as: UTF8.self)) else { return nil }
        while index < scalars.count, scalars[index] == UInt8(ascii: " ") { index += 1 }
        self.billionths = billionths
        self.unit = String(decoding: scalars[index...], as: UTF8.self)
    }

    /// The number times a factor, rounded to the nearest whole number; `nil` when it overflows.
    func times(_ factor: Int64) -> Int64? {
        let (high, low) = self.billionths.multipliedFullWidth(by: factor)
        let divided = Int64(1_000_000_000)
        // The quotient of dividingFullWidth traps when it does not fit.
        if high >= divided / 2 { return nil }
        let (quotient, remainder) = divided.dividingFullWidth((high, low))
        return quotient + (remainder >= divided / 2 ? 1 : 0)
    }
}
