import ChaosCore

/// The faults of one link as the kernel's network emulator takes them (`tc-netem(8)`; Linux,
/// `net/sched/sch_netem.c`). Every parameter has a value, so none can be left over from before.
package struct NetemSpec: Hashable, Sendable {
    /// How packets are lost. Probabilities are of 2³²−1.
    package enum Loss: Hashable, Sendable {
        case random(UInt32, correlation: UInt32)
        /// `keptInBad` is the share that gets through in the bad state, which `tc` takes the other way round.
        case gilbertElliott(p: UInt32, r: UInt32, keptInBad: UInt32, lostInGood: UInt32)
    }

    /// A probability, and how much each draw follows the one before, of 2³²−1.
    package struct Chance: Hashable, Sendable {
        package var probability: UInt32 = 0
        package var correlation: UInt32 = 0
    }

    /// Nanoseconds.
    package var latency: Int64 = 0
    package var jitter: Int64 = 0
    package var delayCorrelation: UInt32 = 0
    /// How delays spread, in units of 1/8192 jitters; empty is uniform.
    package var distribution: [Int16] = []
    package var loss = Loss.random(0, correlation: 0)
    package var duplicate = Chance()
    package var corrupt = Chance()
    package var reorder = Chance()
    /// Only every so many packets may one go ahead; 0 where none may.
    package var gap: UInt32 = 0
    /// Bytes per second; 0 is as fast as can be.
    package var rate: UInt64 = 0
    /// How many packets may wait.
    package var limit: UInt32 = 100_000
    /// From what draws derive, where the kernel has that (Linux 6.6).
    package var seed: UInt64

    /// Why something stays with the packet switch.
    package struct Refusal: Error, Hashable, Sendable {
        /// The fault, and what netem lacks for it.
        package let kind: FaultKind
        package let reason: String

        package init(kind: FaultKind, reason: String) {
            self.kind = kind
            self.reason = reason
        }
    }

    /// - Parameters:
    ///   - faults: Those in force on the link, one of a kind.
    ///   - seed: From what draws derive.
    /// - Throws: ``Refusal`` for the first that netem cannot do as the packet switch does it.
    package init(_ faults: [Fault], seed: UInt64) throws(Refusal) {
        self.seed = seed
        for fault in faults {
            if let reason = self.add(fault, among: faults) {
                throw Refusal(kind: fault.kind, reason: reason)
            }
        }
    }

    /// Adds a fault, or says why not.
    private mutating func add(_ fault: Fault, among faults: [Fault]) -> String? {
        if fault.match != nil { return "netem does not know which packets are meant" }
        switch fault {
        case .delay(let delay): return self.add(delay)
        case .loss(let loss):
            switch loss.model {
            case .plain(let occurrence):
                guard let chance = Self.chance(occurrence) else { return Self.noNumbers }
                self.loss = .random(chance.probability, correlation: chance.correlation)
            case .gilbertElliott(let model):
                self.loss = .gilbertElliott(
                    p: model.p.scaled32, r: model.r.scaled32,
                    keptInBad: UInt32.max - model.lossInBad.scaled32,
                    lostInGood: model.lossInGood.scaled32)
            }
        case .duplicate(let fault):
            guard let chance = Self.chance(fault.occurrence) else { return Self.noNumbers }
            self.duplicate = chance
        case .corrupt(let corrupt):
            guard let chance = Self.chance(corrupt.occurrence) else { return Self.noNumbers }
            if corrupt.bits != 1 { return "netem flips one bit" }
            self.corrupt = chance
        case .reorder(let reorder):
            guard let chance = Self.chance(reorder.occurrence) else { return Self.noNumbers }
            if !faults.contains(where: { $0.kind == .delay }) {
                return "netem reorders by sending ahead of packets that have a delay"
            }
            self.reorder = chance
            self.gap = UInt32(clamping: reorder.gap ?? 1)
        case .rate(let rate): return self.add(rate, among: faults)
        case .refuse: break
        case .slicer, .limitData, .slowClose, .resetPeer, .timeout, .acceptDelay, .ackLoss,
            .coalesce:
            return "it is no fault of packets"
        }
        return nil
    }

    private static let noNumbers = "netem draws, and counts no packets"

    private static func chance(_ occurrence: Fault.Occurrence) -> Chance? {
        guard case .random(let ratio, let correlation) = occurrence else { return nil }
        return Chance(probability: ratio.scaled32, correlation: correlation.scaled32)
    }

    private mutating func add(_ delay: Fault.Delay) -> String? {
        self.latency = max(0, delay.latency.wholeNanoseconds)
        self.jitter = max(0, delay.jitter.wholeNanoseconds)
        // The kernel draws with a remainder of 32 bits.
        if self.jitter >= 1 << 31 { return "netem's jitter is at most 2.1 s" }
        self.delayCorrelation = delay.correlation.scaled32
        switch delay.distribution {
        case .uniform: break
        case .normal: self.distribution = DistributionTable.normal.values
        case .pareto: self.distribution = DistributionTable.pareto.values
        case .paretonormal: self.distribution = DistributionTable.paretonormal.values
        case .table: self.distribution = delay.table
        case .exponential: return "netem has no such distribution"
        }
        if self.jitter == 0 { self.distribution = [] }
        return nil
    }

    private mutating func add(_ rate: Fault.Rate, among faults: [Fault]) -> String? {
        if rate.scope == .connection { return "netem has one rate for all connections" }
        if rate.limit != nil { return "netem's queue counts packets" }
        if rate.burst != Fault.Rate(rate.bandwidth).burst { return "netem's rate has no burst" }
        self.rate = UInt64(max(1, rate.bandwidth.bitsPerSecond / 8))
        // As many as the packet switch lets wait, beside those that are on their way.
        let nanoseconds = faults.reduce(Int64(0)) { sum, fault in
            guard case .delay(let delay) = fault else { return sum }
            return sum + max(0, delay.latency.wholeNanoseconds)
        }
        let onTheirWay = Double(self.rate) * Double(nanoseconds) / 1e9 / 64
        self.limit = 1000 + UInt32(min(onTheirWay, 1_000_000))
        return nil
    }
}
