import NIOCore
import NIOPosix

/// Keeps a listening socket alive when accepting fails: typically too many open files.
///
/// The selector would report the waiting connections again at once and for ever, so accepting pauses.
final class ListenerHandler: ChannelInboundHandler {
    typealias InboundIn = Channel

    /// How long accepting pauses.
    private static let pause = TimeAmount.milliseconds(100)

    private let listener: ProxyListener
    /// Whether the last attempt failed, so that one shortage is told once.
    private var isShort = false

    init(_ listener: ProxyListener) { self.listener = listener }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.isShort = false
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Anything else concerns one accepted socket only.
        guard error is IOError else { return }
        if !self.isShort { self.listener.cannotAccept(error) }
        self.isShort = true
        let channel = context.channel
        try? channel.syncOptions?.setOption(.autoRead, value: false)
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
            try? channel.syncOptions?.setOption(.autoRead, value: true)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.listener.wasClosed(context.channel)
        context.fireChannelInactive()
    }
}
