import ChaosCore
import NodeKit
import OrderedCollections

/// A map whose keys keep their latest write: `[key, value, time, node]`, where time is a logical one
/// (Lamport, Time, Clocks, and the Ordering of Events, 1978) and names decide between equal times.
struct LatestWrites: Lattice {
    /// When a write happened, in an order that all nodes agree on.
    struct Stamp: Hashable, Comparable {
        let time: Int64
        let node: String

        static func < (left: Stamp, right: Stamp) -> Bool {
            (left.time, left.node) < (right.time, right.node)
        }
    }

    private var writes: OrderedDictionary<JSONValue, (value: JSONValue, stamp: Stamp)> = [:]
    /// The latest time of any write that is known.
    private(set) var time: Int64 = 0

    /// The value of a key.
    subscript(key: JSONValue) -> JSONValue? { self.writes[key]?.value }

    /// A write as a part.
    static func part(_ key: JSONValue, _ value: JSONValue, _ stamp: Stamp) -> JSONValue {
        [key, value, .int(stamp.time), .string(stamp.node)]
    }

    static func key(of part: JSONValue) -> JSONValue? { self.read(part)?.key }

    func part(of key: JSONValue) -> JSONValue? {
        self.writes[key].map { Self.part(key, $0.value, $0.stamp) }
    }

    mutating func join(_ part: JSONValue) -> Bool {
        guard let (key, value, stamp) = Self.read(part) else { return false }
        self.time = max(self.time, stamp.time)
        if let old = self.writes[key], old.stamp >= stamp { return false }
        self.writes[key] = (value, stamp)
        return true
    }

    private static func read(
        _ part: JSONValue
    ) -> (key: JSONValue, value: JSONValue, stamp: Stamp)? {
        guard let entries = part.arrayValue, entries.count == 4, let time = entries[2].intValue,
            let node = entries[3].stringValue
        else { return nil }
        return (entries[0], entries[1], Stamp(time: time, node: node))
    }
}
