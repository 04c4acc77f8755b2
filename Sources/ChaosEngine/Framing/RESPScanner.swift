/// Commands and replies of the Redis serialization protocol, versions 2 and 3
/// (https://redis.io/docs/latest/develop/reference/protocol-spec/).
///
/// A request is an array of bulk strings or an inline command, which ends with a newline. A
/// response is one value with all that is nested in it, and the attributes in front of it; pushes
/// are messages of their own.
struct RESPScanner: MessageScanner {
    /// Arrays in arrays, deeper than any server sends them (hiredis stops at 9).
    private static let depthMax = 1024

    private let side: StreamSide
    private var place = Place.start
    private var number = RESPNumber()
    private var payload = CountedBytes()
    /// Whether the byte before was a carriage return.
    private var afterReturn = false
    /// The values that the current one is nested in, outermost first.
    private var open: [Frame] = []

    private enum Place {
        /// Before the byte that tells the type.
        case start
        /// In the length of a value of this type.
        case length(UInt8)
        /// In the text of a value that ends with its line.
        case line
        /// In a line that closes an aggregate of unknown length.
        case closing
        /// In an inline command.
        case inline
        /// In the bytes of a bulk string.
        case payload
        /// Behind the bytes of a bulk string.
        case terminator
    }

    private struct Frame {
        enum Kind { case counted, attribute, untilDot, chunks }
        let kind: Kind
        var missing = 0
    }

    init(side: StreamSide) { self.side = side }

    mutating func scan(_ bytes: Span<UInt8>, from offset: Int) -> Scan {
        var index = offset
        while index < bytes.count {
            if case .payload = self.place {
                guard let end = self.payload.end(in: bytes, from: index) else { break }
                self.place = .terminator
                self.afterReturn = false
                index = end
                continue
            }
            let step = self.take(bytes[index])
            index += 1
            switch step {
            case .on: continue
            case .finished:
                self.place = .start
                return .message(end: index)
            case .lost(let reason): return .lost(reason)
            }
        }
        if case .payload = self.place { return .more(atLeast: self.payload.missing + 2) }
        return .more(atLeast: 1)
    }

    private enum Step {
        case on
        case finished
        case lost(String)
    }

    private mutating func take(_ byte: UInt8) -> Step {
        switch self.place {
        case .start: return self.takeType(byte)
        case .length(let type): return self.takeLength(byte, of: type)
        case .inline:
            if byte == 0x0A { return .finished }
            return Self.isText(byte) ? .on : .lost(Self.notACommand(byte))
        case .line, .closing, .terminator: return self.takeLineEnd(byte)
        case .payload: preconditionFailure("bulk strings are counted, not read byte by byte")
        }
    }

    private mutating func takeType(_ byte: UInt8) -> Step {
        if self.side == .requests {
            if self.open.isEmpty {
                if byte == UInt8(ascii: "*") { return self.go(.length(byte)) }
                if byte == 0x0A { return .finished }
                guard Self.isText(byte) else { return .lost(Self.notACommand(byte)) }
                return self.go(.inline)
            }
            guard byte == UInt8(ascii: "$") else {
                return .lost("an argument starts with '$', found \(ByteText.quoted([byte]))")
            }
            return self.go(.length(byte))
        }
        if let frame = self.open.last, frame.kind == .chunks, byte != UInt8(ascii: ";") {
            return .lost("a piece of a string starts with ';', found \(ByteText.quoted([byte]))")
        }
        switch byte {
        case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: ":"), UInt8(ascii: "_"),
            UInt8(ascii: "#"), UInt8(ascii: ","), UInt8(ascii: "("):
            return self.go(.line)
        case UInt8(ascii: "$"), UInt8(ascii: "!"), UInt8(ascii: "="), UInt8(ascii: "*"),
            UInt8(ascii: "%"), UInt8(ascii: "~"), UInt8(ascii: ">"), UInt8(ascii: "|"):
            return self.go(.length(byte))
        case UInt8(ascii: ";") where self.open.last?.kind == .chunks:
            return self.go(.length(byte))
        case UInt8(ascii: ".") where self.open.last?.kind == .untilDot:
            return self.go(.closing)
        default:
            return .lost("a reply starts with the sign of a type, found \(ByteText.quoted([byte]))")
        }
    }

    private mutating func go(_ place: Place) -> Step {
        self.place = place
        self.afterReturn = false
        self.number = RESPNumber()
        return .on
    }

    private mutating func takeLength(_ byte: UInt8, of type: UInt8) -> Step {
        switch self.number.take(byte) {
        case .on: return .on
        case .lost(let reason): return .lost(reason)
        case .finished(let length): return self.begin(type, length: length)
        }
    }

    /// Begins a value of a type with a length; `nil` is a length not known yet (`?`).
    private mutating func begin(_ type: UInt8, length: Int?) -> Step {
        switch type {
        case UInt8(ascii: "$"), UInt8(ascii: "!"), UInt8(ascii: "="):
            guard let length else { return self.nest(Frame(kind: .chunks)) }
            if length >= 0 { return self.beginPayload(length) }
            if self.side == .requests { return .lost("an argument has a length of 0 or more") }
            return self.finishValue()
        case UInt8(ascii: ";"):
            guard let length, length >= 0 else {
                return .lost("a piece of a string has a length of 0 or more")
            }
            if length > 0 { return self.beginPayload(length) }
            self.open.removeLast()
            return self.finishValue()
        default:
            guard let length else {
                if self.side == .requests { return .lost("a command's length is a number") }
                return self.nest(Frame(kind: .untilDot))
            }
            let isMap = type == UInt8(ascii: "%") || type == UInt8(ascii: "|")
            let isAttribute = type == UInt8(ascii: "|")
            let (count, overflow) = length.multipliedReportingOverflow(by: isMap ? 2 : 1)
            if overflow { return .lost(RESPNumber.rule) }
            if count > 0 {
                return self.nest(Frame(kind: isAttribute ? .attribute : .counted, missing: count))
            }
            // An attribute is no value, even when it is empty.
            return isAttribute ? self.go(.start) : self.finishValue()
        }
    }

    private mutating func beginPayload(_ length: Int) -> Step {
        self.payload = CountedBytes(length)
        self.place = length > 0 ? .payload : .terminator
        self.afterReturn = false
        return .on
    }

    private mutating func nest(_ frame: Frame) -> Step {
        if self.open.count == Self.depthMax {
            return .lost("values nest at most \(Self.depthMax) levels deep")
        }
        self.open.append(frame)
        return self.go(.start)
    }

    private mutating func takeLineEnd(_ byte: UInt8) -> Step {
        if byte == 0x0A && self.afterReturn {
            if case .closing = self.place { self.open.removeLast() }
            return self.finishValue()
        }
        switch self.place {
        case .line:
            if byte == 0x0A { return .lost("a line ends with \\r\\n, found \\n alone") }
        default:
            if byte != 0x0D || self.afterReturn {
                return .lost("\\r\\n ends a value, found \(ByteText.quoted([byte]))")
            }
        }
        self.afterReturn = byte == 0x0D
        return .on
    }

    /// Counts a finished value in those that it is nested in.
    private mutating func finishValue() -> Step {
        while var frame = self.open.popLast() {
            if frame.kind == .counted || frame.kind == .attribute { frame.missing -= 1 }
            if frame.kind == .untilDot || frame.kind == .chunks || frame.missing > 0 {
                self.open.append(frame)
                return self.go(.start)
            }
            // The value that an attribute describes comes behind it.
            if frame.kind == .attribute { return self.go(.start) }
        }
        return .finished
    }

    private static func isText(_ byte: UInt8) -> Bool {
        byte >= 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A
    }

    private static func notACommand(_ byte: UInt8) -> String {
        "a command is an array or a line of text, found \(ByteText.quoted([byte]))"
    }
}
