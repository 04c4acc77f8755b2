import ChaosCore

// The random part of one fault on one direction of one connection. Each draw belongs to an ordinal
// (of a block or a message) and is a function of the key and that ordinal, so how reads were cut,
// what other connections did and what other faults drew does not matter (design, section 8).

/// Draws for one fault on one direction of one connection.
struct FaultDraws {
    let fault: LinkFault
    private let key: Seed
    private var chance: CorrelatedChance
    private var chain: GilbertElliottChain?
    private var delayCorrelation: Correlation
    private var shape: DelayDistribution

    /// What a draw is for; different uses of one ordinal never share random bits.
    private enum Use: UInt64 {
        case decision = 0
        case transition = 1
        case retransmission = 64
        case place = 0x1_0000_0000
    }

    init(fault: LinkFault, key: Seed) {
        self.fault = fault
        self.key = key
        let first = key.word32(at: .max)
        self.shape = .uniform
        var chance = CorrelatedChance(.zero)
        self.chain = nil
        var delayCorrelation = Correlation(.zero, first: first)
        switch fault.fault {
        case .loss(let loss):
            switch loss.model {
            case .plain(.random(let ratio, let correlation)):
                chance = CorrelatedChance(ratio, correlation: correlation, first: first)
            case .plain(.nth): break
            case .gilbertElliott(let model):
                self.chain = GilbertElliottChain(
                    p: model.p, r: model.r, lossInBad: model.lossInBad, lossInGood: model.lossInGood)
            }
        case .duplicate(let message), .ackLoss(let message):
            chance = Self.chance(message.occurrence, first)
        case .reorder(let reorder): chance = Self.chance(reorder.occurrence, first)
        case .corrupt(let corrupt): chance = Self.chance(corrupt.occurrence, first)
        case .delay(let delay):
            delayCorrelation = Correlation(delay.correlation, first: first)
            self.shape = delay.shape
        default: break
        }
        self.chance = chance
        self.delayCorrelation = delayCorrelation
    }

    private static func chance(_ occurrence: Fault.Occurrence, _ first: UInt32) -> CorrelatedChance {
        if case .random(let ratio, let correlation) = occurrence {
            return CorrelatedChance(ratio, correlation: correlation, first: first)
        }
        return CorrelatedChance(.zero)
    }

    /// The number at which an `nth` fault strikes, if it is one.
    private var nth: Int? {
        let occurrence: Fault.Occurrence? =
            switch self.fault.fault {
            case .loss(let loss):
                if case .plain(let occurrence) = loss.model { occurrence } else { nil }
            case .duplicate(let message), .ackLoss(let message): message.occurrence
            case .reorder(let reorder): reorder.occurrence
            case .corrupt(let corrupt): corrupt.occurrence
            default: nil
            }
        if case .nth(let number)? = occurrence { return number }
        return nil
    }

    /// Whether the fault strikes at this ordinal; to be asked once per ordinal, in order. `matched`
    /// is how many messages or blocks of the link the fault has met since injection.
    mutating func strikes(at ordinal: UInt64, matched: Int) -> Bool {
        if let nth = self.nth { return matched == nth }
        let random = self.key.word32(at: ordinal, index: Use.decision.rawValue)
        if self.chain != nil {
            let transition = self.key.word32(at: ordinal, index: Use.transition.rawValue)
            return self.chain?.isLost(transition: transition, loss: random) ?? false
        }
        return self.chance.isHit(by: random)
    }

    /// How often in a row a lost block is lost again when it is sent again, at most 14 times
    /// (`tcp_retries2` is 15). Retransmissions are spread in time, so correlation does not bind them.
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
    mutating func delay(at ordinal: UInt64) -> Int64 {
        guard case .delay(let delay) = self.fault.fault else { return 0 }
        if delay.jitter == .zero { return delay.latency.wholeNanoseconds }
        let random = self.delayCorrelation.next(
            self.key.word32(at: ordinal, index: Use.decision.rawValue))
        return self.shape.nanoseconds(
            latency: delay.latency.wholeNanoseconds, jitter: delay.jitter.wholeNanoseconds,
            random: random, choice: delay.correlation == .zero ? .byRemainder : .byRank)
    }

    /// One of the random numbers for places that belong to this ordinal.
    func word(at ordinal: UInt64, number: Int) -> UInt64 {
        self.key.word(at: ordinal, index: Use.place.rawValue + UInt64(number))
    }

    /// A whole number below a bound that belongs to this ordinal.
    func place(at ordinal: UInt64, number: Int, below bound: Int) -> Int {
        Int(self.word(at: ordinal, number: number).multipliedFullWidth(by: UInt64(bound)).high)
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
