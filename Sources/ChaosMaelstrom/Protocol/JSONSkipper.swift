/// Walks over JSON text (RFC 8259) without making values of it: the bridge passes messages on as they
/// are, and need only know that they are whole and where their parts lie.
struct JSONSkipper {
    /// The rule that was broken, and where.
    struct Problem: Error, Hashable {
        let offset: Int
        let rule: String
    }

    private static let depthMax = 512

    let bytes: [UInt8]
    private(set) var position: Int
    private var depth = 0

    init(_ bytes: [UInt8], at position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    /// The byte at which reading stands, or nil at the end.
    var current: UInt8? { self.position < self.bytes.count ? self.bytes[self.position] : nil }

    mutating func skipSpace() {
        while let byte = self.current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
        {
            self.position += 1
        }
    }

    /// Takes one byte that must stand here.
    mutating func take(_ byte: UInt8, _ rule: String) throws(Problem) {
        guard self.current == byte else { throw self.problem(rule) }
        self.position += 1
    }

    /// Skips one value.
    mutating func skipValue() throws(Problem) {
        self.skipSpace()
        switch self.current {
        case nil: throw self.problem("the line ends where a value must follow")
        case UInt8(ascii: "{"):
            try self.eachMember { skipper, _ throws(Problem) in try skipper.skipValue() }
        case UInt8(ascii: "["): try self.skipArray()
        case UInt8(ascii: "\""): _ = try self.skipString()
        case UInt8(ascii: "t"): try self.skipWord("true")
        case UInt8(ascii: "f"): try self.skipWord("false")
        case UInt8(ascii: "n"): try self.skipWord("null")
        default: try self.skipNumber()
        }
    }

    /// Walks over the members of an object. The body stands in front of the value and must take it.
    ///
    /// - Parameter body: Gets the place of the key between its quotes.
    mutating func eachMember(
        _ body: (inout JSONSkipper, Range<Int>) throws(Problem) -> Void
    ) throws(Problem) {
        try self.enter()
        defer { self.depth -= 1 }
        self.skipSpace()
        if self.current == UInt8(ascii: "}") {
            self.position += 1
            return
        }
        while true {
            self.skipSpace()
            guard self.current == UInt8(ascii: "\"") else {
                throw self.problem("a member starts with a quoted name")
            }
            let key = try self.skipString()
            self.skipSpace()
            try self.take(UInt8(ascii: ":"), "a colon follows a member's name")
            self.skipSpace()
            try body(&self, key)
            self.skipSpace()
            if self.current == UInt8(ascii: ",") {
                self.position += 1
                continue
            }
            try self.take(UInt8(ascii: "}"), "a comma or '}' follows a member")
            return
        }
    }

    /// Skips a text; returns the place between its quotes.
    mutating func skipString() throws(Problem) -> Range<Int> {
        self.position += 1
        let start = self.position
        var isPlain = true
        while let byte = self.current {
            switch byte {
            case UInt8(ascii: "\""):
                let text = start..<self.position
                if !isPlain, String(validating: self.bytes[text], as: UTF8.self) == nil {
                    throw self.problem("the string that ends here is UTF-8 (RFC 8259 section 8.1)")
                }
                self.position += 1
                return text
            case 0x80...:
                isPlain = false
                self.position += 1
            case UInt8(ascii: "\\"): try self.skipEscape()
            case 0..<0x20: throw self.problem("a control character in a string is escaped")
            default: self.position += 1
            }
        }
        throw self.problem("the line ends inside a string")
    }

    func problem(_ rule: String) -> Problem { Problem(offset: self.position, rule: rule) }

    private mutating func enter() throws(Problem) {
        self.depth += 1
        if self.depth > Self.depthMax {
            throw self.problem("messages nest at most \(Self.depthMax) levels deep")
        }
        self.position += 1
    }

    private mutating func skipArray() throws(Problem) {
        try self.enter()
        defer { self.depth -= 1 }
        self.skipSpace()
        if self.current == UInt8(ascii: "]") {
            self.position += 1
            return
        }
        while true {
            try self.skipValue()
            self.skipSpace()
            if self.current == UInt8(ascii: ",") {
                self.position += 1
                continue
            }
            try self.take(UInt8(ascii: "]"), "a comma or ']' follows an element")
            return
        }
    }

    private mutating func skipEscape() throws(Problem) {
        self.position += 1
        guard let byte = self.current else { throw self.problem("the line ends inside a string") }
        self.position += 1
        if byte == UInt8(ascii: "u") {
            for _ in 0..<4 {
                guard let digit = self.current, Self.isHexadecimal(digit) else {
                    throw self.problem("\\u needs four hexadecimal digits")
                }
                self.position += 1
            }
        } else if !Self.escapes.contains(byte) {
            throw self.problem("unknown escape in a string")
        }
    }

    private static let escapes = Array("\"\\/bfnrt".utf8)

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
    }

    private mutating func skipWord(_ word: String) throws(Problem) {
        let rule = "a value is an object, array, string, number, true, false or null"
        let start = self.position
        for byte in word.utf8 {
            guard self.current == byte else {
                self.position = start
                throw self.problem(rule)
            }
            self.position += 1
        }
    }

    /// RFC 8259, section 6.
    private mutating func skipNumber() throws(Problem) {
        let rule = "a value is an object, array, string, number, true, false or null"
        let start = self.position
        if self.current == UInt8(ascii: "-") { self.position += 1 }
        let isZero = self.current == UInt8(ascii: "0")
        let whole = self.skipDigits()
        var isNumber = whole > 0 && !(isZero && whole > 1)
        if isNumber, self.current == UInt8(ascii: ".") {
            self.position += 1
            isNumber = self.skipDigits() > 0
        }
        if isNumber, self.current == UInt8(ascii: "e") || self.current == UInt8(ascii: "E") {
            self.position += 1
            if self.current == UInt8(ascii: "+") || self.current == UInt8(ascii: "-") {
                self.position += 1
            }
            isNumber = self.skipDigits() > 0
        }
        if isNumber { return }
        self.position = start
        throw self.problem(rule)
    }

    private mutating func skipDigits() -> Int {
        let start = self.position
        while let byte = self.current, (0x30...0x39).contains(byte) { self.position += 1 }
        return self.position - start
    }
}
