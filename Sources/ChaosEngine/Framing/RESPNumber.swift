/// The number behind a type's sign, up to the end of its line.
struct RESPNumber {
    static let rule = "a length is '?' or a number below 2^62"

    private var value = 0
    private var count = 0
    private var isNegative = false
    private var isUnknown = false
    private var afterReturn = false

    enum Step {
        case on
        /// The number; `nil` of `?`.
        case finished(Int?)
        case lost(String)
    }

    mutating func take(_ byte: UInt8) -> Step {
        defer { self.count += 1 }
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9") where !self.afterReturn && !self.isUnknown:
            if self.value >= 1 << 58 { return .lost(Self.rule) }
            self.value = self.value * 10 + Int(byte - UInt8(ascii: "0"))
            return .on
        case UInt8(ascii: "-") where self.count == 0:
            self.isNegative = true
            return .on
        case UInt8(ascii: "?") where self.count == 0:
            self.isUnknown = true
            return .on
        case 0x0D where !self.afterReturn && self.count > (self.isNegative ? 1 : 0):
            self.afterReturn = true
            return .on
        case 0x0A where self.afterReturn:
            if self.isUnknown { return .finished(nil) }
            return .finished(self.isNegative ? -self.value : self.value)
        default: return .lost(Self.rule + ", found \(ByteText.quoted([byte]))")
        }
    }
}
