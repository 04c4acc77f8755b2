/// Loss in bursts: a chain of a good and a bad state, each with a loss of its own (Gilbert 1960,
/// Elliott 1963; `loss_gilb_ell` in Linux, `net/sched/sch_netem.c`).
///
/// In the long run the share p/(p + r) of all packets meets the bad state, a stay there lasts 1/r
/// packets on average, and the loss is `(r·lossInGood + p·lossInBad)/(p + r)`.
package struct GilbertElliottChain: Hashable, Sendable {
    /// Whether the next packet meets the bad state. A chain starts in the good one.
    package private(set) var isBad = false

    private let goodToBad: UInt32
    private let badToGood: UInt32
    private let lossInGood: UInt32
    private let keptInBad: UInt32

    /// Makes a chain from `tc`'s parameters: p, r, 1−h and 1−k.
    package init(p: Ratio, r: Ratio, lossInBad: Ratio, lossInGood: Ratio) {
        self.goodToBad = p.scaled32
        self.badToGood = r.scaled32
        self.lossInGood = lossInGood.scaled32
        self.keptInBad = UInt32.max - lossInBad.scaled32
    }

    /// Whether a packet is lost, and moves the chain on.
    ///
    /// The state before the move decides, with the comparisons of the kernel.
    /// - Parameters:
    ///   - transition: A random number that decides on the move.
    ///   - loss: Another one, that decides on the packet.
    package mutating func isLost(transition: UInt32, loss: UInt32) -> Bool {
        if self.isBad {
            if transition < self.badToGood { self.isBad = false }
            return loss > self.keptInBad
        }
        if transition < self.goodToBad { self.isBad = true }
        return loss < self.lossInGood
    }
}
