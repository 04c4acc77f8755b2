import ChaosCore

@testable import ChaosEngine

/// Frames of HTTP/2, written by hand.
enum HTTP2Frames {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    static let settings = Self.frame(4, 0, 0, [0, 3, 0, 0, 0, 100])
    static let settingsAcknowledgement = Self.frame(4, 1, 0, [])

    static func frame(_ type: UInt8, _ flags: UInt8, _ stream: Int, _ payload: [UInt8]) -> [UInt8] {
        let size = payload.count
        return [UInt8(size >> 16), UInt8(size >> 8 & 0xFF), UInt8(size & 0xFF), type, flags]
            + [24, 16, 8, 0].map { UInt8(stream >> $0 & 0xFF) } + payload
    }

    static func data(_ stream: Int, _ text: String, ends: Bool = true) -> [UInt8] {
        Self.frame(0, ends ? 1 : 0, stream, Array(text.utf8))
    }

    /// HEADERS with a block that is whole.
    static func headers(_ stream: Int, _ block: [UInt8], ends: Bool = true) -> [UInt8] {
        Self.frame(1, ends ? 5 : 4, stream, block)
    }

    static func reset(_ stream: Int) -> [UInt8] { Self.frame(3, 0, stream, [0, 0, 0, 8]) }

    /// A literal that everybody keeps in his table (RFC 7541 section 6.2.1).
    static func kept(_ name: String, _ value: String) -> [UInt8] {
        [0x40, UInt8(name.utf8.count)] + name.utf8 + [UInt8(value.utf8.count)] + value.utf8
    }

    /// `GET` `http` of the static table, a path that is kept, and an authority that is kept.
    static func get(_ path: String) -> [UInt8] {
        [0x82, 0x86] + [0x44, UInt8(path.utf8.count)] + path.utf8 + Self.kept("x-by", "a")
    }

    /// The same request by what the last one left in the table: its name and value have the number 62,
    /// the path before it 63.
    static let sameAgain: [UInt8] = [0x82, 0x86, 0xBF, 0xBE]

    /// What a receiver makes of one side of a connection: a line for each message.
    static func read(_ bytes: [UInt8], _ side: StreamSide) -> [String] {
        var framer = Framer(.http2, side: side)
        var lines: [String] = []
        var offset = 0
        while offset < bytes.count {
            guard case .message(let end) = framer.next(bytes.span, from: offset) else {
                lines.append(framer.desynchronised ?? "unfinished")
                return lines
            }
            let fields = framer.takeFields()
            let message = HTTP2Message(Array(bytes[offset..<end]), fields)
            offset = end
            guard let message, let head = message.head else {
                lines.append("PREFACE")
                continue
            }
            var line = "\(head.name) \(head.stream)"
            if let fields {
                line += " " + fields.all.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
            }
            if head.kind == .windowUpdate {
                line += " \(bytes[(end - 4)..<end].reduce(0) { $0 << 8 | Int($1) })"
            }
            if let data = message.data {
                line += " " + String(decoding: bytes[(end - data.count)..<end], as: UTF8.self)
            }
            lines.append(line)
        }
        return lines
    }
}
