import ChaosCore
import DequeModule

/// What a direction wants done.
enum PipelineAction {
    case write(Chunk)
    case closeWriting
    case reset
    case close
}

/// Where cuts keep everything back: in a direction, and in the one the other way.
struct Gates {
    var isClosed = false
    var isOtherClosed = false
}

extension StreamPipeline {
    /// The next thing to do, or `nil`; then ``deadline`` says when to ask again.
    mutating func next(
        at now: Instant, isSinkReady: Bool, gates: Gates, context: MessageContext
    ) -> PipelineAction? {
        self.release.wakeAt = .never
        self.releaseHeldMessages(at: now, all: false)
        for message in self.held where message.until > now { self.wake(at: message.until) }
        if gates.isClosed { return nil }
        // What ends both legs waits until neither way is cut.
        if !gates.isOtherClosed, let action = self.nextByFault(at: now) { return action }
        if self.release.isPausing || self.release.timeout != nil { return nil }
        while let head = self.queue.first {
            if head.due > now {
                self.wake(at: head.due)
                return nil
            }
            switch head.content {
            case .reset:
                self.queue.removeFirst()
                return .reset
            case .abort:
                if gates.isOtherClosed { return nil }
                self.queue.removeFirst()
                return .reset
            // The end waits for its socket as bytes do: there may be none yet to pass it on to.
            case .end: return isSinkReady ? self.nextEnd(at: now) : nil
            case .bytes:
                if let size = head.sizeOfWholeMessage, let cut = self.link.cut(.lose) {
                    self.lose(size, to: cut, context.journal)
                    continue
                }
                return isSinkReady ? self.nextBytes(at: now, gates, context.exchange) : nil
            }
        }
        return nil
    }

    /// When to ask for the next action if nothing happens before.
    var deadline: Instant { self.release.wakeAt }

    private mutating func wake(at instant: Instant) {
        self.release.wakeAt = min(self.release.wakeAt, instant)
    }

    /// What a fault does to the connection by itself.
    private mutating func nextByFault(at now: Instant) -> PipelineAction? {
        if self.release.isBroken || self.release.hasReachedLimit { return .close }
        if let resetAt = self.release.resetAt, let fault = self.release.resetPeer {
            if now >= resetAt {
                fault.hit()
                return .reset
            }
            self.wake(at: resetAt)
        }
        if let closeAt = self.release.timeoutAt, let fault = self.release.timeout {
            if now >= closeAt {
                self.release.touchOnce(fault)
                self.release.hitOnce(fault)
                return .close
            }
            self.wake(at: closeAt)
        }
        return nil
    }

    private mutating func lose(_ size: Int, to cut: Cut, _ journal: Journal) {
        if let message = self.queue[0].traced.first {
            self.trace(.lost(injection: cut.id), message, at: journal.now)
        }
        self.queue[0].removeMessage(size)
        if self.queue[0].byteCount == 0 { self.queue.removeFirst() }
        self.release.collectedRest = max(0, self.release.collectedRest - size)
        self.counters.queued -= size
        self.counters.lost += size
        cut.strike()
        journal.lost(to: cut, self, bytes: size)
    }

    private mutating func nextEnd(at now: Instant) -> PipelineAction? {
        if let fault = self.release.slowClose, case .slowClose(let delay) = fault.fault {
            let due = self.release.endDue ?? now + delay
            self.release.endDue = due
            self.release.touchOnce(fault)
            if now < due {
                self.wake(at: due)
                return nil
            }
            self.release.hitOnce(fault)
        }
        self.queue.removeFirst()
        return .closeWriting
    }

    /// Takes as many of the first bytes as all faults allow.
    private mutating func nextBytes(
        at now: Instant, _ gates: Gates, _ exchange: Exchange
    ) -> PipelineAction? {
        if self.release.isPlain { return self.takeAll(at: now, exchange) }
        if self.isCollecting(at: now) { return nil }
        var size = self.sizeOfHead
        if self.release.coalesce != nil { size = min(size, self.release.collectedRest) }
        if let fault = self.release.limitData, let limit = self.release.limit {
            self.release.touchOnce(fault)
            if self.counters.written >= limit {
                self.release.hitOnce(fault)
                self.release.hasReachedLimit = true
                return gates.isOtherClosed ? nil : .close
            }
            size = min(size, limit - self.counters.written)
        }
        if let fault = self.release.slicer, case .slicer(let slicer) = fault.fault {
            guard let piece = self.nextPiece(of: size, slicer, fault, at: now) else { return nil }
            size = piece
        }
        if let fault = self.release.rate, case .rate(let rate) = fault.fault {
            guard let piece = self.nextAllowance(of: size, rate, fault, at: now) else { return nil }
            size = piece
        }
        let piece = self.take(size, at: now, exchange)
        self.account(size, at: now)
        return .write(piece)
    }

    /// Takes everything that may leave and that lies together.
    private mutating func takeAll(at now: Instant, _ exchange: Exchange) -> PipelineAction? {
        var piece = self.take(self.sizeOfHead, at: now, exchange)
        while let next = self.queue.first, next.due <= now, case .bytes(let chunk) = next.content,
            !self.link.isCut(.lose), piece.count + chunk.count <= self.pieceLimit,
            piece.extend(by: chunk)
        {
            _ = self.take(chunk.count, at: now, exchange)
        }
        return .write(piece)
    }

    /// How much of the head may leave together: under `lose` only what is left of a message that
    /// has begun to. What leaves is out of reach of a later cut, so a slow reader of a raw stream is
    /// handed little at a time.
    private var sizeOfHead: Int {
        if self.link.isCut(.lose) { return self.queue[0].sizeToNextMessage }
        let whole = self.queue[0].byteCount
        return self.framer == nil ? min(whole, self.pieceLimit) : whole
    }

    /// Takes bytes from the head and tells the other direction of the messages that begin to leave.
    private mutating func take(_ size: Int, at now: Instant, _ exchange: Exchange) -> Chunk {
        let notes = self.queue[0].notes
        let traced = self.queue[0].traced
        let (piece, begun) = self.queue[0].removePrefix(size)
        if self.queue[0].byteCount == 0 {
            self.queue.removeFirst()
        } else if self.framer == nil {
            self.queue[0].place += size
        }
        if self.framer != nil { self.noteLeaving(begun, notes, exchange) }
        for message in traced.prefix(begun) { self.trace(.left, message, at: now) }
        self.counters.queued -= size
        self.counters.written += size
        return piece
    }

    private mutating func noteLeaving(_ begun: Int, _ notes: [RequestNote], _ exchange: Exchange) {
        if self.framer?.desynchronised != nil { self.leavingSince = .max }
        if begun == 0 && notes.isEmpty { return }
        if begun > 0 { self.leavingSince = self.link.network.orderOfNext }
        if self.direction == .forward { exchange.delivered(begun, notes: notes) }
    }

    /// Moves on what the faults remember of what was written.
    private mutating func account(_ size: Int, at now: Instant) {
        self.release.granted = max(0, self.release.granted - size)
        self.release.collectedRest = max(0, self.release.collectedRest - size)
        if let fault = self.release.slicer, case .slicer(let slicer) = fault.fault {
            self.release.pieceRest -= size
            if self.release.pieceRest <= 0 {
                fault.hit()
                self.release.nextPieceAt = now + slicer.delay
            }
        }
        if let fault = self.release.limitData, let limit = self.release.limit,
            self.counters.written >= limit
        {
            self.release.hitOnce(fault)
            self.release.hasReachedLimit = true
        }
    }

    /// How much of the current piece may leave now. Pieces are counted from the slicer's beginning,
    /// so their sizes do not depend on how reads were cut.
    private mutating func nextPiece(
        of size: Int, _ slicer: Fault.Slicer, _ fault: LinkFault, at now: Instant
    ) -> Int? {
        self.release.touchOnce(fault)
        if self.release.pieceRest <= 0 {
            if now < self.release.nextPieceAt {
                self.wake(at: self.release.nextPieceAt)
                return nil
            }
            let average = max(1, slicer.averageSize.bytes)
            let variation = min(slicer.sizeVariation.bytes, average - 1)
            let random = self.release.sliceSizes.word(at: self.release.piecesBegun)
            let offset = Int(random.multipliedFullWidth(by: UInt64(2 * variation + 1)).high)
            self.release.pieceRest = average - variation + offset
            self.release.piecesBegun += 1
        }
        return min(size, self.release.pieceRest)
    }

    /// How much a `rate` lets leave now. What the bucket does not hold is reserved, to leave when
    /// the bucket has filled up: so connections that share it take turns in the order in which they
    /// asked, and none looks in vain.
    private mutating func nextAllowance(
        of size: Int, _ rate: Fault.Rate, _ fault: LinkFault, at now: Instant
    ) -> Int? {
        self.release.touchOnce(fault)
        if self.release.granted == 0 {
            let isShared = rate.scope == .link
            (self.release.granted, self.release.grantedAt) =
                isShared
                ? fault.bucket.take(size, of: rate, at: now)
                : self.release.bucket.take(size, of: rate, at: now)
            if self.release.grantedAt > now { fault.hit() }
        }
        if self.release.grantedAt > now {
            self.wake(at: self.release.grantedAt)
            return nil
        }
        return min(size, self.release.granted)
    }

    /// Whether `coalesce` still collects; when it is done, everything due becomes one write.
    private mutating func isCollecting(at now: Instant) -> Bool {
        guard let fault = self.release.coalesce, case .coalesce(let hold) = fault.fault,
            self.release.collectedRest == 0
        else { return false }
        self.release.touchOnce(fault)
        let until = self.release.collectUntil ?? now + hold
        if now < until && !self.hasEnded {
            self.release.collectUntil = until
            self.wake(at: until)
            return true
        }
        self.release.collectUntil = nil
        let isLosing = self.link.isCut(.lose)
        var count = 1
        while count < self.queue.count, self.queue[count].due <= now,
            case .bytes = self.queue[count].content, !(isLosing && self.queue[count].startsMessage)
        {
            count += 1
        }
        if count > 1, let joined = QueueItem.joined(self.queue.prefix(count)) {
            self.queue.removeFirst(count)
            self.queue.prepend(joined)
            fault.hit()
        }
        self.release.collectedRest = self.queue[0].byteCount
        return false
    }
}
