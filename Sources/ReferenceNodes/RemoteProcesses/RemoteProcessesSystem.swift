import ChaosCore
import NodeKit

// S09: processes on other nodes: started, watched and ended from afar, and one service that runs somewhere.
//
//     spawn{node, lives, ends}  -> spawn_ok{pid}         lives: milliseconds until it ends by itself, with 'ends'; or for ever
//                                                        'node' is this one where nothing is said, and 'any' is the one with the fewest
//     list{node}                -> list_ok{processes: [pid]}
//     info{pid}                 -> info_ok{alive}
//     exit{pid, reason}         -> exit_ok               error 20: there is no such process
//     monitor{pid}              -> monitor_ok{ref}
//     downs                     -> downs_ok{life, downs: [{ref, pid, reason}]}    what monitors of this node were told
//     service                   -> service_ok{epoch}     of the instance on this node; null where there is none
//
// Between nodes: calls between the process managers (spawn, info, exit), monitors, and instance{epoch, pid, beat} between the keepers
// of the service.

extension ReferenceSystem {
    static let remoteProcesses = ReferenceSystem(
        name: "remote-processes",
        summary: "processes on other nodes, monitors, and a service that runs once",
        variants: [
            Variant("monitored", "every monitor is told once; of two instances the newer one stays")
            {
                RemoteProcesses.node([])
            },
            Variant("looks-first", "asks whether a process lives, and then watches it") {
                RemoteProcesses.node([.looksFirst])
            },
            Variant("uncounted", "does not notice that a message got lost") {
                RemoteProcesses.node([.countsNothing])
            },
            Variant("respawns", "takes a node that it cannot hear for dead, and for ever") {
                RemoteProcesses.node([.takesSilenceForDeath])
            },
        ])
}

enum RemoteProcesses {
    /// What is wrong with a variant.
    enum Flaw: Sendable {
        /// Looking and watching are two messages.
        case looksFirst
        /// A lost message does not end the link on which it was.
        case countsNothing
        /// An instance that could not be heard is over, whatever it says later.
        case takesSilenceForDeath
    }

    static let manager = "manager"
    static let keeper = "keeper"
    /// What a client says in the place of a node where any will do.
    static let anywhere = "any"
    private static let requests = ["spawn", "list", "info", "exit", "monitor", "downs"]

    static func node(_ flaws: Set<Flaw>) -> ProcessNode {
        var owners = Dictionary(uniqueKeysWithValues: Self.requests.map { ($0, Self.manager) })
        owners["service"] = Self.keeper
        return ProcessNode(
            requests: owners, peers: PeerWatch(countsMail: !flaws.contains(.countsNothing))
        ) {
            Supervisor(
                .oneForOne,
                [
                    Supervisor.Child(Self.manager) { ProcessManager(flaws: flaws) },
                    Supervisor.Child(Self.keeper) { ServiceKeeper(flaws: flaws) },
                ])
        }
    }
}
