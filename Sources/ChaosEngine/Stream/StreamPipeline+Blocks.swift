import ChaosCore
import DequeModule

// Raw streams: faults are decided per block of offsets, and reads are split only where that makes a
// difference.

extension StreamPipeline {
    /// Takes in bytes that no framing divides.
    mutating func admitRaw(_ bytes: Bytes, at now: Instant, journal: Journal) {
        var bytes = bytes
        if self.release.swallows(self.link) {
            self.counters.lost += bytes.count
            self.release.noteSwallowed(at: now)
            return
        }
        guard self.loss != nil || self.delay != nil || self.corrupt != nil else {
            self.enqueue(.bytes(bytes), due: now)
            return
        }
        var offset = self.counters.received - bytes.count
        while bytes.count > 0 {
            let block = UInt64(offset / Self.blockSize)
            let size = min(bytes.count, Self.blockSize - offset % Self.blockSize)
            if block >= self.blocksStarted {
                self.blocksStarted = block + 1
                self.block = self.decide(block, journal: journal)
            }
            let decision = self.block
            var part = bytes.removePrefix(size)
            self.flip(decision.flips, in: &part, at: offset % Self.blockSize)
            self.enqueueBlock(part, decision, at: now)
            offset += size
        }
    }

    /// Draws the fate of a block; faults that came later than its first byte do not touch it.
    private mutating func decide(_ block: UInt64, journal: Journal) -> BlockDecision {
        var decision = BlockDecision()
        if let fault = self.loss?.fault {
            fault.touch()
            if self.loss?.strikes(at: block, matched: fault.countMatch()) == true {
                decision.losses = 1 + (self.loss?.repeatedLosses(at: block) ?? 0)
                fault.hit()
                self.fold(.loss, block, UInt64(decision.losses))
                journal.decision(
                    .loss, self, fault, [("block", block.json), ("losses", decision.losses.json)])
            }
        }
        if let fault = self.corrupt?.fault, case .corrupt(let corrupt) = fault.fault {
            fault.touch()
            if self.corrupt?.strikes(at: block, matched: fault.countMatch()) == true {
                for number in 0..<corrupt.bits {
                    let place =
                        self.corrupt?.place(at: block, number: number, below: Self.blockSize * 8) ?? 0
                    decision.flips.append(place)
                    self.fold(.corrupt, block, UInt64(place))
                }
                fault.hit()
                journal.decision(.corrupt, self, fault, [("block", block.json)])
            }
        }
        if let fault = self.delay?.fault {
            fault.touch()
            fault.hit()
            decision.delay = self.delay?.delay(at: block) ?? 0
            self.fold(.delay, block, UInt64(decision.delay))
        }
        return decision
    }

    private func flip(_ flips: [Int], in part: inout Bytes, at offset: Int) {
        for place in flips where place / 8 >= offset && place / 8 < offset + part.count {
            part.flipBit(place % 8, at: place / 8 - offset)
        }
    }

    private mutating func enqueueBlock(_ part: Bytes, _ decision: BlockDecision, at now: Instant) {
        let due = now.advanced(byNanoseconds: decision.delay)
        self.repairOlderLosses(at: now, adding: part.count)
        if decision.losses > 0 {
            let lateness = self.lateness(ofLosses: decision.losses)
            self.enqueue(.bytes(part), due: due.advanced(byNanoseconds: lateness))
            if decision.losses == 1 { self.queue[self.queue.count - 1].dueWithoutLoss = due }
            return
        }
        // What has to wait for the bytes in front of it anyway can join them.
        if let last = self.queue.last, !last.isMessage, last.dueWithoutLoss == nil,
            case .bytes(var waiting) = last.content, last.due >= due, last.due > now
        {
            waiting.append(part)
            self.counters.queued += part.count
            self.queue[self.queue.count - 1].content = .bytes(waiting)
            return
        }
        self.enqueue(.bytes(part), due: due)
    }

    /// How late a block is after so many losses in a row: the retransmission timeout doubles each
    /// time (RFC 6298 section 5.5); Linux starts at 200 ms or twice the round trip.
    private func lateness(ofLosses losses: Int) -> Int64 {
        let timeout = max(200_000_000, 2 * self.roundTrip)
        let (product, overflow) = timeout.multipliedReportingOverflow(by: (1 << Int64(losses)) - 1)
        return overflow ? .max / 4 : product
    }

    private var roundTrip: Int64 {
        let back = self.link.network.state(of: self.link.link.reversed)
        return max(1_000_000, self.link.meanDelay + back.meanDelay)
    }

    /// Three later blocks behind a single loss make the sender retransmit at once (RFC 5681 section
    /// 3.2): the lost block is then late by one round trip only.
    private mutating func repairOlderLosses(at now: Instant, adding count: Int) {
        guard self.loss != nil else { return }
        let threshold = 3 * Self.blockSize
        var behind = count
        for index in self.queue.indices.reversed() {
            if behind >= threshold, let ideal = self.queue[index].dueWithoutLoss {
                let repaired = max(ideal, now).advanced(byNanoseconds: self.roundTrip)
                self.queue[index].due = min(self.queue[index].due, repaired)
                self.queue[index].dueWithoutLoss = nil
            }
            behind += self.queue[index].byteCount
            // Older losses have been looked at when enough bytes had come behind them.
            if behind > 8 * threshold { break }
        }
    }
}

/// What was drawn for one block.
struct BlockDecision {
    /// How often it is lost in a row.
    var losses = 0
    /// How long it travels, in nanoseconds.
    var delay: Int64 = 0
    /// The bits of the block that flip.
    var flips: [Int] = []
}

extension UInt64 {
    var json: JSONValue { .int(Int64(clamping: self)) }
}

extension Int {
    var json: JSONValue { .int(Int64(self)) }
}
