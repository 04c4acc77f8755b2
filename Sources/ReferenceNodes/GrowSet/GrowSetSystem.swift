import ChaosCore
import NodeKit
import OrderedCollections

// A set that only grows, kept by every node.
//
//     add{element} -> add_ok
//     read         -> read_ok{value}     what this node knows

extension ReferenceSystem {
    static let growSet = ReferenceSystem(
        name: "g-set", summary: "a set that grows, and is the same everywhere in the end",
        variants: [
            Variant("gossip", "a CRDT: joins in any order, any number of times; kept on disk") {
                GrowSetNode()
            },
            Variant("volatile", "the same in memory only; dies with what nobody heard yet") {
                GrowSetNode([.forgets])
            },
            Variant("naive", "tells the others once; a lost message is lost for ever") {
                GrowSetNode([.neverCompares])
            },
            Variant("list", "joins lists, not sets; doubled messages double elements") {
                GrowSetNode([.neverCompares, .keepsDuplicates])
            },
            Variant("xor", "joins by exclusive or; what comes twice is gone again") {
                GrowSetNode([.neverCompares, .joinsByExclusiveOr])
            },
        ])
}

/// A replicated set; its flaws are what the naive variants differ in.
struct GrowSetNode: Node {
    struct Flaws: OptionSet, Sendable {
        let rawValue: Int
        /// Nothing is written to disk.
        static let forgets = Flaws(rawValue: 1)
        /// What a lost message kept back is never asked for.
        static let neverCompares = Flaws(rawValue: 2)
        /// What arrives twice is there twice.
        static let keepsDuplicates = Flaws(rawValue: 4)
        /// What arrives twice is not there, as a bit that is flipped twice is not set.
        static let joinsByExclusiveOr = Flaws(rawValue: 8)
    }

    private let flaws: Flaws
    private var replica = Replica<GrowingSet>()
    private var duplicates: [JSONValue] = []
    /// The elements that came an even number of times.
    private var cancelled: Set<JSONValue> = []

    init(_ flaws: Flaws = []) { self.flaws = flaws }

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            let effects = self.replica.start(membership)
            return self.flaws.contains(.neverCompares) ? [] : effects
        case .timer:
            return self.replica.compare()
        case .message(let message):
            return self.handle(message)
        }
    }

    private mutating func handle(_ message: Message) -> [Effect] {
        switch message.type {
        case "add":
            let element = message["element"] ?? nil
            self.note([element])
            let record = self.flaws.contains(.forgets) ? [] : [Effect.append(element)]
            return record + self.replica.learn([element], from: message.source)
                + [.reply(to: message, ["type": "add_ok"])]
        case "read":
            let elements =
                self.replica.state.elements.filter { !self.cancelled.contains($0) }
                + self.duplicates
            return [.reply(to: message, ["type": "read_ok", "value": .array(elements)])]
        case let type where Replica<GrowingSet>.messageTypes.contains(type):
            self.note(message["values"]?.arrayValue ?? [])
            return self.replica.receive(message)
        default:
            return [.unsupported(message)]
        }
    }

    /// Looks at elements that are about to be joined, where joining them is not all.
    private mutating func note(_ elements: [JSONValue]) {
        let known = elements.filter { self.replica.state.elements.contains($0) }
        if self.flaws.contains(.keepsDuplicates) { self.duplicates += known }
        if self.flaws.contains(.joinsByExclusiveOr) {
            self.cancelled.formSymmetricDifference(known)
        }
    }
}
