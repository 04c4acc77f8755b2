import ChaosCore
import NIOCore

// Nobody tells a deaf listener that somebody tries to connect to it: the kernel discards the attempt.
// But the one who tries is on the same machine, and his socket waits in state SYN_SENT. So a cut that
// only met connection attempts is not taken for one that met nothing.
//
// Limits: an attempt that begins and ends between two looks is not seen, so the count is a lower
// bound; sockets in other network namespaces are not seen; and only Linux shows them.

/// Which listeners keep silent, and whose attempts to connect to them were counted.
struct Silence {
    private var watched: [(address: SocketAddress, link: Link)] = []
    /// The sockets that have been counted and still wait.
    private var counted: Set<ConnectingSocket> = []

    /// Whether some listener is silent.
    var isWatching: Bool { !self.watched.isEmpty }

    /// Watches these listeners and no others.
    mutating func watch(_ silent: [(address: SocketAddress, link: Link)]) {
        // Who still tries meets a new silence as well.
        for (address, _) in silent where !self.watched.contains(where: { $0.address == address }) {
            self.counted = self.counted.filter { !$0.isConnecting(to: address) }
        }
        self.watched = silent
        if silent.isEmpty { self.counted = [] }
    }

    /// The links over which somebody tries to connect who was not counted yet, once for each.
    mutating func new(in sockets: [ConnectingSocket]) -> [Link] {
        var waiting: Set<ConnectingSocket> = []
        var links: [Link] = []
        for socket in sockets {
            guard
                let link = self.watched.first(where: { socket.isConnecting(to: $0.address) })?.link
            else { continue }
            waiting.insert(socket)
            if !self.counted.contains(socket) { links.append(link) }
        }
        self.counted = waiting
        return links
    }
}
