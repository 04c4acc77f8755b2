import ChaosCore
import ChaosEngine
import ChaosSockets
import Dispatch
import NIOConcurrencyHelpers

// Nobody tells a deaf listener that somebody tries to connect to it: the kernel discards the attempt.
// But the one who tries is on the same machine, and his socket waits in state SYN_SENT. So a cut that
// only met connection attempts is not taken for one that met nothing.
//
// Limits: an attempt that begins and ends between two looks is not seen, and where looks last not
// every change waits for one (`SilentWatch`), so the count is a lower bound; sockets in other network
// namespaces are not seen; and only Linux with socket diagnostics shows them.

/// Which listeners keep silent, and whose attempts to connect to them were counted.
struct Silence {
    /// A listener that keeps silent.
    struct Listener: Sendable {
        let end: SocketEnd
        let spec: ProxiedLink
        /// The links over which connections may come in here.
        let links: [Link]
        /// Who can tell over which of them somebody tries, where that must be known.
        var openers: OpenerRule?

        init(end: SocketEnd, spec: ProxiedLink, links: [Link]) {
            self.end = end
            self.spec = spec
            self.links = links
            self.openers = spec.openers
        }
    }

    /// Somebody who tries to connect in vain.
    struct Attempt: Hashable, Sendable {
        /// His socket; its number tells it from a later one with the same ends.
        let ends: SocketPair
        let inode: UInt64
        /// Over which link he would connect.
        let link: Link
    }

    private var watched: [Listener] = []
    /// The attempts that have been counted and go on.
    private var counted: Set<Attempt> = []

    /// Whether some listener is silent.
    var isWatching: Bool { !self.watched.isEmpty }

    /// Watches these listeners and no others.
    mutating func watch(_ silent: [Listener]) {
        // Who still tries meets a new silence as well.
        for listener in silent where !self.watched.contains(where: { $0.end == listener.end }) {
            self.counted = self.counted.filter { !$0.ends.isConnecting(to: listener.end) }
        }
        self.watched = silent
        if silent.isEmpty { self.counted = [] }
    }

    /// A look at the kernel's sockets.
    struct Look: Sendable {
        fileprivate let listeners: [Listener]
        fileprivate let counted: Set<Attempt>

        /// Whether it may have to ask who is behind a socket, and to wait for the answer.
        var asksForOpeners: Bool { self.listeners.contains { $0.openers != nil } }

        /// Takes it; where it asks, on a thread that may wait.
        func take() -> [Attempt] {
            // The kernel may be busy, or know nothing: then nobody is seen.
            let sockets = try? SocketDiagnostics().tcpSockets(in: .connecting)
            return Silence.attempts(sockets ?? [], at: self.listeners, known: self.counted)
        }
    }

    /// The look that shows who tries to connect in vain. It asks for nobody whose attempt counts for the
    /// same cuts whoever he is.
    func look(in network: Network) -> Look {
        let listeners = self.watched.map { listener in
            var listener = listener
            if listener.openers != nil, network.attemptsCountAlike(on: listener.links) {
                listener.openers = nil
            }
            return listener
        }
        return Look(listeners: listeners, counted: self.counted)
    }

    /// Who of these sockets tries to connect to silent listeners, and over which links.
    static func attempts(
        _ sockets: [SocketRecord], at listeners: [Listener], known: Set<Attempt>
    ) -> [Attempt] {
        let knownLinks = Dictionary(known.map { ($0.inode, $0.link) }) { first, _ in first }
        let answers = NIOLockedValueBox<[Int: Opener]>([:])
        let questions = DispatchGroup()
        var found: [(socket: SocketRecord, listener: Listener)] = []
        for socket in sockets {
            guard let listener = listeners.first(where: { socket.ends.isConnecting(to: $0.end) })
            else { continue }
            let index = found.count
            found.append((socket, listener))
            guard let rule = listener.openers, knownLinks[socket.inode] == nil else {
                continue
            }
            questions.enter()
            rule.recognition.recognise(.inode(socket.inode)) { opener in
                answers.withLockedValue { $0[index] = opener }
                questions.leave()
            }
        }
        questions.wait()
        let openers = answers.withLockedValue { $0 }
        return found.enumerated().map { index, found in
            Attempt(
                ends: found.socket.ends, inode: found.socket.inode,
                link: knownLinks[found.socket.inode]
                    ?? found.listener.spec.link(of: openers[index]))
        }
    }

    /// The links over which somebody tries to connect who was not counted yet, once for each.
    mutating func new(in attempts: [Attempt]) -> [Link] {
        let watched = self.watched
        let waiting = attempts.filter { attempt in
            watched.contains { attempt.ends.isConnecting(to: $0.end) }
        }
        let links = waiting.filter { !self.counted.contains($0) }.map(\.link)
        self.counted = Set(waiting)
        return links
    }
}

extension SocketPair {
    /// Whether a socket with these ends tries to connect to a listener.
    func isConnecting(to listener: SocketEnd) -> Bool {
        self.remote.listeningPlaces.contains(listener)
    }
}

extension ProxiedLink {
    /// The link of somebody who dials here.
    fileprivate func link(of opener: Opener?) -> Link {
        switch opener {
        case .node(let node)?: Link(node, self.link.target, self.link.port)
        case .client?: Link(.client, self.link.target, self.link.port)
        case .unknown?, nil: self.link
        }
    }
}
