/// Frames of HTTP/2 (RFC 9113), each a message; a header block and its continuations are one, because nothing
/// may come in between. So is the preface of a client.
///
/// Header blocks are decompressed, since each needs what those before it left behind; other payloads are
/// counted and not kept. A connection that begins otherwise, such as one that is upgraded from HTTP/1.1, is not
/// understood.
struct HTTP2Scanner: MessageScanner {
    /// A longer header block is refused by every server.
    static let blockMax = 1 << 20

    private var prefaceSeen: Int
    private var head: [UInt8] = []
    private var frame: HTTP2FrameHead?
    private var payload = CountedBytes()
    private var isFirstFrame = true
    /// The payload of the current frame, if it is part of a header block.
    private var kept: [UInt8] = []
    /// The fragments of a header block whose continuation must come next.
    private var block: (stream: Int, fragments: [UInt8])?
    private var decompressor = HTTP2Decompressor()
    private var fields: HTTP2Fields?

    init(side: StreamSide) {
        self.prefaceSeen = side == .requests ? 0 : HTTP2FrameHead.preface.count
    }

    mutating func takeFields() -> HTTP2Fields? {
        defer { self.fields = nil }
        return self.fields
    }

    mutating func scan(_ bytes: Span<UInt8>, from offset: Int) -> Scan {
        var index = offset
        if self.prefaceSeen < HTTP2FrameHead.preface.count {
            return self.scanPreface(bytes, from: offset)
        }
        while true {
            if self.frame == nil {
                guard self.readHead(bytes, &index) else {
                    return .more(atLeast: HTTP2FrameHead.size - self.head.count)
                }
                if let fault = self.beginFrame() { return .lost(fault) }
            }
            let begin = index
            let end = self.payload.end(in: bytes, from: index)
            index = end ?? bytes.count
            if self.isPartOfBlock {
                for place in begin..<index { self.kept.append(bytes[place]) }
            }
            if end == nil { return .more(atLeast: self.payload.missing) }
            switch self.finishFrame() {
            case .message: return .message(end: index)
            case .blockGoesOn: continue
            case .lost(let reason): return .lost(reason)
            }
        }
    }

    private mutating func scanPreface(_ bytes: Span<UInt8>, from offset: Int) -> Scan {
        let preface = HTTP2FrameHead.preface
        var index = offset
        while index < bytes.count, self.prefaceSeen < preface.count {
            if bytes[index] != preface[self.prefaceSeen] {
                let found = preface.prefix(self.prefaceSeen) + [bytes[index]]
                return .lost(
                    "an HTTP/2 connection begins with 'PRI * HTTP/2.0', found "
                        + ByteText.quoted(found))
            }
            self.prefaceSeen += 1
            index += 1
        }
        let missing = preface.count - self.prefaceSeen
        return missing == 0 ? .message(end: index) : .more(atLeast: missing)
    }

    private mutating func readHead(_ bytes: Span<UInt8>, _ index: inout Int) -> Bool {
        while self.head.count < HTTP2FrameHead.size {
            if index == bytes.count { return false }
            self.head.append(bytes[index])
            index += 1
        }
        return true
    }

    /// Whether the payload of the current frame is kept.
    private var isPartOfBlock: Bool {
        switch self.frame?.kind {
        case .headers, .pushPromise, .continuation: true
        default: false
        }
    }

    /// Begins the frame whose head is complete; says what is wrong with it, if something is.
    private mutating func beginFrame() -> String? {
        let frame = HTTP2FrameHead(self.head)
        self.head.removeAll(keepingCapacity: true)
        self.frame = frame
        self.payload = CountedBytes(frame.length)
        if self.isFirstFrame {
            guard frame.kind == .settings, !frame.flags.contains(.acknowledgement) else {
                return "the first frame of each side is SETTINGS, found \(frame.name)"
            }
            self.isFirstFrame = false
        }
        if let block = self.block {
            guard frame.kind == .continuation, frame.stream == block.stream else {
                return "a header block goes on with CONTINUATION, found \(frame.name)"
            }
        } else if frame.kind == .continuation {
            return "CONTINUATION follows an unfinished header block"
        } else {
            self.fields = nil
        }
        switch frame.kind {
        case .data, .headers, .resetStream, .pushPromise:
            if frame.stream == 0 { return "\(frame.name) belongs to a stream" }
        case .settings, .ping, .goAway:
            if frame.stream != 0 { return "\(frame.name) belongs to no stream" }
        default: break
        }
        let size = frame.length + (self.block?.fragments.count ?? 0)
        if self.isPartOfBlock, size > Self.blockMax {
            return "a header block has at most \(Self.blockMax) bytes"
        }
        return nil
    }

    private enum FrameResult {
        case message
        case blockGoesOn
        case lost(String)
    }

    private mutating func finishFrame() -> FrameResult {
        guard let frame = self.frame else { preconditionFailure("only a begun frame ends") }
        let isPart = self.isPartOfBlock
        self.frame = nil
        if !isPart { return .message }
        guard let content = frame.content(first: self.kept.first) else {
            return .lost("the padding of \(frame.name) is shorter than the frame")
        }
        let block = (self.block?.fragments ?? []) + self.kept[content]
        self.kept.removeAll(keepingCapacity: true)
        if !frame.flags.contains(.endHeaders) {
            self.block = (frame.stream, block)
            return .blockGoesOn
        }
        self.block = nil
        guard let fields = self.decompressor.fields(of: block) else {
            return .lost("a header block can be decompressed")
        }
        self.fields = fields
        return .message
    }
}
