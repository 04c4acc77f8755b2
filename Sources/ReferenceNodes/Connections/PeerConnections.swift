import ChaosCore
import NodeKit

/// The connections between a node and its peers: how they are made, which of two is kept, and when one is over.
///
/// A link is up when both sides said who they are: the one that dialled says `hello`, the other `welcome`, and the first one `ready`.
/// Of two connections between the same lives of two nodes, the one stays that the node with the greater name made, on which
/// both agree without asking.
struct PeerConnections: Sendable {
    /// A connection over which two nodes know each other.
    struct Link: Sendable {
        let stream: StreamID
        /// The how-manieth link of this node it is: no other one has its number.
        let number: Int
        /// The life of the node at the other end.
        let life: Int64
        var lastHeard: Duration
    }

    /// A link that is being made, by this node or, where there is no stream, by the peer.
    private struct Attempt: Sendable {
        var stream: StreamID?
        let deadline: Duration
    }

    /// What a connection is for.
    private enum Role: Sendable {
        case attempt(String)
        case greeted(String, life: Int64, deadline: Duration)
        case link(String)
    }

    /// The most news that are kept.
    private static let newsMax = 2000

    private let flaws: Set<Connections.Flaw>
    private let id: String
    private let cookie: String
    private let life: Int64
    /// The links that are up.
    private(set) var links: [String: Link] = [:]
    private var attempts: [String: Attempt] = [:]
    private var roles: [StreamID: Role] = [:]
    private var linkCount = 0
    /// Which links came up and went down, oldest first.
    private(set) var news: [JSONValue] = []
    /// How attempts have ended: with a link, or why not. Whoever asked takes them out.
    var outcomes: [(peer: String, failure: String?)] = []
    /// Whom others are linked with, and this node is not. Whoever connects takes them out.
    var unlinked: [String] = []

    init(id: String, life: Int64, cookie: String, flaws: Set<Connections.Flaw>) {
        self.id = id
        self.life = life
        self.cookie = cookie
        self.flaws = flaws
    }

    /// Whose link a connection is.
    func peer(on stream: StreamID) -> String? {
        guard case .link(let peer) = self.roles[stream] else { return nil }
        return peer
    }

    // MARK: - Making a link

    /// Dials a peer over a connection of this number, unless one of both is at it already.
    mutating func dial(_ peer: String, over number: Int, at now: Duration) -> [StreamEffect] {
        guard self.links[peer] == nil, self.attempts[peer] == nil else { return [] }
        let deadline = now + Connections.patience
        if self.isGreeting(peer), !self.flaws.contains(.keepsTheLast) {
            self.attempts[peer] = Attempt(stream: nil, deadline: deadline)
            return []
        }
        let stream = StreamID.outbound(number)
        self.attempts[peer] = Attempt(stream: stream, deadline: deadline)
        self.roles[stream] = .attempt(peer)
        return [.open(number, to: peer)]
    }

    /// A connection that was dialled is ready.
    func opened(_ stream: StreamID) -> [StreamEffect] {
        guard case .attempt(let peer) = self.roles[stream] else { return [] }
        let hello: JSONObject = [
            "type": "hello", "cookie": .string(self.cookie), "life": .int(self.life),
        ]
        return [self.write(hello, to: peer, on: stream)]
    }

    /// Takes in what came on a connection.
    mutating func receive(
        _ message: Message, on stream: StreamID, at now: Duration
    ) -> [StreamEffect] {
        switch (self.roles[stream], message.type) {
        case (nil, "hello"): return self.greet(message, on: stream, at: now)
        case (.attempt(let peer), "welcome"):
            let ready = self.write(["type": "ready"], to: peer, on: stream)
            let life = message["life"]?.intValue ?? 0
            return [ready] + self.establish(peer, life, on: stream, at: now)
        case (.attempt(let peer), "refused"):
            self.roles[stream] = nil
            if message["reason"] == "crossed" {
                // The peer's own connection is on its way.
                self.attempts[peer]?.stream = nil
            } else {
                self.fail(peer, message["reason"]?.stringValue ?? "refused")
            }
            return [.close(stream)]
        case (.greeted(let peer, let life, _), "ready"):
            return self.establish(peer, life, on: stream, at: now)
        case (.link(let peer), "nodes"):
            self.links[peer]?.lastHeard = now
            let nodes = message["nodes"]?.arrayValue?.compactMap(\.stringValue) ?? []
            self.unlinked += nodes.filter { $0 != self.id && self.links[$0] == nil }
            return []
        case (.link(let peer), "bye"): return self.drop(peer, because: "disconnected")
        case (.link(let peer), _):
            self.links[peer]?.lastHeard = now
            return []
        default: return []
        }
    }

    /// Somebody says who he is.
    private mutating func greet(
        _ hello: Message, on stream: StreamID, at now: Duration
    ) -> [StreamEffect] {
        let peer = hello.source
        func refuse(_ reason: String) -> [StreamEffect] {
            let refused: JSONObject = ["type": "refused", "reason": .string(reason)]
            return [self.write(refused, to: peer, on: stream), .close(stream)]
        }
        if hello["cookie"]?.stringValue != self.cookie, !self.flaws.contains(.ignoresCookies) {
            return refuse("another cookie")
        }
        var effects: [StreamEffect] = []
        if let attempt = self.attempts[peer], let dialled = attempt.stream,
            !self.flaws.contains(.keepsTheLast)
        {
            if self.id > peer { return refuse("crossed") }
            self.attempts[peer]?.stream = nil
            self.roles[dialled] = nil
            effects = [.close(dialled)]
        }
        let life = hello["life"]?.intValue ?? 0
        self.roles[stream] = .greeted(peer, life: life, deadline: now + Connections.patience)
        let welcome: JSONObject = ["type": "welcome", "life": .int(self.life)]
        return effects + [self.write(welcome, to: peer, on: stream)]
    }

    private func isGreeting(_ peer: String) -> Bool {
        self.roles.values.contains { role in
            if case .greeted(peer, _, _) = role { true } else { false }
        }
    }

    /// Both sides know each other: the link is up, and takes the place of an older one.
    private mutating func establish(
        _ peer: String, _ life: Int64, on stream: StreamID, at now: Duration
    ) -> [StreamEffect] {
        var effects: [StreamEffect] = []
        if let old = self.links[peer] {
            if old.life == life, self.isMadeByGreater(old.stream, peer),
                !self.isMadeByGreater(stream, peer), !self.flaws.contains(.keepsTheLast)
            {
                self.roles[stream] = nil
                return [.close(stream)]
            }
            effects = self.drop(peer, because: "replaced")
        }
        if let dialled = self.attempts.removeValue(forKey: peer)?.stream, dialled != stream,
            !self.flaws.contains(.keepsTheLast)
        {
            self.roles[dialled] = nil
            effects.append(.close(dialled))
        }
        self.linkCount += 1
        self.links[peer] = Link(
            stream: stream, number: self.linkCount, life: life, lastHeard: now)
        self.roles[stream] = .link(peer)
        self.note("up", peer, self.linkCount)
        self.outcomes.append((peer, nil))
        let nodes = self.links.keys.filter { $0 != peer }.sorted()
        let told: JSONObject = ["type": "nodes", "nodes": .array(nodes.map { .string($0) })]
        return effects + [self.write(told, to: peer, on: stream)]
    }

    private func isMadeByGreater(_ stream: StreamID, _ peer: String) -> Bool {
        if case .outbound = stream { self.id > peer } else { peer > self.id }
    }

    private mutating func fail(_ peer: String, _ reason: String) {
        self.attempts[peer] = nil
        if self.links[peer] == nil { self.outcomes.append((peer, reason)) }
    }

    // MARK: - The end of a link

    /// Ends a link on purpose, which the peer is told.
    mutating func disconnect(_ peer: String) -> [StreamEffect] {
        guard let link = self.links[peer] else { return [] }
        return [self.write(["type": "bye"], to: peer, on: link.stream)]
            + self.drop(peer, because: "disconnected")
    }

    /// A connection has ended, or was never made.
    mutating func ended(_ stream: StreamID, _ reason: String) {
        switch self.roles.removeValue(forKey: stream) {
        case .attempt(let peer):
            // One that has been given up for another one is nobody's any more.
            if self.attempts[peer]?.stream == stream { self.fail(peer, reason) }
        case .link(let peer): _ = self.drop(peer, because: "closed")
        case .greeted, nil: break
        }
    }

    /// Gives a sign of life to all, and finds out who gave none.
    mutating func tick(at now: Duration) -> [StreamEffect] {
        var effects: [StreamEffect] = []
        let patience = Connections.tickInterval * Connections.ticksMissed
        for (peer, link) in self.links.sorted(by: { $0.key < $1.key }) {
            if now - link.lastHeard > patience, !self.flaws.contains(.trustsTheConnection) {
                effects += self.drop(peer, because: "silent")
            } else {
                effects.append(self.write(["type": "tick"], to: peer, on: link.stream))
            }
        }
        for (peer, attempt) in self.attempts.sorted(by: { $0.key < $1.key })
        where attempt.deadline <= now {
            if let stream = attempt.stream {
                self.roles[stream] = nil
                effects.append(.close(stream))
            }
            self.fail(peer, "no answer")
        }
        for (stream, role) in self.roles {
            guard case .greeted(_, _, let deadline) = role, deadline <= now else { continue }
            self.roles[stream] = nil
            effects.append(.close(stream))
        }
        return effects
    }

    private mutating func drop(_ peer: String, because reason: String) -> [StreamEffect] {
        guard let link = self.links.removeValue(forKey: peer) else { return [] }
        self.roles[link.stream] = nil
        self.note("down", peer, link.number, reason)
        return [.close(link.stream)]
    }

    private mutating func note(
        _ event: String, _ peer: String, _ number: Int, _ reason: String? = nil
    ) {
        if self.news.count == Self.newsMax { return }
        var entry: JSONObject = [
            "event": .string(event), "node": .string(peer), "connection": .int(Int64(number)),
        ]
        if let reason { entry["reason"] = .string(reason) }
        self.news.append(.object(entry))
    }

    func write(_ body: JSONObject, to peer: String, on stream: StreamID) -> StreamEffect {
        Connections.write(body, from: self.id, to: peer, on: stream)
    }
}
