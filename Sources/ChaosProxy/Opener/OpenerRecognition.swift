import ChaosCore
import ChaosSockets

/// Tells who opened a connection, by the socket with which he did.
///
/// One address of a node may serve everybody: then only the socket's owner tells over which link its
/// connection goes. See docs/adr/0006.
package protocol OpenerRecognition: Sendable {
    /// Finds out who has the socket open. Returns at once; `answer` is called exactly once, from any
    /// thread, also when the recognition ends meanwhile.
    func recognise(_ socket: OpeningSocket, answer: @escaping @Sendable (Opener) -> Void)
}

/// Who opened a connection.
package enum Opener: Hashable, Sendable {
    /// A process of this node.
    case node(NodeName)
    /// Somebody outside of the cluster.
    case client
    /// It cannot be told; a clause says why.
    case unknown(String)
}

/// How a listener finds out over which link a connection goes, where the address alone does not
/// decide.
package struct OpenerRule: Sendable {
    /// Whom to ask.
    package let recognition: any OpenerRecognition
    /// The nodes that are told this address, besides the one for whom its link stands: as long as one
    /// of them may connect, the listener accepts.
    package let sharers: [NodeName]
    /// The address from which the target is dialled for an opener; nothing for whichever the system
    /// takes.
    package let sources: [NodeName: String]

    /// Makes a rule.
    package init(
        recognition: any OpenerRecognition, sharers: [NodeName], sources: [NodeName: String]
    ) {
        self.recognition = recognition
        self.sharers = sharers
        self.sources = sources
    }
}
