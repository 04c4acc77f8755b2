import NIOCore

// A deaf socket receives nothing: the kernel discards what arrives, acknowledges nothing, and the
// peer retransmits until the socket hears again. It is how a cut in mode `drop` becomes a real
// packet silence without any privilege.
//
// Its limits: a peer that sends with a TTL of 255 is heard all the same; systems other than Linux and
// Unix sockets have no such option, and there a cut stalls like `hold`. Deafness stops receiving only.
// What was handed to a socket before the cut is out of reach: what waits in the kernel, and on NIO up
// to 128 KiB there, which a reader with a backlog can still take in when only its own direction is cut.

/// Makes sockets deaf and hearing.
enum Deafness {
    /// Makes a socket discard everything that arrives, or receive again.
    ///
    /// - Returns: Whether the socket now does as asked; `false` where the system cannot (Unix
    ///   sockets; systems other than Linux), and then the caller only stops reading.
    static func set(_ isDeaf: Bool, on channel: any Channel) -> Bool {
        #if os(Linux)
            return Self.setMinimumHops(isDeaf ? 255 : 0, on: channel)
        #else
            return !isDeaf
        #endif
    }

    /// Whether a socket waits for an answer to its attempt to connect. `false` where no socket can be
    /// deaf: what comes there is heard.
    static func isUnanswered(_ channel: any Channel) -> Bool {
        #if os(Linux)
            return Self.isInSynSent(channel)
        #else
            return false
        #endif
    }
}
