import ChaosCore

// The random part of one fault on one direction of one connection. Each draw belongs to an ordinal
// (of a block or a message) and is a function of the key and that ordinal, so how reads were cut,
// what other connections did and what other faults drew does not matter (design, section 8).

/// Draws for one fault on one direction of one connection. A class, since copies would draw apart.
final class FaultDraws {
    let fault: LinkFault
    /// The first block that was not decided yet.
    private var nextBlock: Int
    private let key: Seed
    /// Tells the fault's kind in a fingerprint.
    let tag: UInt64
    private let match: MessageMatch?
    /// Whether the fault has to know what is in a message.
    let looksInside: Bool
    /// The number at which an `nth` fault strikes, if it is one.
    private let nth: Int?
    private var chance: CorrelatedChance
    private var chain: GilbertElliottChain?
    // The parameters of `delay`, in nanoseconds.
    private var latency: Int64 = 0
    private var jitter: Int64 = 0
    private var delayCorrelation: Correlation
    private var shape = DelayDistribution.uniform
    private var choice = DelayDistribution.Choice.byRemainder

    /// What a draw is for; different uses of one ordinal never share random bits.
    private enum Use: UInt64 {
        case decision = 0
        case transition = 1
        case retransmission = 64
        case place = 0x1_0000_0000
    }

    init(fault: LinkFault, key: Seed, firstBlock: Int) {
        self.nextBlock = firstBlock
        self.fault = fault
        self.key = key
        self.tag = UInt64(FaultKind.allCases.firstIndex(of: fault.kind) ?? 0)
        let match = fault.fault.match
        self.match = match
        self.looksInside = match.map { $0.type != nil || !$0.fields.isEmpty } ?? false
        let first = key.word32(at: .max)
        switch fault.fault.occurrence {
        case .nth(let number)?:
            self.nth = number
            self.chance = CorrelatedChance(.zero)
        case .random(let ratio, let correlation)?:
            self.nth = nil
            self.chance = CorrelatedChance(ratio, correlation: correlation, first: first)
        case nil:
            self.nth = nil
            self.chance = CorrelatedChance(.zero)
        }
        if case .loss(let loss) = fault.fault, case .gilbertElliott(let model) = loss.model {
            self.chain = GilbertElliottChain(
                p: model.p, r: model.r, lossInBad: model.lossInBad, lossInGood: model.lossInGood)
        }
        if case .delay(let delay) = fault.fault {
            self.latency = max(0, delay.latency.wholeNanoseconds)
            self.jitter = max(0, delay.jitter.wholeNanoseconds)
            self.delayCorrelation = Correlation(delay.correlation, first: first)
            self.shape = delay.shape
            // A remainder would not keep what correlated numbers have in common.
            if delay.correlation != .zero { self.choice = .byRank }
        } else {
            self.delayCorrelation = Correlation(.zero, first: first)
        }
    }

    /// Whether the fault wants messages of all kinds and both directions, and each of them.
    var isForEveryMessage: Bool { self.match == nil }

    /// Whether a message is one that the fault is meant for, as far as its content and direction
    /// go; counts it if so and returns how many the fault has met since injection, or `nil` if it
    /// is none of those that the match counts.
    func meets(_ view: inout LazyMessageView, _ direction: Direction) -> Int? {
        if let match = self.match {
            if !self.isMeant(for: direction) { return nil }
            if self.looksInside && !match.matchesContent(of: view.value) { return nil }
        }
        return self.countMeeting()
    }

    /// The same for a packet, in which nothing can be looked for.
    func meets(_ direction: Direction) -> Int? {
        if self.looksInside || !self.isMeant(for: direction) { return nil }
        return self.countMeeting()
    }

    private func isMeant(for direction: Direction) -> Bool {
        guard let wanted = self.match?.direction else { return true }
        return (wanted == .request) == (direction == .forward)
    }

    private func countMeeting() -> Int? {
        let number = self.fault.countMatch()
        if let match = self.match {
            if let nth = match.nth, number != nth { return nil }
            if let first = match.first, number > first { return nil }
            if let after = match.after, number <= after { return nil }
        }
        self.fault.touch()
        return number
    }

    /// Decides on all blocks up to this one, and returns how many were not decided yet.
    func takeUp(blocksThrough number: Int) -> Int {
        defer { self.nextBlock = max(self.nextBlock, number + 1) }
        return max(0, number + 1 - self.nextBlock)
    }

    /// Whether the fault has not decided on a block yet; from now on it has.
    func takesUp(block number: Int) -> Bool {
        if number < self.nextBlock { return false }
        self.nextBlock = number + 1
        return true
    }

    /// Whether the fault strikes at this ordinal; to be asked once per ordinal, in order. `matched`
    /// is how many messages or blocks of the link the fault has met since injection.
    func strikes(at ordinal: UInt64, matched: Int) -> Bool {
        if let nth = self.nth { return matched == nth }
        let random = self.key.word32(at: ordinal, index: Use.decision.rawValue)
        if self.chain != nil {
            let transition = self.key.word32(at: ordinal, index: Use.transition.rawValue)
            return self.chain?.isLost(transition: transition, loss: random) ?? false
        }
        return self.chance.isHit(by: random)
    }

    /// How often in a row a lost block is lost again when it is sent again, at most 14 times
    /// (`tcp_retries2` is 15). Retransmissions are spread in time, so correlation does not bind
    /// them.
    func repeatedLosses(at ordinal: UInt64) -> Int {
        guard case .loss(let loss) = self.fault.fault else { return 0 }
        let ratio: Ratio =
            switch loss.model {
            case .plain(.random(let ratio, _)): ratio
            case .plain(.nth): .zero
            // By the time of the next try the chain has forgotten its state.
            case .gilbertElliott(let model): model.stationaryLoss
            }
        var count = 0
        while count < 14 {
            let index = Use.retransmission.rawValue + UInt64(count)
            if !ratio.isHit(by: self.key.word32(at: ordinal, index: index)) { break }
            count += 1
        }
        return count
    }

    /// The delay at this ordinal in nanoseconds; to be asked once per ordinal, in order.
    func delay(at ordinal: UInt64) -> Int64 {
        if self.isConstantDelay { return self.latency }
        let random = self.delayCorrelation.next(
            self.key.word32(at: ordinal, index: Use.decision.rawValue))
        return self.shape.nanoseconds(
            latency: self.latency, jitter: self.jitter, random: random, choice: self.choice)
    }

    /// Whether all delays are the same, so that there is nothing to decide.
    var isConstantDelay: Bool { self.jitter == 0 }

    /// One of the random numbers for places that belong to this ordinal.
    func word(at ordinal: UInt64, number: Int) -> UInt64 {
        self.key.word(at: ordinal, index: Use.place.rawValue &+ UInt64(number))
    }

    /// As many different whole numbers below a bound as are asked for, or all if there are fewer,
    /// by Floyd's algorithm (Bentley, Floyd: A Sample of Brilliance, CACM 1987).
    func places(_ count: Int, at ordinal: UInt64, below bound: Int) -> [Int] {
        var places: [Int] = []
        for last in max(0, bound - count)..<bound {
            let word = self.word(at: ordinal, number: places.count)
            let place = Int(word.multipliedFullWidth(by: UInt64(last + 1)).high)
            places.append(places.contains(place) ? last : place)
        }
        return places
    }

}

extension Fault {
    /// When the fault strikes, if it is one that strikes some messages and not others.
    fileprivate var occurrence: Occurrence? {
        switch self {
        case .loss(let loss):
            if case .plain(let occurrence) = loss.model { occurrence } else { nil }
        case .duplicate(let fault), .ackLoss(let fault): fault.occurrence
        case .reorder(let reorder): reorder.occurrence
        case .corrupt(let corrupt): corrupt.occurrence
        default: nil
        }
    }
}

extension Fault.Delay {
    /// The distribution with its table.
    fileprivate var shape: DelayDistribution {
        switch self.distribution {
        case .uniform: .uniform
        case .normal: .normal
        case .pareto: .pareto
        case .paretonormal: .paretonormal
        case .exponential: .exponential
        case .table: .table(DistributionTable(self.table))
        }
    }
}

extension Fault.GilbertElliott {
    /// The share of losses in the long run.
    fileprivate var stationaryLoss: Ratio {
        let sum = self.p.billionths + self.r.billionths
        // A chain that never changes stays in the good state, where it starts.
        if sum == 0 { return self.lossInGood }
        let bad = Ratio(billionths: self.p.billionths * 1_000_000_000 / sum)
        return Ratio(
            billionths: bad.of(self.lossInBad.billionths)
                + Ratio(billionths: 1_000_000_000 - bad.billionths).of(self.lossInGood.billionths))
    }
}
