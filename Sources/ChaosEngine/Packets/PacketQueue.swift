import ChaosCore
import HeapModule

/// Packets that wait, each for a moment of its own. Those that wait for the same one leave in the order
/// in which they came.
struct PacketQueue {
    private struct Entry: Comparable {
        let due: Instant
        let number: UInt64
        let packet: Packet

        static func == (left: Entry, right: Entry) -> Bool { left.number == right.number }

        static func < (left: Entry, right: Entry) -> Bool {
            left.due == right.due ? left.number < right.number : left.due < right.due
        }
    }

    private var heap = Heap<Entry>()
    private var numberOfNext: UInt64 = 0

    /// When the first one may leave.
    var wakeAt: Instant { self.heap.min?.due ?? .never }
    var isEmpty: Bool { self.heap.isEmpty }

    mutating func append(_ packet: Packet, due: Instant) {
        self.heap.insert(Entry(due: due, number: self.numberOfNext, packet: packet))
        self.numberOfNext += 1
    }

    /// Takes out the first one, with the moment for which it waited.
    mutating func removeFirst() -> (packet: Packet, due: Instant)? {
        self.heap.popMin().map { ($0.packet, $0.due) }
    }
}
