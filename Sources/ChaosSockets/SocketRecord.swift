/// One TCP or UDP socket as the kernel describes it.
package struct SocketRecord: Hashable, Sendable {
    /// Where the socket is and whom it faces; a listening socket faces nobody.
    package let ends: SocketPair
    /// What state it is in.
    package let state: TCPState
    /// The number by which /proc/PID/fd names the socket; 0 once nobody has it open.
    package let inode: UInt64
    /// The user who made it.
    package let user: UInt32
}

/// A TCP socket's state, by the kernel's number (include/net/tcp_states.h).
package enum TCPState: UInt8, CaseIterable, Sendable {
    case established = 1
    case synSent = 2
    case synReceived = 3
    case finWait1 = 4
    case finWait2 = 5
    case timeWait = 6
    case closed = 7
    case closeWait = 8
    case lastAck = 9
    case listening = 10
    case closing = 11
}

/// Several states.
package struct TCPStates: OptionSet, Hashable, Sendable {
    /// The kernel's mask: bit n is state n.
    package let rawValue: UInt32

    /// Makes a set from the kernel's mask.
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Makes a set of these states.
    package init(_ states: TCPState...) {
        self.rawValue = states.reduce(0) { $0 | 1 << UInt32($1.rawValue) }
    }

    /// Who tries to connect and has no answer yet.
    package static let connecting = TCPStates(.synSent)
    /// Who waits for others to connect.
    package static let listening = TCPStates(.listening)
    /// Connections that a process can have open.
    package static let open = TCPStates(
        .established, .synSent, .finWait1, .finWait2, .closeWait)
}

/// One Unix stream socket as the kernel describes it.
package struct UnixSocketRecord: Hashable, Sendable {
    /// The number by which /proc/PID/fd names the socket; 0 once nobody has it open.
    package let inode: UInt64
    /// The number of the socket it is connected to; 0 for none.
    package let peer: UInt64
    /// The path at which it listens, or at which it was accepted; nil for an unnamed or abstract one.
    package let path: String?
    /// Whether others may connect to it.
    package let isListening: Bool
}
