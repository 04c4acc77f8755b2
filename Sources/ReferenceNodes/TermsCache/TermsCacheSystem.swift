import NodeKit

// S23 and S24: a cache of terms that one process owns, with lifetimes.

extension ReferenceSystem {
    static let termsCache = ReferenceSystem(
        name: "terms-cache", summary: "a cache that one process owns, with lifetimes",
        variants: [
            Variant("call", "acknowledged when it is there; expired is gone, on a clock of its own")
            {
                TermsCacheNode()
            },
            Variant("cast", "acknowledged when it is on its way: others may not see it yet") {
                TermsCacheNode(.castsPuts)
            },
            Variant("sweep-only", "expired is there until the next sweep, up to five seconds later")
            {
                TermsCacheNode(table: .readsExpired)
            },
            Variant("sweeps-eternal", "the sweep takes what never expires") {
                TermsCacheNode(table: .sweepsEternal)
            },
            Variant("never-sweeps", "expired is gone for whoever asks, and stays in memory") {
                TermsCacheNode(table: .neverSweeps)
            },
            Variant(
                "wall-clock", "expiry is a date: a clock that is set ends lives, or prolongs them"
            ) {
                TermsCacheNode(.trustsTheDate)
            },
        ])
}
