import NIOCore

/// One TCP connection that carries lines. Lives on its event loop.
package final class LineConnection: ChannelInboundHandler {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    /// What a connection tells its owner.
    package enum Event {
        case opened
        case read(LineReader.Event)
        /// All bytes of one read were reported.
        case readBatchEnded
        case becameWritable
        case closed
    }

    private var reader: LineReader
    private var context: ChannelHandlerContext?
    private let receive: (LineConnection, Event) -> Void
    /// Who is on the other side, for reports.
    package private(set) var remote = "an unknown address"
    /// Whether reading stops while the other side does not read what was written.
    private let pausesWhenUnread: Bool

    /// Makes a connection's handler.
    ///
    /// - Parameters:
    ///   - pausesWhenUnread: Whether reading stops while the other side does not read.
    ///   - reader: How messages are found in what comes.
    ///   - receive: Is told everything, on the event loop.
    package init(
        pausesWhenUnread: Bool, reader: LineReader = LineReader(),
        receive: @escaping (LineConnection, Event) -> Void
    ) {
        self.reader = reader
        self.pausesWhenUnread = pausesWhenUnread
        self.receive = receive
    }

    /// Whether the other side keeps up with what is written.
    package var isWritable: Bool { self.context?.channel.isWritable ?? false }

    /// Writes a line, which goes out at the next ``flush()``; after the end nothing happens.
    package func write(_ line: String) {
        guard let context = self.context else { return }
        var buffer = context.channel.allocator.buffer(capacity: line.utf8.count + 1)
        buffer.writeString(line)
        buffer.writeInteger(UInt8(ascii: "\n"))
        context.write(self.wrapOutboundOut(buffer), promise: nil)
    }

    /// Writes a line that ends with its line feed; after the end nothing happens.
    package func write(_ line: ByteBuffer) {
        guard let context = self.context else { return }
        context.write(self.wrapOutboundOut(line), promise: nil)
    }

    /// Reads on, or leaves what comes in the network.
    package func setReading(_ isReading: Bool) {
        // Fails only on a closed connection, where it does not matter.
        try? self.context?.channel.syncOptions?.setOption(.autoRead, value: isReading)
    }

    /// The beginning of a line whose end has not come yet.
    package var unfinishedLine: [UInt8] { self.reader.unfinishedLine }

    /// Sends what was written.
    package func flush() { self.context?.flush() }

    /// Ends the connection.
    package func close() { self.context?.close(promise: nil) }

    package func channelActive(context: ChannelHandlerContext) {
        self.context = context
        self.remote =
            context.remoteAddress.map { address in
                "\(address.ipAddress ?? "?"):\(address.port ?? 0)"
            } ?? self.remote
        self.receive(self, .opened)
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        for event in self.reader.read(self.unwrapInboundIn(data).readableBytesView) {
            self.receive(self, .read(event))
        }
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        self.receive(self, .readBatchEnded)
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        let isWritable = context.channel.isWritable
        if self.pausesWhenUnread {
            // Fails only on a closed connection, where it does not matter.
            try? context.channel.syncOptions?.setOption(.autoRead, value: isWritable)
        }
        if isWritable { self.receive(self, .becameWritable) }
    }

    package func channelInactive(context: ChannelHandlerContext) {
        if let event = self.reader.finish() { self.receive(self, .read(event)) }
        self.context = nil
        self.receive(self, .closed)
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A reset is nothing special: messages are sent at most once.
        context.close(promise: nil)
    }
}
