import ChaosCore

// What faults may do to an HTTP/2 connection (RFC 9113) such that it lives on.
//
// A request or response is its HEADERS and all that follows on its stream in the same direction. It is
// lost as a whole or not at all, and what tells peers of the connection's own state is never lost. Three things
// would break behind a lost message, and are mended:
//
// - Header blocks are compressed against what those before them left behind. From the first lost one on, those
//   that pass are written anew, so that they need nothing.
// - A sender waits for room that the receiver of its DATA grants. For what the receiver never saw, it is granted
//   in his place, in front of the next frame of the other direction.
// - A stream that the receiver never saw must not be named again: all later frames of it are taken away too.

/// What was taken away of one direction of an HTTP/2 connection.
struct HTTP2Flow {
    /// So many lost streams are remembered: by then the oldest are closed for both sides.
    private static let lostMax = 65_536

    /// The streams whose message was lost, and to which injection.
    private var lost: [Int: String] = [:]
    /// Changes of the size of the table that stood in front of a lost header block, as they came.
    private var sizeUpdates: [UInt8] = []

    /// The injection that took the message of a stream away, if one did.
    func thief(of stream: Int) -> String? { self.lost[stream] }

    /// Notes that the message of a stream is lost from here on.
    mutating func lose(_ stream: Int, to injection: String) {
        self.lost[stream] = injection
        if self.lost.count > Self.lostMax {
            for old in self.lost.keys.sorted().prefix(Self.lostMax / 2) { self.lost[old] = nil }
        }
    }

    /// Notes that the receiver does not see a header block.
    mutating func skip(_ fields: HTTP2Fields) {
        if !fields.sizeUpdates.isEmpty { self.sizeUpdates = fields.sizeUpdates }
    }

    /// A frame with a header block, in so many frames as it needs, written such that whoever missed others
    /// can read it.
    mutating func rewritten(
        _ head: HTTP2FrameHead, _ frame: [UInt8], _ fields: HTTP2Fields
    ) -> [UInt8] {
        let first = frame.count > HTTP2FrameHead.size ? frame[HTTP2FrameHead.size] : nil
        let content = head.content(first: first) ?? 0..<0
        // What a frame tells in front of its fields: a priority, the stream that is promised.
        let isPadded = head.flags.contains(.padded)
        let begin = HTTP2FrameHead.size + (isPadded ? 1 : 0)
        let front = frame[begin..<(HTTP2FrameHead.size + content.lowerBound)]
        var rest = (front + fields.plainBlock(after: self.sizeUpdates))[...]
        self.sizeUpdates = []
        var bytes: [UInt8] = []
        var piece = head
        piece.flags.remove(.padded)
        repeat {
            // What every receiver takes (section 4.2).
            let payload = rest.prefix(16_384)
            rest = rest.dropFirst(payload.count)
            piece.length = payload.count
            if rest.isEmpty {
                piece.flags.insert(.endHeaders)
            } else {
                piece.flags.remove(.endHeaders)
            }
            bytes += piece.bytes + payload
            piece = HTTP2FrameHead(.continuation, [], stream: head.stream, length: 0)
        } while !rest.isEmpty
        return bytes
    }
}

extension StreamPipeline {
    /// Decides the fate of one whole frame, or of a header block with its continuations, and carries it out.
    mutating func admitFrame(_ frame: Chunk, at now: Instant, _ context: MessageContext) {
        let fields = self.framer?.takeFields()
        let ordinal = self.beginMessage()
        var view = LazyMessageView(
            framing: .http2, side: self.side, bytes: frame, fields: fields)
        if let observer = self.link.network.messageObserver { observer(self.link.link, view.value) }
        let isTraced = self.link.network.messageTracer?.takesMore == true
        if isTraced { self.trace(.sent(view.value), ordinal, at: now) }
        guard case .http2(let message) = view.value.content, let head = message.head else {
            return self.deliver(frame, ordinal, MessageFate(), at: now, isTraced: isTraced)
        }
        if let thief = self.flow?.thief(of: head.stream) {
            if isTraced { self.trace(.lost(injection: thief), ordinal, at: now) }
            self.takeAway(frame, head, fields, to: thief, context.exchange)
            return
        }
        if self.direction == .backward, message.beginsMessage, context.exchange.suppresses(&view) {
            if isTraced { self.trace(.lost(injection: self.idOfAckLoss), ordinal, at: now) }
            return self.suppress(frame, at: now)
        }
        let fate = self.decideFate(
            of: ordinal, &view, context, kinds: Self.faults(concerning: message))
        if fate.isLost, let fault = self.faults?.loss?.fault {
            if isTraced { self.trace(.lost(injection: fault.injection.id), ordinal, at: now) }
            self.takeAway(frame, head, fields, to: fault.injection.id, context.exchange)
            return
        }
        // A peer's first frame has to be its first.
        if head.kind != .settings {
            self.grantCredit(with: ordinal, due: now.advanced(byNanoseconds: fate.delay), context)
        }
        self.deliver(
            self.readable(frame, head, fields), ordinal, fate, at: now, isTraced: isTraced)
    }

    private static func faults(concerning message: HTTP2Message) -> Set<FaultKind> {
        if message.beginsMessage { return [.loss, .ackLoss, .delay] }
        return message.data == nil ? [.delay] : [.corrupt, .delay]
    }

    /// Takes a frame away, and with it the rest of its message.
    private mutating func takeAway(
        _ frame: Chunk, _ head: HTTP2FrameHead, _ fields: HTTP2Fields?, to injection: String,
        _ exchange: Exchange
    ) {
        self.counters.lost += frame.count
        var flow = self.flow ?? HTTP2Flow()
        flow.lose(head.stream, to: injection)
        if let fields { flow.skip(fields) }
        self.flow = flow
        // Padding takes room, too (section 6.1).
        if head.kind == .data { exchange.tookAway(head.length, from: self.direction) }
    }

    /// The frame as its receiver can read it.
    private mutating func readable(
        _ frame: Chunk, _ head: HTTP2FrameHead, _ fields: HTTP2Fields?
    ) -> Chunk {
        guard let fields, let bytes = self.flow?.rewritten(head, frame.array, fields) else {
            return frame
        }
        // What chaos itself adds or leaves out is neither the sender's nor gone by accident.
        self.counters.duplicated += max(0, bytes.count - frame.count)
        self.counters.lost += max(0, frame.count - bytes.count)
        return Chunk(ByteArray(bytes))
    }

    /// Grants in front of a frame what the receiver of lost DATA would have granted.
    private mutating func grantCredit(
        with ordinal: Int, due: Instant, _ context: MessageContext
    ) {
        let credit = context.exchange.takeCredit(self.direction)
        if credit == 0 { return }
        let frame = Chunk(ByteArray(HTTP2FrameHead.credit(credit)))
        self.counters.duplicated += frame.count
        self.enqueue(QueueItem(messages: frame, due: due, ordinal: ordinal))
    }
}
