import ChaosCore
import NodeKit
import OrderedCollections

/// A set that only grows. An element is a part of its own, so joining is union.
struct GrowingSet: Lattice {
    /// The elements, in the order in which they came.
    private(set) var elements: OrderedSet<JSONValue> = []

    static func key(of part: JSONValue) -> JSONValue? { part }

    func part(of key: JSONValue) -> JSONValue? {
        self.elements.firstIndex(of: key).map { self.elements[$0] }
    }

    mutating func join(_ part: JSONValue) -> Bool { self.elements.append(part).inserted }
}
