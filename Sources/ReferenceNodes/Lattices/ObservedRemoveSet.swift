import ChaosCore
import NodeKit
import OrderedCollections

/// A set from which can be removed (an OR-set; Shapiro et al., A comprehensive study of Convergent and Commutative
/// Replicated Data Types, 2011). Every addition has a dot of its own, and removing marks the dots that
/// were seen: `["n1", life, number, element, isRemoved]`. An addition that the remover did not see stays.
struct ObservedRemoveSet: Lattice {
    private struct Addition {
        let element: JSONValue
        var isRemoved: Bool
    }

    private var additions: OrderedDictionary<JSONValue, Addition> = [:]

    /// The elements of which an addition is left, each once.
    var elements: OrderedSet<JSONValue> {
        OrderedSet(self.additions.values.filter { !$0.isRemoved }.map(\.element))
    }

    /// The parts that remove what is known of an element.
    func removals(of element: JSONValue) -> [JSONValue] {
        self.additions.compactMap { dot, addition in
            addition.element == element && !addition.isRemoved
                ? Self.part(dot, element, isRemoved: true) : nil
        }
    }

    /// The part of an addition.
    static func part(_ dot: JSONValue, _ element: JSONValue, isRemoved: Bool) -> JSONValue {
        .array((dot.arrayValue ?? []) + [element, .bool(isRemoved)])
    }

    private static func read(
        _ part: JSONValue
    ) -> (dot: JSONValue, addition: Addition)? {
        guard let entries = part.arrayValue, entries.count == 5,
            case .bool(let isRemoved) = entries[4]
        else { return nil }
        return (.array(Array(entries[..<3])), Addition(element: entries[3], isRemoved: isRemoved))
    }

    static func key(of part: JSONValue) -> JSONValue? { Self.read(part)?.dot }

    func part(of key: JSONValue) -> JSONValue? {
        self.additions[key].map { Self.part(key, $0.element, isRemoved: $0.isRemoved) }
    }

    mutating func join(_ part: JSONValue) -> Bool {
        guard let (dot, addition) = Self.read(part) else { return false }
        guard let known = self.additions[dot] else {
            self.additions[dot] = addition
            return true
        }
        if known.isRemoved || !addition.isRemoved { return false }
        self.additions[dot]?.isRemoved = true
        return true
    }
}
