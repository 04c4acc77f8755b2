import ChaosCore
import DequeModule

// Raw streams: faults are decided per block of offsets, and reads are split only where that makes a
// difference. A fault that comes while a block is under way holds for the rest of it.

extension StreamPipeline {
    /// Takes in bytes that no framing divides.
    mutating func admitRaw(_ bytes: Chunk, at now: Instant, journal: Journal) {
        if self.release.timeout != nil {
            self.counters.lost += bytes.count
            self.release.noteSwallowed(at: now)
            return
        }
        let begin = self.counters.received - bytes.count
        guard let faults = self.faults, faults.concernBlocks else {
            self.enqueue(bytes, due: now, place: begin, at: now)
            return
        }
        if let delay = faults.constantDelay(
            ofBlocksThrough: (self.counters.received - 1) / Self.blockSize)
        {
            self.enqueue(bytes, due: now.advanced(byNanoseconds: delay), place: begin, at: now)
            return
        }
        let end = self.counters.received
        var bytes = bytes
        var offset = begin
        while offset < end {
            self.decide(at: offset, faults, journal)
            let decision = self.block
            var border = min(end, (decision.number + 1) * Self.blockSize)
            // What struck no block stays together as long as it travels equally long.
            while border < end, !decision.isStruck {
                self.decide(at: border, faults, journal)
                if self.block.isStruck || self.block.delay != decision.delay { break }
                border = min(end, border + Self.blockSize)
            }
            var part = border < end ? bytes.removePrefix(border - offset) : bytes
            if !decision.flips.isEmpty {
                self.flip(decision, in: &part, at: offset, faults, journal)
            }
            self.admit(part, decision, at: now, offset: offset)
            offset = border
            if !self.repairableEnds.isEmpty { self.repairLosses(through: offset, at: now) }
        }
    }

    /// Draws the fate of the block at an offset, as far as it was not drawn yet.
    private mutating func decide(at offset: Int, _ faults: StreamFaults, _ journal: Journal) {
        let number = offset / Self.blockSize
        if self.block.number != number { self.block = BlockDecision(number: number) }
        let ordinal = UInt64(number)
        if let loss = faults.loss, loss.takesUp(block: number) {
            self.decideLoss(of: number, loss, journal)
        }
        if let draws = faults.corrupt, draws.takesUp(block: number),
            case .corrupt(let corrupt) = draws.fault.fault
        {
            draws.fault.touch()
            (self.block.flips, self.block.hasFlipped) = ([], false)
            if draws.strikes(at: ordinal, matched: draws.fault.countMatch()) {
                let bits = Self.blockSize * 8
                self.block.flips = draws.places(corrupt.bits, at: ordinal, below: bits)
                for place in self.block.flips { self.fold(draws.tag, number, UInt64(place)) }
            }
        }
        if let draws = faults.delay, draws.takesUp(block: number) {
            draws.fault.touch()
            draws.fault.hit()
            self.block.delay = draws.delay(at: ordinal)
            if !draws.isConstantDelay {
                self.fold(draws.tag, number, UInt64(self.block.delay))
            }
        }
    }

    private mutating func decideLoss(of number: Int, _ draws: FaultDraws, _ journal: Journal) {
        let fault = draws.fault
        fault.touch()
        self.block.losses = 0
        guard draws.strikes(at: UInt64(number), matched: fault.countMatch()) else { return }
        self.block.losses = 1 + draws.repeatedLosses(at: UInt64(number))
        fault.hit()
        self.fold(draws.tag, number, UInt64(self.block.losses))
        journal.decision(
            self, fault, [("block", number.json), ("losses", self.block.losses.json)])
    }

    /// Flips the bits of a block that lie in this part of it.
    private mutating func flip(
        _ decision: BlockDecision, in part: inout Chunk, at offset: Int, _ faults: StreamFaults,
        _ journal: Journal
    ) {
        let begin = offset - decision.number * Self.blockSize
        let places = decision.flips.map { $0 - begin * 8 }
            .filter { $0 >= 0 && $0 < part.count * 8 }
        // A block may end before the byte that was to be struck comes.
        if places.isEmpty { return }
        part.flip(places)
        guard !self.block.hasFlipped, let fault = faults.corrupt?.fault else { return }
        self.block.hasFlipped = true
        fault.hit()
        journal.decision(self, fault, [("block", decision.number.json)])
    }

    private mutating func admit(
        _ part: Chunk, _ decision: BlockDecision, at now: Instant, offset: Int
    ) {
        let due = now.advanced(byNanoseconds: decision.delay)
        guard decision.losses > 0 else {
            self.enqueue(part, due: due, place: offset, at: now)
            return
        }
        let lateness = self.lateness(ofLosses: decision.losses)
        var item = QueueItem(
            .bytes(part), due: due.advanced(byNanoseconds: lateness), place: offset)
        if decision.losses == 1 {
            item.dueWithoutLoss = due
            let end = (decision.number + 1) * Self.blockSize
            if self.repairableEnds.last != end { self.repairableEnds.append(end) }
        }
        self.enqueue(item)
    }

    /// How late a block is after so many losses in a row: the retransmission timeout doubles each
    /// time (RFC 6298 section 5.5); Linux starts at 200 ms or twice the round trip.
    private func lateness(ofLosses losses: Int) -> Int64 {
        let (twice, _) = self.roundTrip.multipliedReportingOverflow(by: 2)
        let (product, overflow) = max(200_000_000, twice)
            .multipliedReportingOverflow(by: (1 << Int64(losses)) - 1)
        return overflow ? .max / 4 : product
    }

    private var roundTrip: Int64 {
        max(1_000_000, min(self.link.latency, .max / 8) + min(self.reverseLink.latency, .max / 8))
    }

    /// Three later blocks behind a single loss make the sender retransmit at once (RFC 5681 section
    /// 3.2): the lost block is then late by one round trip only.
    private mutating func repairLosses(through offset: Int, at now: Instant) {
        while let end = self.repairableEnds.first, end + 3 * Self.blockSize <= offset {
            self.repairableEnds.removeFirst()
            var index = self.firstItem(from: end - Self.blockSize)
            while index < self.queue.count, self.queue[index].place < end {
                if let ideal = self.queue[index].dueWithoutLoss {
                    let repaired = max(ideal, now).advanced(byNanoseconds: self.roundTrip)
                    self.queue[index].due = min(self.queue[index].due, repaired)
                    self.queue[index].dueWithoutLoss = nil
                }
                index += 1
            }
        }
    }

    /// Where the first item from an offset of the stream on waits.
    private func firstItem(from offset: Int) -> Int {
        var (low, high) = (0, self.queue.count)
        while low < high {
            let middle = (low + high) / 2
            if self.queue[middle].place < offset { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension StreamFaults {
    /// The delay in nanoseconds that all blocks have, counted for each, if nothing else may happen
    /// to them.
    fileprivate func constantDelay(ofBlocksThrough number: Int) -> Int64? {
        guard self.loss == nil, self.corrupt == nil, let delay = self.delay,
            delay.isConstantDelay
        else { return nil }
        let count = delay.takeUp(blocksThrough: number)
        delay.fault.touch(count)
        delay.fault.hit(count)
        return delay.delay(at: UInt64(number))
    }
}

/// What was drawn for one block.
struct BlockDecision {
    /// Which block; before the first one none.
    var number = -1
    /// How often it is lost in a row.
    var losses = 0
    /// How long it travels, in nanoseconds.
    var delay: Int64 = 0
    /// The bits of the block that flip.
    var flips: [Int] = []
    /// Whether one of them has.
    var hasFlipped = false

    /// Whether the block must be apart from others.
    var isStruck: Bool { self.losses > 0 || !self.flips.isEmpty }

    /// Forgets what faults decided that are no longer in force.
    mutating func keepOnly(_ faults: StreamFaults?) {
        if faults?.loss == nil { self.losses = 0 }
        if faults?.delay == nil { self.delay = 0 }
        if faults?.corrupt == nil { self.flips = [] }
    }
}

extension UInt64 {
    var json: JSONValue { .int(Int64(clamping: self)) }
}

extension Int {
    var json: JSONValue { .int(Int64(self)) }
}
