import ChaosCore
import ChaosScenario

/// What a fault or a cut did to one packet, for who wants to see packets.
package struct PacketMark: Hashable, Sendable {
    /// What was done.
    package enum Deed: String, Hashable, Sendable {
        /// It did not get through.
        case lost
        /// It was sent once more; the copy is `copied`.
        case duplicated, copied
        /// Bits of it were flipped.
        case corrupted
        /// It had to wait.
        case delayed
        /// It was sent ahead of others, or waited until others had overtaken it.
        case reordered
        /// A partition took it away.
        case cut
        /// Nobody was to receive it.
        case refused
        /// It went through the kernel's network emulator, which does not say what it did.
        case emulated
    }

    package let deed: Deed
    /// The id of the injection or partition, such as `f1` or `p1`; nil where there was none.
    package let cause: String?
    /// The fault or partition as people write it.
    package let text: String
    /// For how long, in nanoseconds, where that is what was done.
    package let nanoseconds: Int64?

    init(_ deed: Deed, _ fault: LinkFault, nanoseconds: Int64? = nil) {
        self.init(deed, fault.injection, nanoseconds: nanoseconds)
    }

    /// What a cut did.
    package init(_ deed: Deed = .cut, by cut: Cut, nanoseconds: Int64? = nil) {
        self.deed = deed
        self.cause = cut.id
        self.text = "\(cut.text), \(cut.mode.rawValue)"
        self.nanoseconds = nanoseconds
    }

    /// What a fault did.
    package init(_ deed: Deed, _ injection: Injection, nanoseconds: Int64? = nil) {
        self.deed = deed
        // An injection of several faults has one for each here: `f1.delay` of `f1`.
        let suffix = ".\(injection.fault.kind.rawValue)"
        self.cause =
            injection.id.hasSuffix(suffix)
            ? String(injection.id.dropLast(suffix.count)) : injection.id
        self.text = injection.fault.text
        self.nanoseconds = nanoseconds
    }

    /// That more packets waited than `limit` allows.
    static let noRoom = PacketMark(
        deed: .lost, cause: nil, text: "more packets wait than 'limit' allows")

    /// That its flow was over when its time came.
    static let noFlow = PacketMark(deed: .lost, cause: nil, text: "its flow is over")

    private init(deed: Deed, cause: String?, text: String) {
        self.deed = deed
        self.cause = cause
        self.text = text
        self.nanoseconds = nil
    }

    /// One sentence: `delayed 40ms by f1: delay 40ms`.
    package var sentence: String {
        let time = self.nanoseconds.map { " \(Duration.nanoseconds($0).roundedText)" } ?? ""
        let cause = self.cause.map { " by \($0)" } ?? ""
        return "\(self.deed.rawValue)\(time)\(cause): \(self.text)"
    }
}

/// Sees what becomes of the packets of a link that do not get to its driver again.
package protocol PacketWatcher: AnyObject {
    /// A packet was lost, cut off or discarded; its marks say why.
    func wasLost(_ packet: Packet, at instant: Instant)
}
