import NodeKit

// S16: links in Redis, and each on the two nodes that a ring says.

extension ReferenceSystem {
    static let linkRing = ReferenceSystem(
        name: "link-ring",
        summary: "short links over HTTP, each on the nodes that a hash ring says",
        variants: [
            Variant("versioned", "a ring with versions, two owners for each link, Redis behind") {
                RingLinkNode()
            },
            Variant("modulo", "hash modulo the number of nodes: most links move when it changes") {
                RingLinkNode(.countsNodes)
            },
            Variant("first-ring", "takes the first change of members for the last one") {
                RingLinkNode(.keepsFirstRing)
            },
            Variant("no-fallback", "asks the first owner, and nobody else") {
                RingLinkNode(.asksOneOwner)
            },
            Variant("owner-or-422", "stores a link, and refuses it where the owner is away") {
                RingLinkNode(.refusesAfterStoring)
            },
            Variant("no-versions", "links on the owners alone, whatever ring each node has") {
                RingLinkNode(.trustsItsRing)
            },
        ])
}
