import ChaosCore
import NodeKit

// S41: buckets of counters, each on the node that a table names by the bucket's first letter; every node takes every
// request, and the owner does the work.
//
//     add{bucket, delta} -> add_ok
//     read{bucket}       -> read_ok{value}      without a bucket it is 'world'
//     route{bucket}      -> route_ok{node}      error 20: no entry of the table has that letter
//
// The first node has a to m, the second one n to z, and the second one has slept through the table's last change.
//
// Between nodes: task{request, table} -> done{answer} or redirect{table}

extension ReferenceSystem {
    static let routing = ReferenceSystem(
        name: "routing",
        summary: "tasks that run where a table says, from wherever they are asked for",
        variants: [
            Variant("versioned", "tables have versions: whoever has the older one takes the newer")
            {
                RoutingNode()
            },
            Variant("tables-disagree", "each goes by its own table, and passes on: for ever") {
                RoutingNode(.trustsItsTable)
            },
            Variant("resends", "asks again without a number: what got lost was done, and is again")
            {
                RoutingNode(.forgetsRequests)
            },
            Variant("awaits", "waits for one answer before it takes the next request") {
                RoutingNode(.awaits)
            },
        ])
}

/// Which node has which buckets, by their first byte.
struct RoutingTable: Hashable, Sendable {
    /// Buckets from one letter to another, and their node.
    struct Entry: Hashable, Sendable {
        let letters: ClosedRange<UInt8>
        let node: String
    }

    /// Of two tables the one with the larger version holds.
    let version: Int64
    let entries: [Entry]

    init(version: Int64, _ entries: [Entry]) {
        self.version = version
        self.entries = entries
    }

    /// What a node knows at first: the second one has an old table.
    init(_ membership: Membership) {
        let first = membership.members.first ?? membership.id
        let second = membership.members.dropFirst().first ?? first
        let isOld = membership.id == second
        self.init(
            version: isOld ? 1 : 2,
            [
                Entry(letters: UInt8(ascii: "a")...UInt8(ascii: "m"), node: first),
                Entry(
                    letters: UInt8(ascii: "n")...UInt8(ascii: "z"), node: isOld ? first : second),
            ])
    }

    /// Reads a table that another node sent.
    init?(_ json: JSONValue?) {
        guard let json, let version = json["version"]?.intValue,
            let list = json["entries"]?.arrayValue
        else { return nil }
        let entries = list.compactMap { item -> Entry? in
            guard let parts = item.arrayValue, parts.count == 3, let low = parts[0].intValue,
                let high = parts[1].intValue, let node = parts[2].stringValue,
                let first = UInt8(exactly: low), let last = UInt8(exactly: high), first <= last
            else { return nil }
            return Entry(letters: first...last, node: node)
        }
        guard entries.count == list.count else { return nil }
        self.init(version: version, entries)
    }

    /// The table as it travels.
    var json: JSONValue {
        let entries = self.entries.map { entry in
            JSONValue.array([
                .int(Int64(entry.letters.lowerBound)), .int(Int64(entry.letters.upperBound)),
                .string(entry.node),
            ])
        }
        return ["version": .int(self.version), "entries": .array(entries)]
    }

    /// The node of a bucket; `nil` where no entry has its first byte.
    func node(of bucket: String) -> String? {
        guard let first = bucket.utf8.first else { return nil }
        return self.entries.first { $0.letters.contains(first) }?.node
    }
}
