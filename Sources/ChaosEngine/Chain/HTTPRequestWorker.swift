import ChaosCore

/// The half of an HTTP stage that sees requests: it decides on each once its head is there.
final class HTTPRequestWorker: StageWorker {
    /// A head that does not end within this many bytes is none that is looked at.
    private static let headLimit = 1 << 20
    private static let holdLimit = 256 << 10

    private let link: LinkStage
    private let conversation: HTTPConversation
    private let draws: Seed
    private var framer = Framer(.http1, side: .requests)
    private var out = TimedItems()
    private var tally = StageTally()
    /// What has come of a message on which nothing is decided yet.
    private var head: [UInt8] = []
    private var headEnd = HTTP1HeadEnd()
    private var fate = Fate.undecided
    private var requests: UInt64 = 0
    private var isRetired = false
    /// Whether what comes is passed on unseen.
    private var isPassing = false
    /// Whether what comes has nowhere to go: the connection closes.
    private var isDead = false

    private enum Fate {
        case undecided
        case passes(due: Instant?)
        case isAnswered([UInt8], due: Instant, closes: Bool)
    }

    init(_ link: LinkStage, _ conversation: HTTPConversation, _ draws: Seed) {
        self.link = link
        self.conversation = conversation
        self.draws = draws
    }

    func accepts(limit: Int) -> Bool {
        self.out.byteCount + self.head.count < min(limit, Self.holdLimit)
    }

    func take(_ item: ChainItem, at now: Instant) {
        switch item.content {
        case .bytes(let chunk): self.take(chunk, at: now)
        case .end:
            self.giveUpHead(at: now)
            self.out.append(item.content, due: now, at: now)
        }
    }

    private func take(_ chunk: Chunk, at now: Instant) {
        var rest = chunk
        while rest.count > 0 {
            if self.isDead {
                self.tally.lost += rest.count
                return
            }
            if self.conversation.isBlind, case .undecided = self.fate { self.isPassing = true }
            if self.isPassing {
                self.giveUpHead(at: now)
                return self.out.append(.bytes(rest), due: now, at: now)
            }
            switch rest.withSpan({ self.framer.next($0, from: 0) }) {
            case .unsynchronised: self.isPassing = true
            case .more: self.take(part: rest.removePrefix(rest.count), isLast: false, at: now)
            case .message(let end): self.take(part: rest.removePrefix(end), isLast: true, at: now)
            case .oversized(let end, let isFinished), .streamed(let end, let isFinished):
                self.take(part: rest.removePrefix(end), isLast: isFinished, at: now)
            }
        }
    }

    private func giveUpHead(at now: Instant) {
        if self.head.isEmpty { return }
        self.out.append(.bytes(Chunk(ByteArray(self.head))), due: now, at: now)
        self.head = []
    }

    // MARK: - Messages

    private func take(part: Chunk, isLast: Bool, at now: Instant) {
        if case .undecided = self.fate {
            let end = part.withSpan { self.headEnd.find(in: $0) }
            self.head += part.array
            if end == nil && !isLast && self.head.count < Self.headLimit { return }
            let whole = Chunk(ByteArray(self.head))
            self.decide(at: now)
            self.head = []
            self.carry(whole, at: now)
        } else {
            self.carry(part, at: now)
        }
        if isLast { self.finishMessage() }
    }

    private func decide(at now: Instant) {
        let ordinal = self.requests
        self.requests += 1
        self.conversation.hasBegun = true
        let request = HTTP1Message(self.head, .requests)
        self.fate = .passes(due: nil)
        guard !self.isRetired, let request, case .http(let fault) = self.link.stage.action,
            self.strikes(fault, request, ordinal)
        else { return self.passOn(request, truncate: nil) }
        self.tally.hits += 1
        let due = now.advanced(byNanoseconds: fault.delay * 1_000_000)
        guard fault.status != nil else {
            self.fate = .passes(due: due)
            return self.passOn(request, truncate: fault.truncate)
        }
        // Nobody knows whether a client that waits for `100 Continue` still sends its body.
        let expects = request.field("header.expect")?.stringValue?.lowercased() == "100-continue"
        let closes = expects || Self.asksToClose(request, self.head)
        let answer = fault.answer(to: request.type, closes: closes)
        self.fate = .isAnswered(answer, due: due, closes: closes)
        self.conversation.owesAnswer = true
        if expects {
            self.conversation.answers.append(.own(answer, due: due, closes: true))
            self.conversation.owesAnswer = false
            self.isDead = true
        }
    }

    /// Whether a request is one that is struck; counts it.
    private func strikes(_ fault: HTTPFault, _ request: HTTP1Message, _ ordinal: UInt64) -> Bool {
        if !fault.fits(request) { return false }
        self.link.matched += 1
        if let first = fault.first, self.link.matched > first { return false }
        return Double(self.draws.word(at: ordinal, index: 3) >> 11) * 0x1p-53 < fault.probability
    }

    private func passOn(_ request: HTTP1Message?, truncate: Int?) {
        guard let request else { return }
        self.conversation.methods.append(request.type)
        self.conversation.answers.append(.target(truncate: truncate))
    }

    /// Whether the connection ends behind the answer (RFC 9112, section 9.3).
    private static func asksToClose(_ request: HTTP1Message, _ head: [UInt8]) -> Bool {
        let line = head.drop { $0 == 0x0D || $0 == 0x0A }.prefix { $0 != 0x0A && $0 != 0x0D }
        let options = (request.field("header.connection")?.stringValue ?? "").lowercased()
            .split(separator: ",").map { $0.filter { $0 != " " && $0 != "\t" } }
        if line.suffix(3).elementsEqual("1.0".utf8) { return !options.contains("keep-alive") }
        return options.contains("close")
    }

    private func carry(_ bytes: Chunk, at now: Instant) {
        switch self.fate {
        case .undecided: break
        case .passes(let due): self.out.append(.bytes(bytes), due: due ?? now, at: now)
        case .isAnswered: self.tally.lost += bytes.count
        }
    }

    private func finishMessage() {
        if case .isAnswered(let answer, let due, let closes) = self.fate, !self.isDead {
            self.conversation.answers.append(.own(answer, due: due, closes: closes))
            self.isDead = closes
        }
        self.conversation.owesAnswer = false
        self.fate = .undecided
        self.headEnd = HTTP1HeadEnd()
    }

    // MARK: - Out

    func emit(at now: Instant) -> ChainItem? { self.out.popFirst(at: now) }

    func wake(after now: Instant) -> Instant? { self.out.due }

    func endsNext(at now: Instant) -> Bool { self.out.endsNext(at: now) }

    func update(at now: Instant) {
        self.isRetired = false
        self.out.release(at: now)
    }

    func retire(at now: Instant) {
        self.isRetired = true
        self.out.release(at: now)
        if case .passes(due: .some) = self.fate { self.fate = .passes(due: nil) }
    }

    /// A message that is answered in the target's place must not reach it in part, and those behind an
    /// answer that is still to come must be known.
    var isDone: Bool {
        if self.isDead || !self.out.isEmpty || !self.head.isEmpty { return false }
        if self.isPassing { return true }
        if case .isAnswered = self.fate { return false }
        return !self.conversation.hasOwnAnswers
    }

    func discard() -> Int {
        defer { self.head = [] }
        return self.out.removeAll() + self.head.count
    }

    func takeTally() -> StageTally { self.tally.take() }
}
