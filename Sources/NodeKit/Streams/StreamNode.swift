/// A node that speaks in byte streams: it takes connections, makes connections, and finds its messages
/// in the bytes itself.
///
/// Like a ``Node`` it is a value with one function: it never waits, reads a clock, or touches a socket
/// or file. Where `Node` is for those who speak Maelstrom's messages, this is for those who speak a
/// protocol of their own, such as Redis's, to clients or to a server.
package protocol StreamNode: Sendable {
    /// Takes in what happened and says what to do about it.
    ///
    /// `now` is the time since the node started; it never goes back. The effects are carried out in
    /// order, before the next input comes in.
    mutating func handle(_ input: StreamInput, at now: Duration) -> [StreamEffect]
}

/// One connection of a node, for as long as the node lives: no number is used twice.
package enum StreamID: Hashable, Sendable {
    /// Made by somebody else.
    case inbound(Int)
    /// Made by the node, which chose the number.
    case outbound(Int)
}

/// What happens to a node that speaks in streams.
package enum StreamInput: Hashable, Sendable {
    /// The node begins to live, with the bytes of its log. Always the first input, and there is only
    /// one.
    case started(StreamStart)
    /// There is a connection: somebody made it, or the node's own is ready.
    case opened(StreamID)
    /// Bytes came. How they are cut means nothing.
    case received(StreamID, [UInt8])
    /// A connection came to its end, for this reason, or could not be made. Its number means nothing
    /// any more.
    case ended(StreamID, StreamEnd)
    /// A datagram came, from whomever: who sent it, it has to say itself.
    case datagram([UInt8])
    /// A timer that the node had set ran out.
    case timer(String)
}

/// What a node that speaks in streams knows when it begins to live.
package struct StreamStart: Hashable, Sendable {
    /// The node's own name.
    package let id: String
    /// The names of all other nodes, in order.
    package let others: [String]
    /// Where they are: the address or host name of each.
    package let hosts: [String: String]
    /// Fixes the node's randomness.
    package let seed: UInt64
    /// What the machine's clock shows, as time since 1970.
    package let date: Duration
    /// What all nodes of one cluster know, and those of others do not; empty where nobody said.
    package let cookie: String
    /// Whether the node can send and receive datagrams.
    package let hasDatagrams: Bool
    /// How often the node was started on its folder, this time included; 0 without a folder.
    package let start: UInt64
    /// What earlier lives wrote to the log; empty without a folder.
    package let log: [UInt8]

    package init(
        id: String, others: [String], seed: UInt64, date: Duration = .zero, cookie: String = "",
        hasDatagrams: Bool = false, start: UInt64 = 0, log: [UInt8] = [],
        hosts: [String: String] = [:]
    ) {
        self.id = id
        self.others = others
        self.hosts = hosts
        self.seed = seed
        self.date = date
        self.cookie = cookie
        self.hasDatagrams = hasDatagrams
        self.start = start
        self.log = log
    }
}

/// What a node that speaks in streams asks for.
package enum StreamEffect: Hashable, Sendable {
    /// Makes a connection to a peer. A number above all that the node used before. An attempt that takes longer ends;
    /// no attempt outlasts the kernel's own (tcp(7), `tcp_syn_retries`).
    case open(Int, to: String, within: Duration = .seconds(1))
    /// Sends bytes; nothing happens where the connection has ended.
    case write(StreamID, [UInt8])
    /// Sends a datagram to a peer, which may get lost; nothing happens without a port for datagrams.
    case send(to: String, [UInt8])
    /// Ends a connection. What was written before leaves first, as far as the kernel takes it at once.
    /// The node hears no more of it.
    case close(StreamID)
    /// Brings `StreamInput.timer` with this name after a while. Setting a timer again replaces it.
    case setTimer(String, after: Duration)
    /// Takes a timer back.
    case cancelTimer(String)
    /// Adds bytes to the node's log; they are in this process's memory until ``store(_:)``. A node
    /// that was given no folder forgets them when it dies.
    case append([UInt8])
    /// Brings the log's bytes to the kernel or to the disk, before anything leaves that the node
    /// writes after its last input.
    case store(Durability)
    /// Cuts the log off behind so many bytes.
    case truncate(to: Int)
    /// Lets the whole process stand still.
    case stall(Duration)
    /// Tells the operator about something odd, in one sentence.
    case report(String)
    /// Ends the process, as an error does that nobody catches.
    case crash(String)

    /// How far the log's bytes get.
    package enum Durability: Hashable, Sendable, Comparable {
        /// To the kernel, which writes them when it likes: they outlive the process, and not a power
        /// cut.
        case kernel
        /// To the disk: they outlive a power cut.
        case disk
    }
}
