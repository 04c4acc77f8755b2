import ChaosCore

/// One whole message, read as far as matches, journals and corruption need it.
///
/// Bytes that are not what the framing promises give no type and no fields, never a crash.
package struct MessageView: Sendable {
    /// How the message was told apart from others.
    package let framing: Framing
    /// Which side sent it.
    package let side: StreamSide
    /// All bytes of the message, framing included.
    package let bytes: [UInt8]

    let content: MessageContent

    /// Reads one whole message, as a ``Framer`` found it.
    package init(framing: Framing, side: StreamSide, bytes: [UInt8]) {
        self.framing = framing
        self.side = side
        self.bytes = bytes
        self.content = MessageContent(framing, side, bytes)
    }

    /// Reads one whole message out of a copy of its bytes.
    ///
    /// - Parameter fields: What its header block says, which in HTTP/2 nobody can tell who has not read all
    ///   those before it.
    init(framing: Framing, side: StreamSide, bytes: Span<UInt8>, fields: HTTP2Fields? = nil) {
        var copy: [UInt8] = []
        copy.reserveCapacity(bytes.count)
        for index in bytes.indices { copy.append(bytes[index]) }
        self.framing = framing
        self.side = side
        self.bytes = copy
        self.content = MessageContent(framing, side, copy, fields)
    }

    /// What kind of message it is, if that can be told.
    ///
    /// - `lines`, `length16`, `length32`, `varint`: the text at `body.type`, else at `type`, of a
    ///   JSON object.
    /// - `resp`: a command in upper case, such as `GET`; the kind of a reply: `simple`, `error`,
    ///   `integer`, `bulk`, `array`, `null`, `boolean`, `double`, `bignumber`, `bulkerror`,
    ///   `verbatim`, `map`, `set` or `push`.
    /// - `http1`, `http2`: a request's method; a response's status, such as `200`; in HTTP/2 the name of any
    ///   other frame, such as `DATA`.
    package var type: String? {
        switch self.content {
        case .opaque: nil
        case .json(let value):
            value.value(at: "body.type")?.stringValue ?? value["type"]?.stringValue
        case .resp(let message): message.type
        case .http1(let message): message.type
        case .http2(let message): message.type
        }
    }

    /// The value at a dotted path, if there is one.
    ///
    /// In JSON the path goes through the members of objects: `body.key`. HTTP has `method`, `path`
    /// (without query), `target`, `status` and `header.NAME`, whatever the name's case; a header
    /// given several times has its values joined by `, `; HTTP/2 also `frame` and `stream`. RESP commands have `command`, `key` (the
    /// first argument) and `arg.N`, counted from 1; bytes that are not UTF-8 read as U+FFFD.
    package func field(_ path: String) -> JSONValue? {
        switch self.content {
        case .opaque: nil
        case .json(let value): value.value(at: path)
        case .resp(let message): message.field(path)
        case .http1(let message): message.field(path)
        case .http2(let message): message.field(path)
        }
    }

    /// What people recognise the message by: its first bytes as text, or what is written in a frame of HTTP/2.
    package func preview(_ bytes: Int) -> String {
        if case .http2(let message) = self.content,
            let text = message.preview(of: self.bytes, bytes)
        {
            return text
        }
        return String(decoding: self.bytes.prefix(bytes), as: UTF8.self)
    }

    /// The ids by which a message of a Maelstrom node and its reply find each other: `body.msg_id`
    /// and `body.in_reply_to`. A request and a response of HTTP/2 have their stream in common.
    package var correlation: MessageCorrelation {
        if case .http2(let message) = self.content, let stream = message.head?.stream {
            return self.side == .requests
                ? MessageCorrelation(messageID: Int64(stream), inReplyTo: nil)
                : MessageCorrelation(messageID: nil, inReplyTo: Int64(stream))
        }
        guard case .json(let value) = self.content, let body = value["body"] else {
            return MessageCorrelation(messageID: nil, inReplyTo: nil)
        }
        return MessageCorrelation(
            messageID: body["msg_id"]?.intValue, inReplyTo: body["in_reply_to"]?.intValue)
    }
}

/// The ids of a message in Maelstrom's envelope, where it has them.
package struct MessageCorrelation: Hashable, Sendable {
    /// The sender's number of this message.
    package let messageID: Int64?
    /// The number of the message that this one answers.
    package let inReplyTo: Int64?

    /// Names the ids.
    package init(messageID: Int64?, inReplyTo: Int64?) {
        self.messageID = messageID
        self.inReplyTo = inReplyTo
    }
}

/// What the bytes of a message mean.
enum MessageContent: Sendable {
    case opaque
    case json(JSONValue)
    case resp(RESPMessage)
    case http1(HTTP1Message)
    case http2(HTTP2Message)

    init(
        _ framing: Framing, _ side: StreamSide, _ bytes: [UInt8], _ fields: HTTP2Fields? = nil
    ) {
        switch framing {
        case .none: self = .opaque
        case .resp: self = RESPMessage(bytes, side).map { .resp($0) } ?? .opaque
        case .http1: self = HTTP1Message(bytes, side).map { .http1($0) } ?? .opaque
        case .http2: self = HTTP2Message(bytes, fields).map { .http2($0) } ?? .opaque
        case .lines, .length16, .length32, .varint:
            let payload = bytes[framing.payload(of: bytes)]
            // Reading bytes that are plainly no object would cost as much as reading one.
            let first = payload.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }
            guard first == UInt8(ascii: "{"), let value = try? JSONValue(parsing: payload) else {
                self = .opaque
                return
            }
            self = .json(value)
        }
    }
}

extension Framing {
    /// Where the payload lies in a message of a framing that does not look into it.
    func payload(of bytes: [UInt8]) -> Range<Int> {
        switch self {
        case .length16: return min(2, bytes.count)..<bytes.count
        case .length32: return min(4, bytes.count)..<bytes.count
        case .varint:
            let last = bytes.firstIndex { $0 & 0x80 == 0 }
            return (last.map { $0 + 1 } ?? bytes.count)..<bytes.count
        case .lines:
            guard bytes.last == 0x0A else { return 0..<bytes.count }
            let hasReturn = bytes.count > 1 && bytes[bytes.count - 2] == 0x0D
            return 0..<(bytes.count - (hasReturn ? 2 : 1))
        case .none, .resp, .http1, .http2: return 0..<0
        }
    }
}
