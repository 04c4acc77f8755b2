import ChaosCore
import NodeKit

/// A small distributed system that ships with chaos, in variants that are right and wrong.
///
/// All variants of a system speak one protocol and face one checker: only what they do about an
/// unreliable network differs.
package struct ReferenceSystem: Sendable {
    /// One way to build the system.
    package struct Variant: Sendable {
        /// The name, as given by `--variant`.
        package let name: String
        /// One line: what it does, and what that is worth.
        package let summary: String
        /// Makes a node that has seen nothing yet.
        package let make: Maker

        /// What kind of node it is.
        package enum Maker: Sendable {
            /// One that speaks Maelstrom's messages.
            case node(@Sendable () -> any Node)
            /// One that speaks in byte streams, over TCP alone.
            case streamNode(@Sendable () -> any StreamNode)
        }

        package init(
            _ name: String, _ summary: String, makeNode: @escaping @Sendable () -> any Node
        ) {
            self.name = name
            self.summary = summary
            self.make = .node(makeNode)
        }

        package init(
            _ name: String, _ summary: String,
            makeStreamNode: @escaping @Sendable () -> any StreamNode
        ) {
            self.name = name
            self.summary = summary
            self.make = .streamNode(makeStreamNode)
        }

        /// Makes a node that speaks messages.
        package func makeNode() -> any Node {
            guard case .node(let makeNode) = self.make else {
                preconditionFailure("'\(self.name)' speaks in streams")
            }
            return makeNode()
        }
    }

    /// The name, as given to `chaos-node`.
    package let name: String
    /// One line: what the system is for.
    package let summary: String
    /// The variants; the first is taken where none is named.
    package let variants: [Variant]

    /// All systems. A new one adds its line here and a folder beside this file.
    package static let all: [ReferenceSystem] = [
        .echo, .uniqueIds, .broadcast, .growSet, .orSet, .gCounter, .pnCounter, .kafka, .linKV,
        .listAppend, .readWriteRegister, .connections, .dialer, .membership, .pingPong, .sequence,
        .rpc, .redisServer, .redisBlocking,
        .redisPipelined, .redisReconnecting, .redisPool, .termsCache, .twoPhaseCommit, .bank,
        .distributedCounter, .registry, .mapReduce, .mapReduceManager, .routing,
        .linkShortener, .linkReplication, .linkViews, .linkDeltas, .linkRing, .processGroups,
        .remoteProcesses,
        .supervision, .handrolledSupervisor, .stack, .tasks, .parallelMap, .sharedState,
        .termsTable, .observer, .configuration, .weather,
    ]

    /// The system of that name.
    ///
    /// - Throws: `InputError` that names the known systems.
    package static func named(_ name: String) throws(InputError) -> ReferenceSystem {
        let known = Self.all.map(\.name)
        guard let system = Self.all.first(where: { $0.name == name }) else {
            let rule = "a system is one of \(known.joined(separator: ", "))"
            let nearest = Suggestion.nearest(to: name, among: known)
            throw InputError(rule, found: name, hint: nearest.map { "did you mean '\($0)'?" })
        }
        return system
    }

    /// The variant of that name, or the first one.
    ///
    /// - Throws: `InputError` that names the known variants.
    package func variant(named name: String?) throws(InputError) -> Variant {
        guard let name else { return self.variants[0] }
        let known = self.variants.map(\.name)
        guard let variant = self.variants.first(where: { $0.name == name }) else {
            let rule = "a variant of '\(self.name)' is one of \(known.joined(separator: ", "))"
            let nearest = Suggestion.nearest(to: name, among: known)
            throw InputError(rule, found: name, hint: nearest.map { "did you mean '\($0)'?" })
        }
        return variant
    }

    /// The systems and their variants, as `chaos-node` prints them.
    package static var listing: String {
        var lines: [String] = []
        for system in Self.all {
            lines.append("\(system.name): \(system.summary)")
            let width = system.variants.map(\.name.count).max() ?? 0
            for variant in system.variants {
                let padding = String(repeating: " ", count: width - variant.name.count)
                lines.append("  \(variant.name)\(padding)  \(variant.summary)")
            }
        }
        return lines.joined(separator: "\n")
    }
}
