import ChaosCore
import NodeKit

// S05: nodes that connect to each other, as those of Erlang do.
//
//     connect{node}     -> connect_ok                      error 11: why not
//     disconnect{node}  -> disconnect_ok
//     list              -> list_ok{nodes: [{node, life, connection}]}
//     ping{node}        -> ping_ok{answer, connection}     pong or pang; connects first where it has to
//     news              -> news_ok{news: [{event, node, connection, reason}]}
//
// Between nodes, on a connection that the first of them made: hello{cookie, life}, welcome{life} or refused{reason}, ready;
// then on both sides nodes{nodes}, tick, ping{number}, pong{number}, bye. A peer of the name 'mapper' is asked before a
// node is dialled: alive{life} -> alive_ok, where{name} -> where_ok{life}, names -> names_ok{names}.

extension ReferenceSystem {
    static let connections = ReferenceSystem(
        name: "connections",
        summary: "nodes that connect, all to all, and notice who is gone",
        variants: [
            Variant("ticks", "who has not been heard for four ticks is gone") {
                ConnectionsNode([])
            },
            Variant("fin-only", "who has not closed his connection is there") {
                ConnectionsNode([.trustsTheConnection])
            },
            Variant("crossed", "two that dial each other at once both keep what came last") {
                ConnectionsNode([.keepsTheLast])
            },
            Variant("registers-once", "tells the port mapper its name once, and never again") {
                ConnectionsNode([.registersOnce])
            },
            Variant("takes-anybody", "looks at nobody's cookie") {
                ConnectionsNode([.ignoresCookies])
            },
            Variant("mapper", "the port mapper, which knows who is there, beside any of the others")
            {
                PortMapperNode()
            },
        ])
}

enum Connections {
    /// What is wrong with a variant.
    enum Flaw: Sendable {
        /// Only the end of a connection says that a node is gone.
        case trustsTheConnection
        /// Of two connections between two nodes the last one is kept, whoever made it.
        case keepsTheLast
        /// A name that the port mapper has forgotten stays forgotten.
        case registersOnce
        /// Nodes of any cookie are welcome.
        case ignoresCookies
    }

    /// The name of the peer that maps names.
    static let mapper = "mapper"
    /// The time between two signs of life; Erlang's is a quarter of `net_ticktime`, 15 seconds.
    static let tickInterval = Duration.milliseconds(250)
    /// After so many ticks without one of a peer's it is gone.
    static let ticksMissed = 4
    /// How long connecting to a node may take, and asking the port mapper.
    static let patience = Duration.milliseconds(1500)
    /// How long a ping waits for its pong.
    static let pingPatience = Duration.milliseconds(500)

    /// A message as it leaves on a connection.
    static func write(
        _ body: JSONObject, from source: String, to destination: String, on stream: StreamID
    ) -> StreamEffect {
        let line = Message(from: source, to: destination, body: body).line + "\n"
        return .write(stream, Array(line.utf8))
    }
}
