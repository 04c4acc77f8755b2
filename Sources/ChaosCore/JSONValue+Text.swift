// Reading and writing JSON text (RFC 8259). Our own, because the journal, the messages of nodes
// and the control protocol need what Foundation's coder does not give: members in the order they
// were written, whole numbers kept whole, and errors that name the byte.

/// Says why a text is not JSON.
public struct JSONError: Error, Hashable, CustomStringConvertible {
    /// The byte at which reading stopped, counted from 0.
    public let offset: Int
    /// The rule that was broken.
    public let rule: String

    /// One sentence: where and what.
    public var description: String { "byte \(self.offset): \(self.rule)" }
}

extension JSONValue {
    /// Reads one JSON document from UTF-8 bytes.
    ///
    /// - Throws: `JSONError` when the bytes are anything else than exactly one document, or nest
    ///   deeper than 512 levels.
    public init(parsing bytes: some Collection<UInt8>) throws(JSONError) {
        var reader = JSONReader(Array(bytes))
        self = try reader.readDocument()
    }

    /// Reads one JSON document from text.
    public init(parsing text: String) throws(JSONError) {
        try self.init(parsing: text.utf8)
    }

    /// The document on one line, without spaces.
    public var text: String {
        var output = ""
        self.write(to: &output)
        return output
    }

    private func write(to output: inout String) {
        switch self {
        case .null: output += "null"
        case .bool(let flag): output += flag ? "true" : "false"
        case .int(let number): output += String(number)
        // JSON has no word for infinities and not-a-number.
        case .double(let number): output += number.isFinite ? String(number) : "null"
        case .string(let text): Self.quote(text, to: &output)
        case .array(let elements):
            output += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { output += "," }
                element.write(to: &output)
            }
            output += "]"
        case .object(let object):
            output += "{"
            for (index, member) in object.members.enumerated() {
                if index > 0 { output += "," }
                Self.quote(member.key, to: &output)
                output += ":"
                member.value.write(to: &output)
            }
            output += "}"
        }
    }

    private static func quote(_ text: String, to output: inout String) {
        output += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": output += "\\\""
            case "\\": output += "\\\\"
            case "\n": output += "\\n"
            case "\r": output += "\\r"
            case "\t": output += "\\t"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: output.unicodeScalars.append(scalar)
            }
        }
        output += "\""
    }
}

private struct JSONReader {
    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func readDocument() throws(JSONError) -> JSONValue {
        let value = try self.readValue()
        self.skipSpace()
        if self.position < self.bytes.count { throw self.error("one document, then nothing more") }
        return value
    }

    private func error(_ rule: String) -> JSONError { JSONError(offset: self.position, rule: rule) }

    private var current: UInt8? {
        self.position < self.bytes.count ? self.bytes[self.position] : nil
    }

    private mutating func skipSpace() {
        while let byte = self.current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
        {
            self.position += 1
        }
    }

    private mutating func readValue() throws(JSONError) -> JSONValue {
        self.skipSpace()
        guard let byte = self.current else { throw self.error("a value must follow") }
        switch byte {
        case UInt8(ascii: "{"): return try self.readObject()
        case UInt8(ascii: "["): return try self.readArray()
        case UInt8(ascii: "\""): return .string(try self.readString())
        case UInt8(ascii: "t"): return try self.readWord("true", .bool(true))
        case UInt8(ascii: "f"): return try self.readWord("false", .bool(false))
        case UInt8(ascii: "n"): return try self.readWord("null", .null)
        default: return try self.readNumber()
        }
    }

    private mutating func readWord(
        _ word: StaticString, _ value: JSONValue
    ) throws(JSONError) -> JSONValue {
        let expected = Array(word.description.utf8)
        guard self.bytes[self.position...].starts(with: expected) else {
            throw self.error(
                "a value must be an object, array, string, number, true, false or null")
        }
        self.position += expected.count
        return value
    }

    private mutating func enter() throws(JSONError) {
        self.depth += 1
        if self.depth > 512 { throw self.error("documents nest at most 512 levels deep") }
        self.position += 1
    }

    private mutating func readObject() throws(JSONError) -> JSONValue {
        try self.enter()
        defer { self.depth -= 1 }
        var members: [(key: String, value: JSONValue)] = []
        self.skipSpace()
        if self.current == UInt8(ascii: "}") {
            self.position += 1
            return .object(JSONObject())
        }
        while true {
            self.skipSpace()
            guard self.current == UInt8(ascii: "\"") else {
                throw self.error("a member starts with a quoted name")
            }
            let key = try self.readString()
            self.skipSpace()
            guard self.current == UInt8(ascii: ":") else {
                throw self.error("a colon follows a member's name")
            }
            self.position += 1
            members.append((key, try self.readValue()))
            self.skipSpace()
            if self.current == UInt8(ascii: ",") {
                self.position += 1
                continue
            }
            guard self.current == UInt8(ascii: "}") else {
                throw self.error("a comma or '}' follows a member")
            }
            self.position += 1
            return .object(JSONObject(members))
        }
    }

    private mutating func readArray() throws(JSONError) -> JSONValue {
        try self.enter()
        defer { self.depth -= 1 }
        var elements: [JSONValue] = []
        self.skipSpace()
        if self.current == UInt8(ascii: "]") {
            self.position += 1
            return .array([])
        }
        while true {
            elements.append(try self.readValue())
            self.skipSpace()
            if self.current == UInt8(ascii: ",") {
                self.position += 1
                continue
            }
            guard self.current == UInt8(ascii: "]") else {
                throw self.error("a comma or ']' follows an element")
            }
            self.position += 1
            return .array(elements)
        }
    }

    private mutating func readNumber() throws(JSONError) -> JSONValue {
        let start = self.position
        var isWhole = true
        loop: while let byte = self.current {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): break
            case UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
                isWhole = false
            default: break loop
            }
            self.position += 1
        }
        let text = String(decoding: self.bytes[start..<self.position], as: UTF8.self)
        guard Self.isNumber(text) else {
            self.position = start
            throw self.error(
                "a value must be an object, array, string, number, true, false or null")
        }
        if isWhole, let number = Int64(text) { return .int(number) }
        // RFC 8259 section 6 lets a reader limit numbers; infinity could not be written again.
        guard let number = Double(text), number.isFinite else {
            self.position = start
            throw self.error("a number must be within what 64 bits of floating point hold")
        }
        return .double(number)
    }

    /// Whether a text follows the grammar of RFC 8259 section 6.
    private static func isNumber(_ text: String) -> Bool {
        var rest = Substring(text)
        if rest.hasPrefix("-") { rest.removeFirst() }
        func digits() -> Int {
            let count = rest.prefix { $0 >= "0" && $0 <= "9" }.count
            rest.removeFirst(count)
            return count
        }
        let leadingZero = rest.hasPrefix("0")
        let whole = digits()
        if whole == 0 || (leadingZero && whole > 1) { return false }
        if rest.hasPrefix(".") {
            rest.removeFirst()
            if digits() == 0 { return false }
        }
        if rest.hasPrefix("e") || rest.hasPrefix("E") {
            rest.removeFirst()
            if rest.hasPrefix("+") || rest.hasPrefix("-") { rest.removeFirst() }
            if digits() == 0 { return false }
        }
        return rest.isEmpty
    }

    private mutating func readString() throws(JSONError) -> String {
        self.position += 1
        var text: [UInt8] = []
        while let byte = self.current {
            switch byte {
            case UInt8(ascii: "\""):
                self.position += 1
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw self.error("a string must be UTF-8")
                }
                return string
            case UInt8(ascii: "\\"): try self.readEscape(into: &text)
            case 0..<0x20: throw self.error("control characters in a string must be escaped")
            default:
                text.append(byte)
                self.position += 1
            }
        }
        throw self.error("a string must end with a quote")
    }

    private mutating func readEscape(into text: inout [UInt8]) throws(JSONError) {
        self.position += 1
        guard let byte = self.current else { throw self.error("a string must end with a quote") }
        self.position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var unit = try self.readHex()
            if unit >= 0xD800, unit < 0xDC00, self.current == UInt8(ascii: "\\"),
                self.position + 1 < self.bytes.count,
                self.bytes[self.position + 1] == UInt8(ascii: "u")
            {
                self.position += 2
                let low = try self.readHex()
                guard low >= 0xDC00, low < 0xE000 else {
                    throw self.error("a high surrogate needs a low one behind it")
                }
                unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
            }
            // A lone surrogate is no Unicode scalar; it reads as the replacement character.
            let scalar = Unicode.Scalar(unit) ?? "\u{FFFD}"
            text.append(contentsOf: Array(String(Character(scalar)).utf8))
        default: throw self.error("unknown escape in a string")
        }
    }

    private mutating func readHex() throws(JSONError) -> UInt32 {
        let end = self.position + 4
        guard end <= self.bytes.count,
            // Swift's own reading would take a sign.
            !"+-".utf8.contains(self.bytes[self.position]),
            let unit = UInt32(
                String(decoding: self.bytes[self.position..<end], as: UTF8.self), radix: 16)
        else { throw self.error("\\u needs four hexadecimal digits") }
        self.position = end
        return unit
    }
}
