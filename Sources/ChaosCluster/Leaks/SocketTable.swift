import ChaosSockets

/// The TCP sockets of this network namespace that lead, or may lead, past the proxies.
struct SocketTable {
    /// One socket that is or was connected, seen from its own side.
    struct Connection: Hashable {
        let local: SocketEnd
        let remote: SocketEnd
        /// The number by which /proc/PID/fd names the socket; 0 where nobody has it open any more, or
        /// not yet, as long as it is not accepted.
        let inode: UInt64
    }

    /// The connections that were asked for, in the kernel's order.
    private(set) var connections: [Connection] = []
    /// The inodes of listening sockets by where they listen.
    private(set) var listeners: [SocketEnd: [UInt64]] = [:]

    /// Makes a table of sockets.
    ///
    /// - Parameter isWanted: Given the local and the remote end of a connection.
    init(_ records: [SocketRecord], where isWanted: (SocketEnd, SocketEnd) -> Bool) {
        for record in records {
            let (local, remote) = (record.ends.local, record.ends.remote)
            if record.state == .listening {
                self.listeners[local, default: []].append(record.inode)
            } else if isWanted(local, remote) {
                self.connections.append(
                    Connection(local: local, remote: remote, inode: record.inode))
            }
        }
    }
}
