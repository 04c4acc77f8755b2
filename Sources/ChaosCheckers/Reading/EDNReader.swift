import ChaosCore

/// Reads EDN, the notation of Jepsen's histories (github.com/edn-format/edn), as JSON values.
///
/// JSON has fewer kinds of values: keywords, symbols, characters and ratios become strings, lists and
/// sets become arrays, keys of maps become their text, and a tag is dropped from its element. A
/// whole number beyond 64 bits becomes the string of its digits, so that it still equals itself.
struct EDNReader {
    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0
    private let firstLine: Int

    private static let deepest = 512

    init(_ bytes: some Collection<UInt8>, firstLine: Int = 1) {
        self.bytes = Array(bytes)
        self.firstLine = firstLine
    }

    /// The byte at which the reader stands.
    var offset: Int { self.position }

    private func place(_ position: Int) -> (line: Int, column: Int) {
        var line = self.firstLine
        var start = 0
        for (offset, byte) in self.bytes[..<min(position, self.bytes.count)].enumerated()
        where byte == UInt8(ascii: "\n") {
            line += 1
            start = offset + 1
        }
        return (line, position - start + 1)
    }

    func error(_ rule: String, at position: Int? = nil) -> HistoryError {
        let place = self.place(position ?? self.position)
        return HistoryError(line: place.line, column: place.column, rule: rule)
    }

    private var current: UInt8? {
        self.position < self.bytes.count ? self.bytes[self.position] : nil
    }

    /// The next value of a stream of values; `nil` at its end.
    mutating func next() throws(HistoryError) -> JSONValue? {
        try self.skipSpace()
        guard self.current != nil else { return nil }
        return try self.readValue()
    }

    /// Steps into a list or vector, if one follows; then ``nextElement()`` reads it piece by piece.
    mutating func enterSequence() throws(HistoryError) -> Bool {
        try self.skipSpace()
        guard self.current == UInt8(ascii: "[") || self.current == UInt8(ascii: "(") else {
            return false
        }
        self.position += 1
        return true
    }

    /// The next element of the sequence that was entered; `nil` at its end, after which nothing may
    /// follow.
    mutating func nextElement() throws(HistoryError) -> JSONValue? {
        try self.skipSpace()
        guard let byte = self.current else { throw self.error("a list must end with ']' or ')'") }
        if byte != UInt8(ascii: "]") && byte != UInt8(ascii: ")") { return try self.readValue() }
        self.position += 1
        try self.skipSpace()
        if self.current != nil { throw self.error("nothing may follow the list of events") }
        return nil
    }

    // MARK: - Space

    /// Skips white space, commas, comments and discarded values.
    private mutating func skipSpace() throws(HistoryError) {
        while let byte = self.current {
            switch byte {
            case 0x20, 0x09...0x0D, UInt8(ascii: ","): self.position += 1
            case UInt8(ascii: ";"):
                while let byte = self.current, byte != UInt8(ascii: "\n") { self.position += 1 }
            case UInt8(ascii: "#") where self.peek(1) == UInt8(ascii: "_"):
                self.position += 2
                _ = try self.readValue()
            default: return
            }
        }
    }

    private func peek(_ distance: Int) -> UInt8? {
        let position = self.position + distance
        return position < self.bytes.count ? self.bytes[position] : nil
    }

    // MARK: - Values

    private mutating func readValue() throws(HistoryError) -> JSONValue {
        if self.depth >= Self.deepest {
            throw self.error("values nest at most \(Self.deepest) levels deep")
        }
        self.depth += 1
        defer { self.depth -= 1 }
        try self.skipSpace()
        guard let byte = self.current else { throw self.error("a value must follow") }
        switch byte {
        case UInt8(ascii: "{"): return try self.readMap()
        case UInt8(ascii: "["): return .array(try self.readElements(closing: UInt8(ascii: "]")))
        case UInt8(ascii: "("): return .array(try self.readElements(closing: UInt8(ascii: ")")))
        case UInt8(ascii: "\""): return .string(try self.readString())
        case UInt8(ascii: "\\"): return .string(try self.readCharacter())
        case UInt8(ascii: "#"): return try self.readDispatch()
        case UInt8(ascii: ":"):
            let start = self.position
            self.position += 1
            let name = self.readToken()
            if name.isEmpty { throw self.error("a name must follow ':'", at: start) }
            return .string(name)
        default: return try self.readWord()
        }
    }

    private mutating func readElements(closing: UInt8) throws(HistoryError) -> [JSONValue] {
        let start = self.position
        self.position += 1
        var elements: [JSONValue] = []
        while true {
            try self.skipSpace()
            guard let byte = self.current else {
                let end = String(UnicodeScalar(closing))
                throw self.error("a list that starts here needs its '\(end)'", at: start)
            }
            if byte == closing {
                self.position += 1
                return elements
            }
            elements.append(try self.readValue())
        }
    }

    private mutating func readMap() throws(HistoryError) -> JSONValue {
        let start = self.position
        let elements = try self.readElements(closing: UInt8(ascii: "}"))
        guard elements.count.isMultiple(of: 2) else {
            throw self.error("a map needs a value for every key", at: start)
        }
        let members = stride(from: 0, to: elements.count, by: 2).map { index in
            (key: elements[index].stringValue ?? elements[index].text, value: elements[index + 1])
        }
        return .object(JSONObject(members))
    }

    /// What begins with `#`: a set, a symbolic number, or a tag, whose element is what counts.
    private mutating func readDispatch() throws(HistoryError) -> JSONValue {
        let start = self.position
        self.position += 1
        switch self.current {
        case UInt8(ascii: "{"): return .array(try self.readElements(closing: UInt8(ascii: "}")))
        case UInt8(ascii: "#"):
            self.position += 1
            return .string(self.readToken())
        case let byte? where Self.isTokenByte(byte):
            _ = self.readToken()
            return try self.readValue()
        default: throw self.error("a set, a tag or '_' must follow '#'", at: start)
        }
    }

    // MARK: - Words and numbers

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0...0x20, UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\""), UInt8(ascii: "("),
            UInt8(ascii: ")"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"),
            UInt8(ascii: "}"), UInt8(ascii: "\\"), UInt8(ascii: "^"), UInt8(ascii: "`"),
            UInt8(ascii: "~"), UInt8(ascii: "@"):
            false
        default: true
        }
    }

    private mutating func readToken() -> String {
        let start = self.position
        while let byte = self.current, Self.isTokenByte(byte) { self.position += 1 }
        return String(decoding: self.bytes[start..<self.position], as: UTF8.self)
    }

    private mutating func readWord() throws(HistoryError) -> JSONValue {
        let start = self.position
        let token = self.readToken()
        switch token {
        case "": throw self.error("a value must follow", at: start)
        case "nil": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        default: break
        }
        let digits = token.first == "-" || token.first == "+" ? token.dropFirst() : token[...]
        guard let first = digits.utf8.first, UInt8(ascii: "0")...UInt8(ascii: "9") ~= first else {
            return .string(token)
        }
        if let number = Self.number(token) { return number }
        throw self.error(
            "a number must be whole, a ratio or a decimal, found '\(token)'", at: start)
    }

    private static func number(_ token: String) -> JSONValue? {
        let isBig = token.hasSuffix("N")
        let text = isBig || token.hasSuffix("M") ? String(token.dropLast()) : token
        if let number = Int64(text) { return .int(number) }
        let digits = text.utf8.drop { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") }
        let parts = digits.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let isWhole = parts.allSatisfy { part in
            !part.isEmpty && part.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        }
        // Beyond 64 bits, or a ratio.
        if isWhole && parts.count <= 2 { return .string(text) }
        if isBig { return nil }
        guard let number = Double(text), number.isFinite, !text.utf8.contains(UInt8(ascii: "x")),
            !text.utf8.contains(UInt8(ascii: "p"))
        else { return nil }
        return .double(number)
    }

    // MARK: - Text

    private mutating func readString() throws(HistoryError) -> String {
        let start = self.position
        self.position += 1
        var text: [UInt8] = []
        while let byte = self.current {
            self.position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw self.error("a string must be UTF-8", at: start)
                }
                return string
            case UInt8(ascii: "\\"): text.append(contentsOf: try self.readEscape())
            default: text.append(byte)
            }
        }
        throw self.error("a string that starts here needs its closing quote", at: start)
    }

    private mutating func readEscape() throws(HistoryError) -> [UInt8] {
        let start = self.position - 1
        guard let byte = self.current else {
            throw self.error("an escape needs a letter", at: start)
        }
        self.position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "'"):
            return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"):
            let end = min(self.position + 4, self.bytes.count)
            let digits = String(decoding: self.bytes[self.position..<end], as: UTF8.self)
            guard digits.utf8.count == 4, digits.utf8.first != UInt8(ascii: "+"),
                digits.utf8.first != UInt8(ascii: "-"), let unit = UInt32(digits, radix: 16)
            else {
                throw self.error("\\u needs four hexadecimal digits", at: start)
            }
            self.position = end
            return Array(String(Character(Unicode.Scalar(unit) ?? "\u{FFFD}")).utf8)
        default: throw self.error("unknown escape in a string", at: start)
        }
    }

    private mutating func readCharacter() throws(HistoryError) -> String {
        let start = self.position
        self.position += 1
        guard let byte = self.current else {
            throw self.error("a character must follow '\\'", at: start)
        }
        // One delimiter by itself, or a name.
        if !Self.isTokenByte(byte) {
            self.position += 1
            return String(UnicodeScalar(byte))
        }
        let name = self.readToken()
        switch name {
        case "newline": return "\n"
        case "return": return "\r"
        case "space": return " "
        case "tab": return "\t"
        default: return name
        }
    }
}
