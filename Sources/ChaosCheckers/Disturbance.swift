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

    /// Makes a disturbance.
    package init(begin: Instant, end: Instant, isCut: Bool, silenced: [String] = []) {
        self.begin = begin
        self.end = end
        self.isCut = isCut
        self.silenced = silenced
    }
}
