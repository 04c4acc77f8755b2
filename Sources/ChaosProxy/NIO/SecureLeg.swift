import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS

// TLS on one socket of a proxied connection:
//
//   socket ─ SocketEdge ─ TLS ─ LegHandler
//
// The engine sees what is inside: toxics act on plain bytes.

/// Closes a socket past the TLS in front of it, which would first say goodbye.
final class SocketEdge: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Closes the socket at once.
    func close() { self.context?.close(promise: nil) }
}

/// The TLS of one socket.
final class SecureLeg {
    /// How long a peer may take to agree on keys.
    static let handshakeTime = TimeAmount.seconds(10)

    private let edge = SocketEdge()
    /// The name that the client asked for (RFC 6066, section 3).
    private(set) var askedName: String?

    /// Puts a server's TLS in front of a socket that was accepted.
    init(serving context: NIOSSLContext, _ channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(self.edge)
        let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
        let names = ByteToMessageHandler(
            SNIHandler { result in
                channel.eventLoop.makeCompletedFuture {
                    if case .hostname(let name) = result { bound.value.askedName = name }
                    let edge = try channel.pipeline.syncOperations.handler(
                        type: ByteToMessageHandler<SNIHandler>.self)
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLServerHandler(context: context), position: .after(edge))
                }
            })
        try pipeline.addHandler(names)
    }

    /// Puts a client's TLS in front of a socket that dials, or has dialled.
    init(dialling context: NIOSSLContext, name: String?, _ channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(self.edge)
        let isAddress = name.map { (try? SocketAddress(ipAddress: $0, port: 0)) != nil } ?? true
        try pipeline.addHandler(
            try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : name))
    }

    func close() { self.edge.close() }

    /// Why a handshake failed, in a few words.
    static func reason(_ error: any Error) -> String {
        if let error = error as? NIOSSLExtraError, error == .failedToValidateHostname {
            return "the certificate is for another name"
        }
        if case NIOSSLError.handshakeFailed(let inner) = error {
            return "the TLS handshake failed: \(inner)"
        }
        return "the TLS handshake failed: \(SocketFailure.reason(error))"
    }
}
