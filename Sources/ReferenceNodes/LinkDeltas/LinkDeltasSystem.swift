import NodeKit

// S18: a link shortener whose nodes tell each other what is new, and not everything.

extension ReferenceSystem {
    static let linkDeltas = ReferenceSystem(
        name: "link-deltas",
        summary: "short links and views, of which nodes tell each other the news",
        variants: [
            Variant("acked", "tells a peer what changed since its last acknowledgement") {
                DeltaLinkNode()
            },
            Variant("clear-on-send", "takes what was sent for received") {
                DeltaLinkNode(.forgetsWhenSent)
            },
            Variant("first-ack", "forgets a change when the first peer has it") {
                DeltaLinkNode(.dropsAtFirstAck)
            },
            Variant("full-state", "tells everything each time: right, and much") {
                DeltaLinkNode(.alwaysFull)
            },
        ])
}
