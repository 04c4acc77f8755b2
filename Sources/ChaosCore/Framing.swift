/// How messages are told apart in a byte stream.
package enum Framing: String, CaseIterable, Sendable {
    /// No messages: a stream of bytes.
    case none
    /// Each message ends with a newline.
    case lines
    /// A big-endian 16-bit length, then that many bytes.
    case length16
    /// A big-endian 32-bit length, then that many bytes.
    case length32
    /// A base-128 varint length (Protocol Buffers), then that many bytes.
    case varint
    /// Redis serialization protocol, versions 2 and 3.
    case resp
    /// HTTP/1.1 requests and responses (RFC 9112).
    case http1
    /// HTTP/2 (RFC 9113) without TLS, from its first byte on: each frame is a message.
    case http2

    /// Whether any message may be left out and the connection lives on. What HTTP/2's peers tell each other
    /// of the connection itself may not.
    package var messagesStandAlone: Bool { self != .none && self != .http2 }
}
