/// The elements of a JSON array as bytes, so that each can be read by itself and told by its line.
struct JSONPieces {
    struct Piece {
        let bytes: ArraySlice<UInt8>
        let line: Int
    }

    private(set) var pieces: [Piece] = []

    /// Cuts the array at the commas outside strings and nested values.
    init(_ bytes: [UInt8]) throws(HistoryError) {
        var lines = LineCounter(bytes)
        let isSpace: (UInt8) -> Bool = { $0 <= 0x20 }
        guard let first = bytes.firstIndex(where: { !isSpace($0) }),
            let last = bytes.lastIndex(where: { !isSpace($0) }),
            bytes[first] == UInt8(ascii: "["), bytes[last] == UInt8(ascii: "]"), last > first
        else {
            throw HistoryError(
                line: lines.line(at: bytes.count), rule: "an array must end with ']'")
        }
        var start = first + 1
        var depth = 0
        var isString = false
        var isEscaped = false
        for index in first + 1...last {
            let byte = bytes[index]
            if isString {
                let endsHere = byte == UInt8(ascii: "\"") && !isEscaped
                isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
                if endsHere { isString = false }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isString = true
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]") where index == last, UInt8(ascii: ",") where depth == 0:
                let piece = bytes[start..<index]
                let content = piece.firstIndex { !isSpace($0) }
                if let content {
                    self.pieces.append(Piece(bytes: piece, line: lines.line(at: content)))
                } else if byte == UInt8(ascii: ",") || !self.pieces.isEmpty {
                    throw HistoryError(
                        line: lines.line(at: index), rule: "an event must stand between commas")
                }
                start = index + 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
        }
        if isString {
            throw HistoryError(
                line: lines.line(at: bytes.count), rule: "a string must end with a quote")
        }
    }
}
