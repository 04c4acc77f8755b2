import ChaosCore

/// A command or reply of the Redis protocol, as far as matches and corruption need it.
struct RESPMessage: Sendable {
    /// The command, as sent, and its arguments; `nil` of a reply.
    let arguments: [Range<Int>]?
    /// The kind of a reply; `nil` of a command.
    let kind: String?
    /// The bytes of all bulk strings, nested ones included, in order.
    let bulks: [Range<Int>]

    private let bytes: [UInt8]

    /// Reads a whole message; `nil` if the bytes are none.
    init?(_ bytes: [UInt8], _ side: StreamSide) {
        var reader = RESPTokens(bytes)
        var bulks: [Range<Int>] = []
        var kind: String?
        // How many values at the beginning are only attributes.
        var attributes = 0
        if side == .requests && bytes.first != UInt8(ascii: "*") {
            self.arguments = Self.words(bytes)
            self.kind = nil
        } else {
            while let token = reader.next() {
                if let bulk = token.bulk { bulks.append(bulk) }
                guard kind == nil else { continue }
                if token.sign == UInt8(ascii: "|") {
                    attributes += token.children
                } else if attributes > 0 {
                    attributes += token.children - 1
                } else {
                    kind = token.kind
                }
            }
            if !reader.isAtEnd { return nil }
            self.arguments = side == .requests ? bulks : nil
            self.kind = side == .requests ? nil : kind
        }
        self.bulks = bulks
        self.bytes = bytes
    }

    var type: String? {
        guard let command = self.arguments?.first else { return self.kind }
        return self.text(command).uppercased()
    }

    func field(_ path: String) -> JSONValue? {
        guard let arguments = self.arguments else { return nil }
        let index: Int
        switch path {
        case "command": return self.type.map { .string($0) }
        case "key": index = 1
        default:
            guard path.hasPrefix("arg."), let number = Int(path.dropFirst(4)), number > 0 else {
                return nil
            }
            index = number
        }
        return index < arguments.count ? .string(self.text(arguments[index])) : nil
    }

    private func text(_ range: Range<Int>) -> String {
        String(decoding: self.bytes[range], as: UTF8.self)
    }

    /// The words of an inline command. Quotes are not looked into.
    private static func words(_ bytes: [UInt8]) -> [Range<Int>] {
        bytes.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D || $0 == 0x0A }
            .map { $0.startIndex..<$0.endIndex }
    }
}

/// The values of a RESP message one after another, as if nothing were nested.
private struct RESPTokens {
    struct Token {
        let sign: UInt8
        /// Where the bytes of a bulk string lie.
        var bulk: Range<Int>?
        /// How many values of an aggregate follow. One of unknown length counts as its first value
        /// and the rest, which is exact enough: such attributes do not exist.
        var children = 0
        var isNull = false

        var kind: String? {
            if self.isNull { return "null" }
            switch self.sign {
            case UInt8(ascii: "+"): return "simple"
            case UInt8(ascii: "-"): return "error"
            case UInt8(ascii: ":"): return "integer"
            case UInt8(ascii: "$"): return "bulk"
            case UInt8(ascii: "*"): return "array"
            case UInt8(ascii: "_"): return "null"
            case UInt8(ascii: "#"): return "boolean"
            case UInt8(ascii: ","): return "double"
            case UInt8(ascii: "("): return "bignumber"
            case UInt8(ascii: "!"): return "bulkerror"
            case UInt8(ascii: "="): return "verbatim"
            case UInt8(ascii: "%"): return "map"
            case UInt8(ascii: "~"): return "set"
            case UInt8(ascii: ">"): return "push"
            default: return nil
            }
        }
    }

    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { self.position == self.bytes.count }

    /// The next value; `nil` at the end and before bytes that are none.
    mutating func next() -> Token? {
        guard self.position < self.bytes.count,
            let lineEnd = self.bytes[self.position...].firstIndex(of: 0x0A),
            lineEnd > self.position + 1, self.bytes[lineEnd - 1] == 0x0D
        else { return nil }
        var token = Token(sign: self.bytes[self.position])
        let text = self.bytes[(self.position + 1)..<(lineEnd - 1)]
        let number = Int(String(decoding: text, as: UTF8.self))
        switch token.sign {
        case UInt8(ascii: "$"), UInt8(ascii: "!"), UInt8(ascii: "="), UInt8(ascii: ";"):
            token.isNull = (number ?? 0) < 0
            guard let length = number,
                length > 0 || (length == 0 && token.sign != UInt8(ascii: ";"))
            else { break }
            guard length <= self.bytes.count - lineEnd - 3 else { return nil }
            token.bulk = (lineEnd + 1)..<(lineEnd + 1 + length)
            self.position = lineEnd + length + 3
            return token
        case UInt8(ascii: "*"), UInt8(ascii: "~"), UInt8(ascii: ">"):
            token.isNull = (number ?? 0) < 0
            token.children = min(max(number ?? 1, 0), self.bytes.count)
        case UInt8(ascii: "%"), UInt8(ascii: "|"):
            token.children = 2 * min(max(number ?? 1, 0), self.bytes.count)
        default: break
        }
        self.position = lineEnd + 1
        return token
    }
}
