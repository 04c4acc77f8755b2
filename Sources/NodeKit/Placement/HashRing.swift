/// Who of a cluster's members is responsible for which key: a consistent-hash ring (Karger et al., Consistent Hashing and Random
/// Trees, STOC 1997; virtual nodes as in DeCandia et al., Dynamo, SOSP 2007).
///
/// Every member has many points on a ring of 2⁶⁴ positions, and a key belongs to the members whose points come next. A member that joins takes keys
/// from all others, 1/n of them, and no key moves between two that were there before. The ring follows from the names alone: whoever
/// knows the members finds the same owners.
public struct HashRing: Hashable, Sendable {
    /// The members, sorted.
    public let members: [String]
    /// The points in the order of their positions.
    private let points: [Point]

    private struct Point: Hashable, Sendable {
        let position: UInt64
        let member: Int
    }

    /// Makes a ring.
    ///
    /// - Parameter pointsPerMember: How many points each member has, at least 1. With 128 the member with the most keys has less than 1.5 times as many
    ///   as the one with the fewest, in most clusters.
    public init(_ members: some Sequence<String>, pointsPerMember: Int = 128) {
        precondition(pointsPerMember > 0, "a member has a point, got \(pointsPerMember)")
        let members = Set(members).sorted()
        self.members = members
        self.points = members.indices.flatMap { index in
            (0..<pointsPerMember).map { number in
                Point(position: Self.position(of: "\(members[index]) \(number)"), member: index)
            }
        }
        // Equal positions are as good as impossible; the names decide between them.
        .sorted { ($0.position, $0.member) < ($1.position, $1.member) }
    }

    /// The members that are responsible for a key, the first one first: as many as asked for, or all.
    public func owners(of key: String, count: Int = 1) -> [String] {
        let position = Self.position(of: key)
        let first = self.points.partitioningIndex { $0.position >= position }
        var owners: [String] = []
        for offset in self.points.indices where owners.count < count {
            let point = self.points[(first + offset) % self.points.count]
            let member = self.members[point.member]
            if !owners.contains(member) { owners.append(member) }
        }
        return owners
    }

    /// A position that every node computes alike, and that spreads near names.
    private static func position(of text: String) -> UInt64 { Seed(0).derived("ring", text).value }
}

extension Array {
    /// The first index whose element meets a condition that all elements behind it meet as well.
    fileprivate func partitioningIndex(_ belongsBehind: (Element) -> Bool) -> Int {
        var range = self.indices
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            range =
                belongsBehind(self[middle])
                ? range.lowerBound..<middle : middle + 1..<range.upperBound
        }
        return range.lowerBound
    }
}

/// The members of a cluster at one time: a change makes the next version, and of two versions the later one holds.
public struct VersionedMembers: Hashable, Sendable {
    /// The number of changes so far.
    public let version: Int64
    /// The members' names, sorted.
    public let members: [String]

    /// Names the members.
    public init(version: Int64, members: some Sequence<String>) {
        self.version = version
        self.members = Set(members).sorted()
    }

    /// Reads what ``json`` made; `nil` where it is something else.
    public init?(_ json: JSONValue?) {
        guard let version = json?["version"]?.intValue,
            let members = json?["members"]?.arrayValue?.compactMap(\.stringValue)
        else { return nil }
        self.init(version: version, members: members)
    }

    /// The members as they travel.
    public var json: JSONValue {
        [
            "version": .int(self.version),
            "members": .array(self.members.map { .string($0) }),
        ]
    }

    /// Whether this comes after another. Two changes made at once have one version: the larger list of names holds, so that all
    /// agree.
    public func supersedes(_ other: VersionedMembers) -> Bool {
        if self.version != other.version { return self.version > other.version }
        return other.members.lexicographicallyPrecedes(self.members)
    }
}
