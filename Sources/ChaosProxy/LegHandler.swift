import ChaosEngine
import NIOCore

/// Reports what happens to one socket of a proxied connection.
final class LegHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let leg: Leg
    private let connection: ProxyConnection

    init(_ leg: Leg, of connection: ProxyConnection) {
        self.leg = leg
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.connection.read(self.unwrapInboundIn(data), from: self.leg)
    }

    func channelReadComplete(context: ChannelHandlerContext) { self.connection.pump() }

    func channelWritabilityChanged(context: ChannelHandlerContext) { self.connection.pump() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            self.connection.ended(self.leg)
        }
    }

    func channelInactive(context: ChannelHandlerContext) { self.connection.closed(self.leg) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.connection.failed(self.leg)
        context.close(promise: nil)
    }
}
