import ChaosCore

/// Something that disturbed the cluster for a while, as far as checkers need to know.
package struct Disturbance: Hashable, Sendable {
    /// When it took effect.
    package var begin: Instant
    /// When it ended.
    package var end: Instant
    /// Whether it cut links.
    package var isCut: Bool
    /// The nodes that were dead or stood still meanwhile.
    package var silenced: [String]
    /// Whether everything arrived all the same: later, twice, in pieces or in another order.
    package var losesNothing: Bool

    /// Makes a disturbance.
    package init(
        begin: Instant, end: Instant, isCut: Bool, silenced: [String] = [],
        losesNothing: Bool = false
    ) {
        self.begin = begin
        self.end = end
        self.isCut = isCut
        self.silenced = silenced
        self.losesNothing = losesNothing
    }
}
