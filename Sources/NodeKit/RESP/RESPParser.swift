/// Finds values in a stream of bytes, however the stream happens to be cut: what is not there yet is
/// waited for, and what comes after a value is kept for the next one.
///
/// ```swift
/// var parser = RESPParser()
/// parser.append("+OK\r".utf8)
/// try parser.next()              // nil: more must come
/// parser.append("\n:1\r\n".utf8)
/// try parser.next()              // OK
/// try parser.next()              // 1
/// ```
///
/// Source: Redis serialization protocol specification, version 2.
package struct RESPParser: Sendable {
    private struct OpenArray {
        var missing: Int
        var elements: [RESPValue] = []
    }

    private enum Step {
        case value(RESPValue)
        /// An array with elements begins.
        case open(Int)
        case more
    }

    private let limits: RESPLimits
    private var buffer = RESPBuffer()
    /// The arrays that the next value lies in, outermost first.
    private var open: [OpenArray] = []
    /// The length of the bulk string whose bytes come next.
    private var bulk: Int?
    private var failure: RESPError?

    package init(limits: RESPLimits = RESPLimits()) { self.limits = limits }

    /// Takes in bytes.
    package mutating func append(_ bytes: some Collection<UInt8>) { self.buffer.append(bytes) }

    /// What has come and belongs to no value yet.
    package var rest: [UInt8] { self.buffer.rest }

    /// Whether the stream is between two values.
    package var isAtBoundary: Bool {
        self.buffer.count == 0 && self.open.isEmpty && self.bulk == nil
    }

    /// The next value; `nil` when more must come.
    ///
    /// - Throws: `RESPError`, now and ever after: where one value went wrong, nobody knows where the
    ///   next one begins.
    package mutating func next() throws(RESPError) -> RESPValue? {
        if let failure = self.failure { throw failure }
        do {
            return try self.read()
        } catch {
            self.failure = error
            throw error
        }
    }

    private mutating func read() throws(RESPError) -> RESPValue? {
        while true {
            switch try self.step() {
            case .more: return nil
            case .open(let count):
                if self.open.count == self.limits.depth {
                    throw RESPError("arrays nest at most \(self.limits.depth) levels deep")
                }
                self.open.append(OpenArray(missing: count))
            case .value(let value):
                if let whole = self.place(value) { return whole }
            }
        }
    }

    /// Puts a value into the array that it belongs to; returns what is complete with it.
    private mutating func place(_ value: RESPValue) -> RESPValue? {
        var value = value
        while var array = self.open.popLast() {
            array.elements.append(value)
            array.missing -= 1
            if array.missing > 0 {
                self.open.append(array)
                return nil
            }
            value = .array(array.elements)
        }
        return value
    }

    private mutating func step() throws(RESPError) -> Step {
        if let length = self.bulk {
            let payload = try self.buffer.take(length) { first, second throws(RESPError) in
                guard first == 0x0D, second == 0x0A else {
                    throw RESPError("\\r\\n ends a bulk string, found \(quoted([first, second]))")
                }
            }
            guard let payload else { return .more }
            self.bulk = nil
            return .value(.bulk(payload))
        }
        // Before the line has come, so that garbage is not waited for.
        if let sign = self.buffer.first, !Self.signs.contains(sign) {
            throw RESPError("a value starts with one of + - : $ *, found \(quoted([sign]))")
        }
        guard let line = try self.line() else { return .more }
        let text = line.dropFirst()
        switch line.first {
        case UInt8(ascii: "+"): return .value(.simple(Array(text)))
        case UInt8(ascii: "-"): return .value(.error(Array(text)))
        case UInt8(ascii: ":"): return .value(.integer(try Self.number(text, "an integer")))
        case UInt8(ascii: "$"):
            let length = try Self.length(text, "a bulk string", limit: self.limits.bulk)
            self.bulk = length
            return length == nil ? .value(.absent) : try self.step()
        default:
            guard let count = try Self.length(text, "an array", limit: self.limits.count) else {
                return .value(.absentArray)
            }
            return count == 0 ? .value(.array([])) : .open(count)
        }
    }

    private static let signs = Array("+-:$*".utf8)

    /// The next line without its end; `nil` when it has not come whole.
    private mutating func line() throws(RESPError) -> [UInt8]? {
        guard let line = self.buffer.take(before: 0x0A) else {
            if self.buffer.count > self.limits.line + 1 { throw self.tooLong }
            return nil
        }
        guard line.last == 0x0D, !line.dropLast().contains(0x0D) else {
            throw RESPError("a line ends with \\r\\n, found \(quoted(line.suffix(8) + [0x0A]))")
        }
        if line.count > self.limits.line + 1 { throw self.tooLong }
        return Array(line.dropLast())
    }

    private var tooLong: RESPError {
        RESPError("a line has at most \(self.limits.line) bytes, found more")
    }

    private static func number(
        _ text: ArraySlice<UInt8>, _ what: String
    ) throws(RESPError) -> Int64 {
        guard let number = Int64(String(decoding: text, as: UTF8.self)) else {
            throw RESPError(
                "\(what) is a whole number of 64 bits, found \(quoted(text.prefix(32)))")
        }
        return number
    }

    /// A length; `nil` is −1, which says that there is nothing.
    private static func length(
        _ text: ArraySlice<UInt8>, _ what: String, limit: Int
    ) throws(RESPError) -> Int? {
        let number = try Self.number(text, "the length of \(what)")
        if number == -1 { return nil }
        guard number >= 0, number <= Int64(limit) else {
            throw RESPError("the length of \(what) is from -1 to \(limit), found '\(number)'")
        }
        return Int(number)
    }
}

/// Bytes as text between quotes, with escapes for what cannot be seen.
private func quoted(_ bytes: some Collection<UInt8>) -> String {
    let text = bytes.map { byte in
        switch byte {
        case 0x0A: "\\n"
        case 0x0D: "\\r"
        case 0x20..<0x7F: String(UnicodeScalar(byte))
        default: "\\x" + String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
    }
    return "'\(text.joined())'"
}
