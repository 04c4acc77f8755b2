import ChaosCore

/// A message interpreted only when somebody asks for it, and then once.
struct LazyMessageView {
    let framing: Framing
    let side: StreamSide
    /// The message; nothing where nobody will ask for what is in it.
    let bytes: Chunk?
    /// What the header block of HTTP/2 says that it is.
    let fields: HTTP2Fields?
    private var read: MessageView?

    init(framing: Framing, side: StreamSide, bytes: Chunk?, fields: HTTP2Fields? = nil) {
        self.framing = framing
        self.side = side
        self.bytes = bytes
        self.fields = fields
    }

    /// The interpreted message.
    var value: MessageView {
        mutating get {
            if let read = self.read { return read }
            guard let bytes = self.bytes else {
                preconditionFailure(
                    "a message that must be looked at is not decided by its ordinal")
            }
            let view = bytes.withSpan { span in
                MessageView(
                    framing: self.framing, side: self.side, bytes: span, fields: self.fields)
            }
            self.read = view
            return view
        }
    }

    /// Whether the message answers a request: an interim response of HTTP (RFC 9110 section 15.2)
    /// and what a RESP server pushes do not.
    var isReply: Bool {
        guard let bytes = self.bytes else { return true }
        if self.framing == .http2 { return self.fields?.beginsMessage == true }
        return bytes.withSpan { Self.isReply($0, from: 0, self.framing) }
    }

    /// Whether the message that begins at an offset answers a request.
    static func isReply(_ bytes: Span<UInt8>, from offset: Int, _ framing: Framing) -> Bool {
        switch framing {
        case .resp: return bytes.count <= offset || bytes[offset] != UInt8(ascii: ">")
        case .http1:
            // HTTP/1.1 1xx; 101 is the last response.
            guard bytes.count > offset + 11, bytes[offset + 9] == UInt8(ascii: "1") else {
                return true
            }
            return bytes[offset + 11] == UInt8(ascii: "1")
        default: return true
        }
    }
}
