/// A value of the Redis serialization protocol, version 2
/// (https://redis.io/docs/latest/develop/reference/protocol-spec/).
///
/// Texts are bytes, because a server may send any. An error is a value like any other: it is the
/// answer to a request, not a failure of the connection.
package enum RESPValue: Hashable, Sendable {
    /// `+OK`: a line.
    case simple([UInt8])
    /// `-ERR reason`: a line.
    case error([UInt8])
    /// `:42`
    case integer(Int64)
    /// `$5` and so many bytes of any kind.
    case bulk([UInt8])
    /// `*2` and so many values.
    case array([RESPValue])
    /// `$-1`: nothing where a bulk string might be.
    case absent
    /// `*-1`: nothing where an array might be.
    case absentArray

    /// The answer of commands that have none.
    package static let ok = RESPValue.line("OK")

    /// A simple string.
    package static func line(_ text: String) -> RESPValue { .simple(Array(text.utf8)) }

    /// An error: its kind in capitals, then a sentence.
    package static func failure(_ text: String) -> RESPValue { .error(Array(text.utf8)) }

    /// A bulk string.
    package static func text(_ text: String) -> RESPValue { .bulk(Array(text.utf8)) }

    /// A command as clients send it: an array of bulk strings.
    package static func command(_ words: [[UInt8]]) -> RESPValue { .array(words.map { .bulk($0) }) }

    /// The bytes on the wire.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        self.write(to: &bytes)
        return bytes
    }

    /// Adds the bytes on the wire. In a line, carriage return and line feed become spaces, as Redis
    /// has it: there they would end the value.
    package func write(to bytes: inout [UInt8]) {
        switch self {
        case .simple(let text): Self.write("+", line: text, to: &bytes)
        case .error(let text): Self.write("-", line: text, to: &bytes)
        case .integer(let number): Self.write(":", number, to: &bytes)
        case .bulk(let payload):
            Self.write("$", Int64(payload.count), to: &bytes)
            bytes.append(contentsOf: payload)
            bytes.append(contentsOf: Self.lineEnd)
        case .array(let elements):
            Self.write("*", Int64(elements.count), to: &bytes)
            for element in elements { element.write(to: &bytes) }
        case .absent: Self.write("$", -1, to: &bytes)
        case .absentArray: Self.write("*", -1, to: &bytes)
        }
    }

    private static let lineEnd: [UInt8] = [0x0D, 0x0A]

    private static func write(
        _ sign: Unicode.Scalar, line: [UInt8], to bytes: inout [UInt8]
    ) {
        bytes.append(UInt8(ascii: sign))
        bytes.append(contentsOf: line.lazy.map { Self.lineEnd.contains($0) ? 0x20 : $0 })
        bytes.append(contentsOf: Self.lineEnd)
    }

    private static func write(_ sign: Unicode.Scalar, _ number: Int64, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: sign))
        bytes.append(contentsOf: String(number).utf8)
        bytes.append(contentsOf: Self.lineEnd)
    }
}

extension RESPValue: CustomStringConvertible {
    /// The value as `redis-cli` shows it, on one line.
    package var description: String {
        switch self {
        case .simple(let text): String(decoding: text, as: UTF8.self)
        case .error(let text): "(error) \(String(decoding: text, as: UTF8.self))"
        case .integer(let number): "(integer) \(number)"
        case .bulk(let payload): "\"\(String(decoding: payload, as: UTF8.self))\""
        case .array(let elements): "[\(elements.map(\.description).joined(separator: ", "))]"
        case .absent, .absentArray: "(nil)"
        }
    }
}

/// Bounds on what a peer may send.
package struct RESPLimits: Hashable, Sendable {
    /// The most bytes of a line, its end not counted.
    package var line = 64 * 1024
    /// The most bytes of a bulk string: `proto-max-bulk-len` of Redis, 512 MiB.
    package var bulk = 512 * 1024 * 1024
    /// The most elements of an array.
    package var count = 1024 * 1024
    /// How deep arrays may lie in arrays.
    package var depth = 32

    package init() {}
}

/// Says why bytes are not what the protocol has in their place.
package struct RESPError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rule and what was found, as a sentence without a full stop.
    package let description: String

    init(_ description: String) { self.description = description }
}
