import NodeKit

// S15: a link shortener without a store: every node has all links.

extension ReferenceSystem {
    static let linkReplication = ReferenceSystem(
        name: "link-replication", summary: "short links over HTTP, all of them on every node",
        variants: [
            Variant("one", "acknowledged when it is on one disk; the others hear of it, or ask") {
                ReplicatedLinkNode(.one)
            },
            Variant("quorum", "acknowledged when it is on the disks of a majority") {
                ReplicatedLinkNode(.quorum)
            },
            Variant("all", "acknowledged when it is on all disks: one that is away stops all") {
                ReplicatedLinkNode(.all)
            },
            Variant("no-catch-up", "tells the others once: who was cut off never hears of it") {
                ReplicatedLinkNode(.one, .neverCompares)
            },
            Variant("one-by-one", "waits for each other node in turn, five seconds each") {
                ReplicatedLinkNode(.oneByOne)
            },
            Variant("wrong-table", "puts what it is told where nobody looks") {
                ReplicatedLinkNode(.one, .misplaces)
            },
            Variant("ack-first", "acknowledges, and then writes down and tells") {
                ReplicatedLinkNode(.one, .acknowledgesFirst)
            },
        ])
}
