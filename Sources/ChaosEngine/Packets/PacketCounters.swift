/// Where the packets of one link went.
///
/// At every moment `received + duplicated == sent + queued + lost + discarded`, for packets and for
/// their bytes.
package struct PacketCounters: Hashable, Sendable {
    /// A number of packets and how many bytes they have together.
    package struct Amount: Hashable, Sendable {
        package var packets = 0
        package var bytes = 0

        static func += (left: inout Amount, size: Int) {
            left.packets += 1
            left.bytes += size
        }

        static func -= (left: inout Amount, size: Int) {
            left.packets -= 1
            left.bytes -= size
        }
    }

    /// Came from the sender.
    package internal(set) var received = Amount()
    /// Handed to the driver for the receiver.
    package internal(set) var sent = Amount()
    /// Wait.
    package internal(set) var queued = Amount()
    /// Taken away on purpose, by a fault or a cut.
    package internal(set) var lost = Amount()
    /// Added by a fault.
    package internal(set) var duplicated = Amount()
    /// Had nowhere to go, or no room.
    package internal(set) var discarded = Amount()

    /// Whether everything is accounted for.
    package var areConserved: Bool {
        self.received.packets + self.duplicated.packets
            == self.sent.packets + self.queued.packets + self.lost.packets + self.discarded.packets
            && self.received.bytes + self.duplicated.bytes
                == self.sent.bytes + self.queued.bytes + self.lost.bytes + self.discarded.bytes
    }
}
