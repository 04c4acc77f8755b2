import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1

/// Ends connections as their requests ask (RFC 9112, section 9.3). The server above knows neither the
/// version of a request nor other spellings of `close`.
final class ConnectionOptions: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    func handlerAdded(context: ChannelHandlerContext) {
        // It has to see requests before they lose their version.
        let pipeline = context.pipeline.syncOperations
        guard let codec = try? pipeline.handler(type: HTTP1ToHTTPServerCodec.self) else { return }
        try? pipeline.addHandler(HeadReader(), position: .before(codec))
    }

    private final class HeadReader: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias InboundOut = HTTPServerRequestPart

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var part = self.unwrapInboundIn(data)
            if case .head(var head) = part {
                let value = head.isKeepAlive ? "keep-alive" : "close"
                head.headers.replaceOrAdd(name: "connection", value: value)
                part = .head(head)
            }
            context.fireChannelRead(self.wrapInboundOut(part))
        }
    }
}
