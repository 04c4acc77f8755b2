/// What a scanner found in the bytes it was shown.
enum Scan {
    /// All bytes belong to a message that is not finished. It needs at least that many bytes more,
    /// as far as it has told.
    case more(atLeast: Int)
    /// The message ends before this index.
    case message(end: Int)
    /// The bytes are not what the framing allows; the reason is a clause.
    case lost(String)
}

/// Finds the ends of messages of one framing. A ``Framer`` drives it and keeps limits and sync.
protocol MessageScanner: Sendable {
    /// Looks at the bytes from `offset` on, of which there is at least one. It is shown every byte
    /// once.
    mutating func scan(_ bytes: Span<UInt8>, from offset: Int) -> Scan

    /// Whether the end of the stream finishes the current message.
    var endsWithStream: Bool { get }
    /// Whether the current or just finished message must not be held back.
    var mustStream: Bool { get }
    /// Why nothing behind the just finished message is a message any more, if so.
    var lossAfterMessage: String? { get }

    /// See ``Framer/noteRequest(method:)``.
    mutating func noteRequest(method: String)
    /// See ``Framer/takeRequestMethods()``.
    mutating func takeRequestMethods() -> [String]
    /// See ``Framer/takeFields()``.
    mutating func takeFields() -> HTTP2Fields?
}

extension MessageScanner {
    var endsWithStream: Bool { false }
    var mustStream: Bool { false }
    var lossAfterMessage: String? { nil }
    mutating func noteRequest(method: String) {}
    mutating func takeRequestMethods() -> [String] { [] }
    mutating func takeFields() -> HTTP2Fields? { nil }
}

/// How bytes that a person should see are written in a sentence.
enum ByteText {
    /// Printable ASCII as it is, other bytes as `\xHH`; at most 24 bytes of it.
    static func quoted(_ bytes: some Sequence<UInt8>) -> String {
        var text = ""
        for (index, byte) in bytes.enumerated() {
            if index == 24 { return "'\(text)…'" }
            if byte >= 0x20 && byte < 0x7F {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += byte < 0x10 ? "\\x0" : "\\x"
                text += String(byte, radix: 16)
            }
        }
        return "'\(text)'"
    }
}
