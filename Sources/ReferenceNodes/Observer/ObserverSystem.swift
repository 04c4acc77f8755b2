import ChaosCore
import NodeKit

// S34: a service, and an observer that shows its processes while they run.
//
//     root                     gives up with the service
//     ├─ service (one_for_one)
//     │  ├─ repository (one_for_one)
//     │  │  ├─ connection1
//     │  │  └─ connection2
//     │  ├─ telemetry
//     │  └─ endpoint           serves clients by way of a connection
//     └─ watching              may give up alone
//        └─ observer
//
//     echo{echo} -> echo_ok{echo}
//     observe    -> observe_ok{tree, nodes, at_us}     what the observer shows
//     tree_text  -> tree_text_ok{text}                 the tree as lines with branches
//     processes  -> processes_ok{processes}            mailboxes, open calls, restarts, and who answers
//     trace      -> trace_ok{tree, events, …}
//
// The administrator can also say end{process}, which kills the process of that name or pid, and suspend{process}, as on
// all nodes with processes. Over HTTP there is a page of all that: ``ProcessObserver``.

extension ReferenceSystem {
    static let observer = ReferenceSystem(
        name: "observer", summary: "a service whose tree of processes is shown while it runs",
        variants: [
            Variant("told", "is told of every start and end, asks with a limit, and stands beside")
            {
                Observed.node([])
            },
            Variant("polls", "asks every process who it is, however long it takes") {
                Observed.node([.asksWithoutLimit])
            },
            Variant("cached", "looks once, and shows that") { Observed.node([.looksOnce]) },
            Variant("in-the-service", "stands among those whom it shows, and takes them along") {
                Observed.node([.livesInTheService])
            },
            Variant("stale-nodes", "shows a node as it was when it was heard last") {
                Observed.node([.believesInNodes])
            },
        ])
}

enum Observed {
    /// What is wrong with a variant.
    enum Flaw: Sendable {
        case asksWithoutLimit
        case looksOnce
        case livesInTheService
        case believesInNodes
    }

    static let observer = "observer"
    static let endpoint = "endpoint"
    static let connections = ["connection1", "connection2"]

    static func node(_ flaws: Set<Flaw>) -> ProcessNode {
        ProcessNode(
            requests: [
                "echo": Self.endpoint, "observe": Self.observer,
                "processes": Self.observer, "tree_text": Self.observer,
                HTTPRequest.messageType: Self.observer,
            ],
            administration: ["end": Self.observer],
            promise: Self.tree(flaws).specification(named: "root")
        ) { Self.tree(flaws) }
    }

    private static func tree(_ flaws: Set<Flaw>) -> Supervisor {
        let observer = Supervisor.Child(Self.observer) { ProcessObserver(flaws: flaws) }
        var parts = [
            Supervisor.Child("repository", shutdown: .infinity) {
                Supervisor(
                    .oneForOne,
                    Self.connections.map { name in
                        Supervisor.Child(name) { ObservedConnection() }
                    })
            },
            Supervisor.Child("telemetry") { ObservedTelemetry() },
            Supervisor.Child(Self.endpoint) { ObservedEndpoint() },
        ]
        if flaws.contains(.livesInTheService) { parts.append(observer) }
        let service = parts
        var children = [
            Supervisor.Child("service", shutdown: .infinity) { Supervisor(.oneForOne, service) }
        ]
        if !flaws.contains(.livesInTheService) {
            // A supervisor that gives up ends in order: whoever is transient is then left alone.
            children.append(
                Supervisor.Child("watching", restart: .transient, shutdown: .infinity) {
                    Supervisor(.oneForOne, [observer])
                })
        }
        return Supervisor(.oneForOne, intensity: .init(restarts: 0), children)
    }
}
