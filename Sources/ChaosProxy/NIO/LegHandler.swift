import ChaosEngine
import NIOCore
import NIOSSL
import NIOTLS

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

// One socket of a proxied connection. NIO tells its end in several ways; here they become three: the
// peer ended its stream, the socket failed, the socket is closed.

/// Carries out writes and ends on one socket, and reports what happens to it.
final class LegHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How long a socket that is closed on purpose still takes in and forgets what its peer sends.
    /// A socket closed over unread bytes sends a reset, which can destroy what was written before.
    static let lingerTime = TimeAmount.seconds(5)

    let leg: Leg
    private let channel: any Channel
    private var connection: ProxyConnection?
    private var context: ChannelHandlerContext?
    private let isLocal: Bool
    /// The TLS in front of it, if there is some.
    private let secure: SecureLeg?
    private var handshakeTimer: Scheduled<Void>?
    /// Whether the kernel discards what arrives; unknown for sockets of a listener that was deaf.
    private var isDeaf: Bool?

    private(set) var isConnected = false
    private(set) var isClosed = false
    private var hasInputEnded = false
    private var isOutputClosed = false
    private var hasFailed = false
    private var isLingering = false

    init(
        _ leg: Leg, of connection: ProxyConnection, on channel: any Channel, isDeaf: Bool?,
        secure: SecureLeg? = nil
    ) {
        self.secure = secure
        self.leg = leg
        self.connection = connection
        self.channel = channel
        self.isDeaf = isDeaf
        self.isLocal = channel.localAddress?.protocol == .unix
    }

    // MARK: - What the connection wants

    /// Whether bytes may be written. A local socket whose peer closed it takes them too, and then
    /// fails: there is no other way to learn that the peer will not read.
    var canTakeBytes: Bool { self.isConnected && (self.isClosed || self.channel.isWritable) }

    /// The name that a client asked for in TLS.
    var askedName: String? { self.secure?.askedName }

    /// How many bytes wait for room in the kernel.
    var bufferedBytes: Int {
        (try? self.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    func write(_ bytes: ByteBuffer) {
        if self.isClosed {
            self.connection?.failed(self.leg)
        } else {
            self.context?.writeAndFlush(Self.wrapOutboundOut(bytes), promise: nil)
        }
    }

    /// Asks for one read.
    func read() {
        if self.isConnected && !self.hasInputEnded { self.context?.read() }
    }

    /// Makes the socket deaf or lets it hear again.
    func setDeaf(_ isDeaf: Bool) {
        if self.isDeaf == isDeaf || self.isClosed { return }
        self.isDeaf = isDeaf
        _ = Deafness.set(isDeaf, on: self.channel)
    }

    /// Ends the stream to the peer (FIN), behind everything written.
    func closeOutput() {
        guard !self.isClosed, let context = self.context else { return }
        // NIO fails pending writes when a socket whose input has ended is closed, so closing waits
        // for them.
        context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer())).assumeIsolated()
            .whenSuccess {
                if self.isClosed || self.isOutputClosed { return }
                self.isOutputClosed = true
                self.channel.close(mode: .output, promise: nil)
                if self.isLingering && !self.isClosed { self.forgetInput() }
            }
    }

    /// Closes the socket behind everything written; what still arrives is forgotten.
    func close() {
        if self.isClosed { return }
        if !self.isConnected { return self.closeSocket() }
        self.isLingering = true
        if self.isOutputClosed { self.forgetInput() } else { self.closeOutput() }
    }

    private func forgetInput() {
        // When the input has ended too, the socket is closed by now.
        self.channel.eventLoop.assumeIsolated().scheduleTask(in: Self.lingerTime) {
            if !self.isClosed { self.closeSocket() }
        }
        self.read()
    }

    /// Closes the socket with a reset (RST); local sockets have none and only close.
    func reset() {
        if self.isClosed { return }
        if !self.isLocal { Self.resetOnClose(self.channel) }
        self.closeSocket()
    }

    /// Closes the socket at once; TLS would first wait for its peer's goodbye.
    private func closeSocket() {
        if let secure = self.secure { secure.close() } else { self.channel.close(promise: nil) }
    }

    /// Lets closing a socket reset it.
    static func resetOnClose(_ channel: any Channel) {
        // A failure means that the socket is reset already, or one that has no resets.
        _ = (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
    }

    /// Stops reporting: the connection is gone, or has given this socket up.
    func detach() { self.connection = nil }

    // MARK: - What happens to the socket

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if self.channel.isActive { self.opened() }
    }

    func channelActive(context: ChannelHandlerContext) {
        self.opened()
        context.fireChannelActive()
    }

    /// The socket is open; with TLS it is connected only once both sides agree on keys.
    private func opened() {
        if self.secure == nil { return self.connected() }
        if self.handshakeTimer != nil || self.isConnected || self.isClosed { return }
        self.handshakeTimer = self.channel.eventLoop.assumeIsolated().scheduleTask(
            in: SecureLeg.handshakeTime
        ) {
            self.handshakeFailed(ChannelError.connectTimeout(SecureLeg.handshakeTime))
        }
        self.context?.read()
    }

    private func handshakeFailed(_ error: any Error) {
        // Closing the socket makes TLS fail once more.
        if self.isConnected || self.isClosed || self.hasFailed { return }
        self.hasFailed = true
        self.handshakeTimer?.cancel()
        let connection = self.connection
        self.closeSocket()
        connection?.handshakeFailed(self.leg, error)
    }

    private func connected() {
        if self.isConnected || self.isClosed { return }
        self.isConnected = true
        self.handshakeTimer?.cancel()
        self.connection?.connected(self.leg)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.connection?.read(self.unwrapInboundIn(data), from: self.leg)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if !self.isConnected {
            context.read()
        } else if self.isLingering {
            self.read()
        } else {
            self.connection?.pump()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if self.channel.isWritable { self.connection?.pump() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            if self.isConnected || self.secure == nil { self.inputEnded() }
        } else if case .handshakeCompleted? = event as? TLSUserEvent {
            self.connected()
        }
    }

    private func inputEnded() {
        if self.hasInputEnded { return }
        self.hasInputEnded = true
        self.connection?.ended(self.leg)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if self.secure != nil {
            // Many end their stream without the goodbye of TLS; the end of it is told all the same.
            if case NIOSSLError.uncleanShutdown = error { return }
            if !self.isConnected { return self.handshakeFailed(error) }
        }
        self.hasFailed = true
        self.closeSocket()
    }

    func channelInactive(context: ChannelHandlerContext) { self.closed() }

    func handlerRemoved(context: ChannelHandlerContext) {
        // Sockets that never became active are told no other way.
        self.closed()
        self.context = nil
    }

    private func closed() {
        if self.isClosed { return }
        self.isClosed = true
        self.handshakeTimer?.cancel()
        // NIO tells a failed read, but neither a failed write nor an end behind our own end.
        let isEnd = !self.hasFailed && (self.isOutputClosed || (self.isLocal && self.hasInputEnded))
        if isEnd { self.inputEnded() } else { self.connection?.failed(self.leg) }
        self.connection?.closed(self.leg)
    }
}
