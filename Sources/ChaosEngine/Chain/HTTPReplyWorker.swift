import ChaosCore

/// The half of an HTTP stage that sees answers: it puts its own between those of the target, and cuts
/// bodies short.
final class HTTPReplyWorker: StageWorker {
    private static let holdLimit = 256 << 10
    /// A head that does not end within this many bytes is none that is looked at.
    private static let headLimit = 1 << 20

    private let conversation: HTTPConversation
    private var framer: Framer?
    private var out = TimedItems()
    private var tally = StageTally()
    /// Whether a message is under way; no answer fits in between then.
    private var isInside = false
    /// The first bytes of the message, by which interim answers are known.
    private var start: [UInt8] = []
    /// What has come of a message that will be cut, as long as its head is not whole.
    private var head: [UInt8] = []
    private var headEnd = HTTP1HeadEnd()
    private var cut: HTTPBodyCut?
    /// Whether the connection ends behind what waits.
    private var isDead = false
    private var isRetired = false

    init(_ conversation: HTTPConversation) { self.conversation = conversation }

    func accepts(limit: Int) -> Bool {
        self.out.byteCount + self.head.count < min(limit, Self.holdLimit)
    }

    func take(_ item: ChainItem, at now: Instant) {
        if self.isDead {
            self.tally.lost += item.byteCount
            return
        }
        switch item.content {
        case .bytes(let chunk): self.take(chunk, at: now)
        case .end:
            self.giveUpHead(at: now)
            // The target answers nothing any more; what is answered in its place still is.
            self.isInside = false
            self.conversation.answers.removeAll { if case .target = $0 { true } else { false } }
            self.answer(at: now)
            if !self.isDead { self.out.append(item.content, due: now, at: now) }
        }
    }

    private func take(_ chunk: Chunk, at now: Instant) {
        if self.framer == nil, self.conversation.hasBegun {
            self.framer = Framer(.http1, side: .responses)
        }
        for method in self.conversation.takeMethods() { self.framer?.noteRequest(method: method) }
        var rest = chunk
        while rest.count > 0 {
            if self.isDead {
                self.tally.lost += rest.count
                return
            }
            if self.framer == nil || self.conversation.isBlind {
                self.giveUpHead(at: now)
                return self.out.append(.bytes(rest), due: now, at: now)
            }
            if !self.isInside { self.answer(at: now) }
            if self.isDead { continue }
            switch rest.withSpan({ self.framer?.next($0, from: 0) ?? .unsynchronised }) {
            case .unsynchronised: self.becomeBlind(at: now)
            case .more: self.take(part: rest.removePrefix(rest.count), isLast: false, at: now)
            case .message(let end): self.take(part: rest.removePrefix(end), isLast: true, at: now)
            case .oversized(let end, let isFinished), .streamed(let end, let isFinished):
                self.take(part: rest.removePrefix(end), isLast: isFinished, at: now)
            }
        }
    }

    /// Where answers cannot be told apart, no other fits in between: who waits for one is told by the
    /// end of the connection.
    private func becomeBlind(at now: Instant) {
        self.giveUpHead(at: now)
        self.conversation.isBlind = true
        self.isInside = false
        if self.conversation.hasOwnAnswers { self.close(at: now) }
        self.conversation.answers.removeAll()
    }

    private func giveUpHead(at now: Instant) {
        if self.head.isEmpty { return }
        self.out.append(.bytes(Chunk(ByteArray(self.head))), due: now, at: now)
        self.head = []
    }

    private func close(at now: Instant) {
        self.out.append(.end(.closed), due: now, at: now)
        self.isDead = true
    }

    // MARK: - Messages

    private func take(part: Chunk, isLast: Bool, at now: Instant) {
        self.isInside = true
        var part = part
        if self.start.count < 12 { self.start += part.array.prefix(12 - self.start.count) }
        if let limit = self.truncation, self.cut == nil {
            guard let body = self.takeHead(part, isLast, limit, at: now) else { return }
            part = body
        }
        self.carry(part, at: now)
        if isLast && !self.isDead { self.finishMessage() }
    }

    /// How many bytes of the message's body may arrive, if it is to be cut.
    private var truncation: Int? {
        guard !self.isRetired, case .target(let limit?)? = self.conversation.answers.first else {
            return nil
        }
        return limit
    }

    /// Takes the head of a message that will be cut; returns what follows it, once it is whole.
    private func takeHead(
        _ part: Chunk, _ isLast: Bool, _ limit: Int, at now: Instant
    ) -> Chunk? {
        var body = part
        let end = part.withSpan { self.headEnd.find(in: $0) }
        self.head += body.removePrefix(end ?? part.count).array
        if end == nil && !isLast && self.head.count < Self.headLimit { return nil }
        if !self.isInterim {
            let codings = HTTP1Message(self.head, .responses)?.field("header.transfer-encoding")
            let isChunked = codings?.stringValue?.lowercased().contains("chunked") == true
            self.cut = HTTPBodyCut(after: limit, isChunked: isChunked)
        }
        self.giveUpHead(at: now)
        return body
    }

    private var isInterim: Bool {
        let start = self.start
        return !LazyMessageView.isReply(start.span, from: 0, .http1)
    }

    private func carry(_ bytes: Chunk, at now: Instant) {
        var bytes = bytes
        if bytes.count == 0 { return }
        guard let end = bytes.withSpan({ self.cut?.find(in: $0) }) else {
            return self.out.append(.bytes(bytes), due: now, at: now)
        }
        if end > 0 { self.out.append(.bytes(bytes.removePrefix(end)), due: now, at: now) }
        self.tally.lost += bytes.count
        self.tally.hits += 1
        self.close(at: now)
    }

    private func finishMessage() {
        self.isInside = false
        let isInterim = self.isInterim
        self.start = []
        self.headEnd = HTTP1HeadEnd()
        self.cut = nil
        if !isInterim, case .target? = self.conversation.answers.first {
            self.conversation.answers.removeFirst()
        }
        if self.framer?.desynchronised != nil { self.conversation.isBlind = true }
    }

    /// Gives the answers whose turn it is.
    private func answer(at now: Instant) {
        while !self.isInside, !self.isDead,
            case .own(let bytes, let due, let closes)? = self.conversation.answers.first
        {
            self.conversation.answers.removeFirst()
            self.tally.added += bytes.count
            let due = self.isRetired ? now : max(due, now)
            self.out.append(.bytes(Chunk(ByteArray(bytes))), due: due, at: now)
            if closes {
                self.out.append(.end(.closed), due: due, at: now)
                self.isDead = true
            }
        }
    }

    // MARK: - Out

    func emit(at now: Instant) -> ChainItem? {
        self.answer(at: now)
        return self.out.popFirst(at: now)
    }

    func wake(after now: Instant) -> Instant? {
        if let due = self.out.due { return due }
        if !self.isInside, case .own(_, let due, _)? = self.conversation.answers.first {
            return due
        }
        return nil
    }

    func endsNext(at now: Instant) -> Bool { self.out.endsNext(at: now) }

    func update(at now: Instant) { self.isRetired = false }

    func retire(at now: Instant) {
        self.isRetired = true
        self.cut = nil
        self.giveUpHead(at: now)
        self.answer(at: now)
        self.out.release(at: now)
    }

    var isDone: Bool { self.out.isEmpty && !self.conversation.hasOwnAnswers }

    func discard() -> Int {
        defer { self.head = [] }
        return self.out.removeAll() + self.head.count
    }

    func takeTally() -> StageTally { self.tally.take() }
}
