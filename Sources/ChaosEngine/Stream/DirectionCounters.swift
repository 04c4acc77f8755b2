/// Where the bytes of one direction went.
///
/// At every moment `received + duplicated == written + queued + lost + discarded`.
package struct DirectionCounters: Hashable, Sendable {
    /// Bytes read from the source.
    package var received = 0
    /// Bytes handed to the driver for the target.
    package var written = 0
    /// Bytes that wait.
    package var queued = 0
    /// Bytes that a fault or a cut took away on purpose.
    package var lost = 0
    /// Bytes that a fault added: a message that is sent again, or an answer in the target's place.
    package var duplicated = 0
    /// Bytes that had nowhere to go, because the connection ended.
    package var discarded = 0

    /// Makes counters at zero.
    package init() {}

    /// Whether every byte is accounted for.
    package var areConserved: Bool {
        self.received + self.duplicated
            == self.written + self.queued + self.lost + self.discarded
    }
}
