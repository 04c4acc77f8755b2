/// Finds requests in a stream of bytes as a Redis server does: arrays of bulk strings, or inline
/// commands, which are words on a line.
///
/// The errors are Redis's own texts, so that whoever knows them from there knows them here
/// (`networking.c`, functions `processMultibulkBuffer` and `processInlineBuffer`).
package struct RESPRequestParser: Sendable {
    private let limits: RESPLimits
    private var buffer = RESPBuffer()
    /// How many words of the current command are missing; 0 between commands.
    private var missing = 0
    private var words: [[UInt8]] = []
    /// The length of the word whose bytes come next.
    private var bulk: Int?
    private var failure: RESPError?

    package init(limits: RESPLimits = RESPLimits()) { self.limits = limits }

    /// Takes in bytes.
    package mutating func append(_ bytes: some Collection<UInt8>) { self.buffer.append(bytes) }

    /// Whether the stream is between two requests.
    package var isAtBoundary: Bool { self.buffer.count == 0 && self.missing == 0 }

    /// The words of the next command, at least one; `nil` when more must come. Empty commands and
    /// empty lines are skipped.
    ///
    /// - Throws: `RESPError` with Redis's text, now and ever after.
    package mutating func next() throws(RESPError) -> [[UInt8]]? {
        if let failure = self.failure { throw failure }
        do {
            return try self.read()
        } catch {
            self.failure = error
            throw error
        }
    }

    private mutating func read() throws(RESPError) -> [[UInt8]]? {
        while self.missing == 0 {
            guard let first = self.buffer.first else { return nil }
            if first == UInt8(ascii: "*") {
                guard let line = try self.line("mbulk count") else { return nil }
                guard let count = Int64(redis: line.dropFirst()), count <= Int64(self.limits.count)
                else { throw RESPError("Protocol error: invalid multibulk length") }
                self.missing = max(0, Int(count))
            } else {
                guard let words = try self.readInline() else { return nil }
                if !words.isEmpty { return words }
            }
        }
        while self.missing > 0 {
            guard let word = try self.readWord() else { return nil }
            self.words.append(word)
            self.missing -= 1
        }
        defer { self.words = [] }
        return self.words
    }

    private mutating func readWord() throws(RESPError) -> [UInt8]? {
        if self.bulk == nil {
            guard let line = try self.line("bulk count") else { return nil }
            guard line.first == UInt8(ascii: "$") else {
                let found = String(decoding: line.prefix(1), as: UTF8.self)
                throw RESPError("Protocol error: expected '$', got '\(found)'")
            }
            guard let length = Int64(redis: line.dropFirst()),
                (0...Int64(self.limits.bulk)).contains(length)
            else { throw RESPError("Protocol error: invalid bulk length") }
            self.bulk = Int(length)
        }
        guard let length = self.bulk,
            // As Redis, which does not look at what stands where the word's line ends.
            let word = try self.buffer.take(length, endingWith: { _, _ throws(RESPError) in })
        else { return nil }
        self.bulk = nil
        return word
    }

    /// A sign and the number behind it, up to the end of the line; `nil` when it has not come.
    private mutating func line(_ what: String) throws(RESPError) -> ArraySlice<UInt8>? {
        // Long is long, whether its end has come or not: how bytes are cut must not matter.
        let limit = self.limits.line + 1
        let line = self.buffer.take(before: 0x0D, andBehind: 1)
        if line.map({ $0.count > limit }) ?? (self.buffer.count > limit + 1) {
            throw RESPError("Protocol error: too big \(what) string")
        }
        return line
    }

    private mutating func readInline() throws(RESPError) -> [[UInt8]]? {
        let found = self.buffer.take(before: 0x0A)
        if found?.count ?? self.buffer.count > self.limits.line {
            throw RESPError("Protocol error: too big inline request")
        }
        guard var line = found else { return nil }
        if line.last == 0x0D { line = line.dropLast() }
        guard let words = InlineWords.split(line) else {
            throw RESPError("Protocol error: unbalanced quotes in request")
        }
        return words
    }
}

/// The words of an inline command: separated by spaces, and what is between quotes stays together
/// (`sdssplitargs` of Redis).
private enum InlineWords {
    /// The words; `nil` where a quote is not closed, or text follows a closing one.
    static func split(_ line: ArraySlice<UInt8>) -> [[UInt8]]? {
        var words: [[UInt8]] = []
        var rest = line
        while true {
            rest = rest.drop(while: Self.isSpace)
            if rest.isEmpty { return words }
            guard let word = Self.word(&rest) else { return nil }
            words.append(word)
        }
    }

    private static func word(_ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
        var word: [UInt8] = []
        while let byte = rest.first, !Self.isSpace(byte) {
            rest = rest.dropFirst()
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                guard Self.readQuoted(&rest, until: byte, into: &word),
                    rest.first.map(Self.isSpace) ?? true
                else { return nil }
                return word
            default: word.append(byte)
            }
        }
        return word
    }

    private static func readQuoted(
        _ rest: inout ArraySlice<UInt8>, until quote: UInt8, into word: inout [UInt8]
    ) -> Bool {
        let hasEscapes = quote == UInt8(ascii: "\"")
        while let byte = rest.popFirst() {
            if byte == quote { return true }
            guard byte == UInt8(ascii: "\\"), let next = rest.first else {
                word.append(byte)
                continue
            }
            if hasEscapes {
                rest = rest.dropFirst()
                word.append(Self.escaped(next, &rest))
            } else if next == quote {
                rest = rest.dropFirst()
                word.append(quote)
            } else {
                word.append(byte)
            }
        }
        return false
    }

    private static func escaped(_ byte: UInt8, _ rest: inout ArraySlice<UInt8>) -> UInt8 {
        switch byte {
        case UInt8(ascii: "n"): return 0x0A
        case UInt8(ascii: "r"): return 0x0D
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "b"): return 0x08
        case UInt8(ascii: "a"): return 0x07
        case UInt8(ascii: "x"):
            let digits = rest.prefix(2)
            guard digits.count == 2, digits.allSatisfy(Self.isHexDigit),
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            else { return byte }
            rest = rest.dropFirst(2)
            return value
        default: return byte
        }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        UnicodeScalar(byte).properties.isASCIIHexDigit
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte)
    }
}
