import NodeKit

// S17: how often was a link followed? Counted on every node, whoever else can be reached.

extension ReferenceSystem {
    static let linkViews = ReferenceSystem(
        name: "link-views", summary: "how often a short link was followed, on all nodes together",
        variants: [
            Variant("slots", "a slot for each life of a node, on disk before the visitor goes on") {
                ViewedLinkNode()
            },
            Variant("operations", "tells the others '+1': doubled counts twice, lost not at all") {
                ViewedLinkNode(.tellsOperations)
            },
            Variant("total", "tells the others its total, and the last to arrive wins") {
                ViewedLinkNode(.tellsTotals)
            },
            Variant("no-nodeup", "tells its slots once, and never again") {
                ViewedLinkNode(.tellsOnce)
            },
            Variant("nodeup-only", "tells its slots again to a node that comes back, only then") {
                ViewedLinkNode(.tellsOnNodeUp)
            },
            Variant("volatile", "counts in memory, in the same slot in each life") {
                ViewedLinkNode(.forgets)
            },
            Variant("same-id", "all nodes have one name, and so one slot") {
                ViewedLinkNode(.sharesSlot)
            },
            Variant("counts-first", "counts before it knows whether there is such a link") {
                ViewedLinkNode(.countsUnknown)
            },
            Variant("late", "counts when the visitor is gone") {
                ViewedLinkNode(.countsLate)
            },
            Variant("no-view-id", "counts a visitor again who asks again") {
                ViewedLinkNode(.countsAgain)
            },
        ])
}
