// Clients of Toxiproxy rely on how Go reads JSON (encoding/json): only the first value of a body
// counts, keys match whatever their case, numbers keep their literal so that whole numbers can be
// told from others. Errors follow Go's wording, which clients show to people.

/// A JSON value as Go's decoder sees it.
enum GoJSON: Hashable {
    case null
    case bool(Bool)
    /// The literal as written.
    case number(String)
    case string(String)
    case array([GoJSON])
    case object([GoMember])

    /// The word Go's errors use for the kind of value.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "bool"
        case .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}

/// A member of an object.
struct GoMember: Hashable {
    let key: String
    let value: GoJSON
}

/// Why a body could not be read, in Go's words.
struct GoJSONError: Error, Hashable {
    let text: String

    init(_ text: String) { self.text = text }

    /// A value of the wrong type for a field.
    static func type(_ value: GoJSON, _ field: String, _ type: String) -> GoJSONError {
        var found = value.kind
        if case .number(let literal) = value, type != "string" && type != "bool" {
            found = "number \(literal)"
        }
        return GoJSONError(
            "json: cannot unmarshal \(found) into Go struct field \(field) of type \(type)")
    }
}

extension GoJSON {
    /// Reads the first value of a body; what follows it does not count.
    init(firstOf body: [UInt8]) throws(GoJSONError) {
        var reader = GoJSONReader(body)
        self = try reader.readFirst()
    }
}

private struct GoJSONReader {
    /// Go nests ten thousand levels; nobody does, and a thread's stack is finite.
    private static let depthLimit = 500

    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func readFirst() throws(GoJSONError) -> GoJSON {
        self.skipSpace()
        if self.position == self.bytes.count { throw GoJSONError("EOF") }
        return try self.readValue()
    }

    private var isSpace: Bool {
        switch self.bytes[self.position] {
        case 0x20, 0x09, 0x0A, 0x0D: true
        default: false
        }
    }

    private mutating func skipSpace() {
        while self.position < self.bytes.count, self.isSpace { self.position += 1 }
    }

    /// The byte at which reading stands.
    private func current() throws(GoJSONError) -> UInt8 {
        if self.position == self.bytes.count { throw GoJSONError("unexpected EOF") }
        return self.bytes[self.position]
    }

    private func invalid(_ context: String) -> GoJSONError {
        GoJSONError("invalid character \(Self.quoted(self.bytes[self.position])) \(context)")
    }

    /// The byte as Go quotes it: each byte is shown as the character with its number.
    private static func quoted(_ byte: UInt8) -> String {
        switch byte {
        case UInt8(ascii: "'"): return "'\\''"
        case UInt8(ascii: "\\"): return "'\\\\'"
        case 0x07: return "'\\a'"
        case 0x08: return "'\\b'"
        case 0x0C: return "'\\f'"
        case 0x0A: return "'\\n'"
        case 0x0D: return "'\\r'"
        case 0x09: return "'\\t'"
        case 0x0B: return "'\\v'"
        case 0..<0x20, 0x7F: return "'\\x\(Self.hex(byte))'"
        case 0x80...0xA0, 0xAD: return "'\\u00\(Self.hex(byte))'"
        default: return "'\(Character(Unicode.Scalar(byte)))'"
        }
    }

    private static func hex(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }

    private mutating func readValue() throws(GoJSONError) -> GoJSON {
        self.skipSpace()
        switch try self.current() {
        case UInt8(ascii: "{"): return try self.readObject()
        case UInt8(ascii: "["): return try self.readArray()
        case UInt8(ascii: "\""): return .string(try self.readString())
        case UInt8(ascii: "t"): return try self.readWord("true", .bool(true))
        case UInt8(ascii: "f"): return try self.readWord("false", .bool(false))
        case UInt8(ascii: "n"): return try self.readWord("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try self.readNumber()
        default: throw self.invalid("looking for beginning of value")
        }
    }

    private mutating func readWord(
        _ word: String, _ value: GoJSON
    ) throws(GoJSONError) -> GoJSON {
        for letter in word.utf8 {
            if try self.current() != letter {
                let expected = Character(Unicode.Scalar(letter))
                throw self.invalid("in literal \(word) (expecting '\(expected)')")
            }
            self.position += 1
        }
        return value
    }

    private mutating func enter() throws(GoJSONError) {
        self.depth += 1
        if self.depth > Self.depthLimit { throw GoJSONError("exceeded max depth") }
        self.position += 1
    }

    private mutating func readObject() throws(GoJSONError) -> GoJSON {
        try self.enter()
        defer { self.depth -= 1 }
        var members: [GoMember] = []
        self.skipSpace()
        if try self.current() == UInt8(ascii: "}") {
            self.position += 1
            return .object([])
        }
        while true {
            self.skipSpace()
            if try self.current() != UInt8(ascii: "\"") {
                throw self.invalid("looking for beginning of object key string")
            }
            let key = try self.readString()
            self.skipSpace()
            if try self.current() != UInt8(ascii: ":") { throw self.invalid("after object key") }
            self.position += 1
            members.append(GoMember(key: key, value: try self.readValue()))
            self.skipSpace()
            switch try self.current() {
            case UInt8(ascii: ","): self.position += 1
            case UInt8(ascii: "}"):
                self.position += 1
                return .object(members)
            default: throw self.invalid("after object key:value pair")
            }
        }
    }

    private mutating func readArray() throws(GoJSONError) -> GoJSON {
        try self.enter()
        defer { self.depth -= 1 }
        var elements: [GoJSON] = []
        self.skipSpace()
        if try self.current() == UInt8(ascii: "]") {
            self.position += 1
            return .array([])
        }
        while true {
            elements.append(try self.readValue())
            self.skipSpace()
            switch try self.current() {
            case UInt8(ascii: ","): self.position += 1
            case UInt8(ascii: "]"):
                self.position += 1
                return .array(elements)
            default: throw self.invalid("after array element")
            }
        }
    }

    // MARK: - Numbers

    private var isDigit: Bool {
        self.position < self.bytes.count
            && (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self.bytes[self.position])
    }

    private mutating func skipDigits(_ context: String) throws(GoJSONError) {
        if !self.isDigit {
            _ = try self.current()
            throw self.invalid(context)
        }
        while self.isDigit { self.position += 1 }
    }

    private func isAt(_ byte: UInt8) -> Bool {
        self.position < self.bytes.count && self.bytes[self.position] == byte
    }

    private mutating func readNumber() throws(GoJSONError) -> GoJSON {
        let start = self.position
        if self.isAt(UInt8(ascii: "-")) { self.position += 1 }
        if self.isAt(UInt8(ascii: "0")) {
            self.position += 1
        } else {
            try self.skipDigits("in numeric literal")
        }
        if self.isAt(UInt8(ascii: ".")) {
            self.position += 1
            try self.skipDigits("after decimal point in numeric literal")
        }
        if self.isAt(UInt8(ascii: "e")) || self.isAt(UInt8(ascii: "E")) {
            self.position += 1
            if self.isAt(UInt8(ascii: "+")) || self.isAt(UInt8(ascii: "-")) { self.position += 1 }
            try self.skipDigits("in exponent of numeric literal")
        }
        return .number(String(decoding: self.bytes[start..<self.position], as: UTF8.self))
    }

    // MARK: - Texts

    private mutating func readString() throws(GoJSONError) -> String {
        self.position += 1
        var text: [UInt8] = []
        while true {
            let byte = try self.current()
            switch byte {
            case UInt8(ascii: "\""):
                self.position += 1
                // Go too replaces what is not UTF-8.
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                self.position += 1
                try self.readEscape(into: &text)
            case 0..<0x20: throw self.invalid("in string literal")
            default:
                text.append(byte)
                self.position += 1
            }
        }
    }

    private mutating func readEscape(into text: inout [UInt8]) throws(GoJSONError) {
        switch try self.current() {
        case UInt8(ascii: "\""): text.append(UInt8(ascii: "\""))
        case UInt8(ascii: "\\"): text.append(UInt8(ascii: "\\"))
        case UInt8(ascii: "/"): text.append(UInt8(ascii: "/"))
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            self.position += 1
            return try self.readUnicode(into: &text)
        default: throw self.invalid("in string escape code")
        }
        self.position += 1
    }

    private mutating func readUnicode(into text: inout [UInt8]) throws(GoJSONError) {
        var unit = try self.readHex()
        if (0xD800..<0xDC00).contains(unit), self.isAt(UInt8(ascii: "\\")) {
            let before = self.position
            self.position += 1
            if self.isAt(UInt8(ascii: "u")) {
                self.position += 1
                let low = try self.readHex()
                if (0xDC00..<0xE000).contains(low) {
                    unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
                } else {
                    self.position = before
                }
            } else {
                self.position = before
            }
        }
        // A lone surrogate is no character.
        let scalar = Unicode.Scalar(unit) ?? "\u{FFFD}"
        text.append(contentsOf: Array(String(Character(scalar)).utf8))
    }

    private mutating func readHex() throws(GoJSONError) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            let byte = try self.current()
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw self.invalid("in \\u hexadecimal character escape")
            }
            unit = unit << 4 | UInt32(digit)
            self.position += 1
        }
        return unit
    }
}
