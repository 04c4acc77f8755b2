/// A state that replicas may merge in any order and any number of times: a join-semilattice.
///
/// It travels in parts. A part belongs to a key, and two parts of one key have a join, which is
/// associative, commutative and idempotent. A set has a part for each element, a counter one for
/// each replica that counts.
///
/// Source: Shapiro et al., Conflict-free Replicated Data Types, SSS 2011.
public protocol Lattice: Sendable {
    /// The least element: nothing known.
    init()

    /// The key that a part belongs to; `nil` when it is no part of this lattice.
    static func key(of part: JSONValue) -> JSONValue?

    /// What is known of a key.
    func part(of key: JSONValue) -> JSONValue?

    /// Joins a part into the state; `false` when that changes nothing.
    mutating func join(_ part: JSONValue) -> Bool
}
