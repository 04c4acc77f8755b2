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
}
