import ChaosCore
import DequeModule

/// What a direction wants done.
enum PipelineAction<Bytes: StreamBytes> {
    case write(Bytes)
    case closeWriting
    case reset
    case close
}

extension StreamPipeline {
    /// The next thing to do, or `nil`; then ``deadline`` says when to ask again.
    mutating func next(
        at now: Instant, isSinkReady: Bool, journal: Journal
    ) -> PipelineAction<Bytes>? {
        self.release.wakeAt = .never
        self.releaseHeldMessages(at: now, all: self.hasEnded)
        if self.release.isBroken { return .close }
        if let action = self.nextByTime(at: now) { return action }
        if self.release.resetPeer != nil && self.release.resetAt != nil { return nil }
        if self.release.timeout != nil || self.isGateClosed { return nil }
        if self.release.hasReachedLimit { return .close }
        while let head = self.queue.first {
            if head.due > now {
                self.wake(at: head.due)
                return nil
            }
            switch head.content {
            case .reset:
                self.queue.removeFirst()
                return .reset
            // The end waits for its socket as bytes do: there may be none yet to pass it on to.
            case .end: return isSinkReady ? self.nextEnd(at: now) : nil
            case .bytes(let bytes):
                if head.isMessage, let cut = self.link.cuts.first(where: { $0.mode == .lose }) {
                    self.lose(bytes, to: cut, journal)
                    continue
                }
                return isSinkReady ? self.nextBytes(at: now) : nil
            }
        }
        return nil
    }

    /// When to ask for the next action if nothing happens before.
    var deadline: Instant {
        self.held.reduce(self.release.wakeAt) { min($0, $1.until) }
    }

    /// Whether a cut keeps bytes from leaving.
    var isGateClosed: Bool { self.link.isCut(.drop) || self.link.isCut(.hold) }

    private mutating func wake(at instant: Instant) {
        self.release.wakeAt = min(self.release.wakeAt, instant)
    }

    private mutating func nextByTime(at now: Instant) -> PipelineAction<Bytes>? {
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
                fault.hit()
                return .close
            }
            self.wake(at: closeAt)
        }
        return nil
    }

    private mutating func lose(_ bytes: Bytes, to cut: Cut, _ journal: Journal) {
        self.queue.removeFirst()
        self.counters.queued -= bytes.count
        self.counters.lost += bytes.count
        cut.touched += 1
        cut.hits += 1
        journal.lost(to: cut, self, bytes: bytes.count)
    }

    private mutating func nextEnd(at now: Instant) -> PipelineAction<Bytes>? {
        if case .slowClose(let delay)? = self.release.slowClose?.fault, let fault = self.release.slowClose {
            let due = self.release.endDue ?? now + delay
            self.release.endDue = due
            self.release.touchOnce(fault)
            if now < due {
                self.wake(at: due)
                return nil
            }
            fault.hit()
        }
        self.queue.removeFirst()
        return .closeWriting
    }

    /// Takes as many bytes from the head as all faults allow.
    private mutating func nextBytes(at now: Instant) -> PipelineAction<Bytes>? {
        if self.isCollecting(at: now) { return nil }
        guard case .bytes(var bytes)? = self.queue.first?.content else { return nil }
        // What leaves is out of reach of a later cut, so a slow reader is handed little at a time;
        // messages leave whole.
        let isMessage = self.queue.first?.isMessage == true
        var size = isMessage ? bytes.count : min(bytes.count, Self.writeLimit)
        self.release.limitData.map { self.release.touchOnce($0) }
        let limit = self.limitOfData
        if let limit {
            if self.counters.written >= limit {
                self.release.limitData?.hit()
                return .close
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
        self.account(size, at: now)
        let piece = bytes.removePrefix(size)
        if bytes.count == 0 {
            self.queue.removeFirst()
        } else {
            self.queue[0].content = .bytes(bytes)
            self.queue[0].isMessage = false
        }
        self.counters.queued -= size
        self.counters.written += size
        if let limit, self.counters.written >= limit {
            self.release.limitData?.hit()
            self.release.hasReachedLimit = true
        }
        return .write(piece)
    }

    /// After how many bytes `limit_data` closes the connection.
    private var limitOfData: Int? {
        guard let fault = self.release.limitData, case .limitData(let limit) = fault.fault else {
            return nil
        }
        return limit.bytes
    }

    /// Moves the slicer's and the bucket's state on by what is really written.
    private mutating func account(_ size: Int, at now: Instant) {
        if case .slicer(let slicer)? = self.release.slicer?.fault {
            self.release.pieceRest -= size
            if self.release.pieceRest <= 0 {
                self.release.slicer?.hit()
                self.release.nextPieceAt = now + slicer.delay
            }
        }
        if let fault = self.release.rate, case .rate(let rate) = fault.fault {
            let cost = rate.bandwidth.nanoseconds(forBytes: size)
            if rate.scope == .link {
                fault.bucketFreeAt = max(fault.bucketFreeAt, now).advanced(byNanoseconds: cost)
            } else {
                self.release.bucketFreeAt = max(self.release.bucketFreeAt, now)
                    .advanced(byNanoseconds: cost)
            }
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
            let variation = min(slicer.sizeVariation.bytes, max(0, slicer.averageSize.bytes - 1))
            let random = self.sliceSizes.word(at: self.release.piecesBegun)
            let offset = Int(random.multipliedFullWidth(by: UInt64(2 * variation + 1)).high)
            self.release.pieceRest = max(1, slicer.averageSize.bytes - variation + offset)
            self.release.piecesBegun += 1
        }
        return min(size, self.release.pieceRest)
    }

    /// How much a token bucket allows now: at most what it holds, in pieces of up to 5 ms, so that
    /// connections sharing it take turns.
    private mutating func nextAllowance(
        of size: Int, _ rate: Fault.Rate, _ fault: LinkFault, at now: Instant
    ) -> Int? {
        self.release.touchOnce(fault)
        let freeAt = rate.scope == .link ? fault.bucketFreeAt : self.release.bucketFreeAt
        let burstTime = rate.bandwidth.nanoseconds(forBytes: rate.burst.bytes)
        let quantum = min(max(rate.bandwidth.bytes(inNanoseconds: 5_000_000), 1), 64 << 10)
        let wanted = min(size, quantum)
        // Wait until at least the wanted bytes fit into the bucket, or all of it is free.
        let needed = min(rate.bandwidth.nanoseconds(forBytes: wanted), burstTime)
        let earliest = freeAt.advanced(byNanoseconds: needed - burstTime)
        if now < earliest {
            fault.hit()
            self.wake(at: earliest)
            return nil
        }
        let saved = min(burstTime, burstTime - (freeAt.nanoseconds - now.nanoseconds))
        let tokens = rate.bandwidth.bytes(inNanoseconds: max(0, saved))
        return min(size, max(wanted, tokens))
    }

    /// Whether `coalesce` still collects; when it is done, everything due becomes one write.
    private mutating func isCollecting(at now: Instant) -> Bool {
        guard let fault = self.release.coalesce, case .coalesce(let hold) = fault.fault else {
            return false
        }
        self.release.touchOnce(fault)
        let until = self.release.collectUntil ?? now + hold
        if now < until && !self.hasEnded {
            self.release.collectUntil = until
            self.wake(at: until)
            return true
        }
        self.release.collectUntil = nil
        guard case .bytes(var whole)? = self.queue.first?.content else { return false }
        while self.queue.count > 1, self.queue[1].due <= now, case .bytes(let more) = self.queue[1].content {
            whole.append(more)
            self.queue.remove(at: 1)
            fault.hit()
        }
        self.queue[0].content = .bytes(whole)
        return false
    }

    /// Gives up everything that waits, because the connection ends.
    mutating func discardAll() {
        self.counters.discarded += self.counters.queued
        self.counters.queued = 0
        self.queue.removeAll()
        self.held.removeAll()
        self.partial = nil
        self.release.wakeAt = .never
    }
}
