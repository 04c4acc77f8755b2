import ChaosCore
import NodeKit
import OrderedCollections

/// A counter that has a slot for each one who counts (a PN-counter): `["n1", plus, minus]`.
///
/// Both sums of a slot only grow, and only its owner adds to it, so the join of two states of a slot
/// is the larger sum of each.
struct SlotCounter: Lattice {
    private struct Slot {
        var plus: Int64
        var minus: Int64
    }

    private var slots: OrderedDictionary<JSONValue, Slot> = [:]

    /// The count.
    var total: Int64 { self.slots.values.reduce(0) { $0 + $1.plus - $1.minus } }

    /// The part of a slot after one more addition.
    func part(of key: JSONValue, adding delta: Int64) -> JSONValue {
        let slot = self.slots[key] ?? Slot(plus: 0, minus: 0)
        return [key, .int(slot.plus + max(0, delta)), .int(slot.minus + max(0, -delta))]
    }

    static func key(of part: JSONValue) -> JSONValue? {
        guard let entries = part.arrayValue, entries.count == 3, entries[1].intValue != nil,
            entries[2].intValue != nil
        else { return nil }
        return entries[0]
    }

    func part(of key: JSONValue) -> JSONValue? {
        self.slots[key].map { [key, .int($0.plus), .int($0.minus)] }
    }

    mutating func join(_ part: JSONValue) -> Bool {
        guard let key = Self.key(of: part), let plus = part.arrayValue?[1].intValue,
            let minus = part.arrayValue?[2].intValue
        else { return false }
        guard let old = self.slots[key] else {
            self.slots[key] = Slot(plus: plus, minus: minus)
            return true
        }
        let new = Slot(plus: max(old.plus, plus), minus: max(old.minus, minus))
        self.slots[key] = new
        return new.plus != old.plus || new.minus != old.minus
    }
}
