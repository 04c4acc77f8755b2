/// What became of a node, as far as this one can tell.
public enum PeerNews: Hashable, Sendable {
    /// It can be heard, and hears this one: once for each of its lives, and again after each silence.
    case up(String)
    /// It was not heard for too long, does not hear this one, or began another life.
    case down(String)
}

/// Tells which nodes can be reached: every node tells all others now and then that it lives, in which life,
/// and whose it hears.
///
///     heartbeat{incarnation, number, cookie, heard: {n2: 7, …}}
///
/// A link is up while both ends hear each other, so a cut in one direction is down on both sides, and a
/// connection that nobody resets is found out as well: no end of a connection is waited for.
public struct PeerWatch: Sendable {
    /// The type of its messages.
    public static var messageType: String { "heartbeat" }
    /// The name of its timer.
    public static var timer: String { "heartbeat" }

    private struct Peer: Sendable {
        var incarnation: UInt64
        /// The number of the last sign of that life; an earlier one that comes late says nothing new.
        var number: Int64 = 0
        var lastHeard: Duration
        var hearsUs = false
        var isUp = false
    }

    private let interval: Duration
    private let patience: Duration
    private let cookie: String
    private var membership = Membership(id: "", members: [], seed: 0)
    private var peers: [String: Peer] = [:]
    private var signsGiven: Int64 = 0

    /// Makes a watch that knows nobody.
    ///
    /// - Parameters:
    ///   - interval: The time between two signs of life.
    ///   - missed: After so many intervals without one a node counts as down.
    ///   - cookie: Nodes of another cookie are not heard. A name rather than a secret: it travels as it is.
    public init(every interval: Duration = .milliseconds(200), missed: Int = 4, cookie: String = "")
    {
        self.interval = interval
        self.patience = interval * missed
        self.cookie = cookie
    }

    /// The nodes that are up, in order.
    public var connected: [String] { self.peers.filter(\.value.isUp).keys.sorted() }

    /// Begins to live.
    public mutating func start(_ membership: Membership) -> [Effect] {
        self.membership = membership
        return self.signs(to: membership.others) + [.setTimer(Self.timer, after: self.interval)]
    }

    /// Takes in a sign of life.
    public mutating func receive(
        _ message: Message, at now: Duration
    ) -> (effects: [Effect], news: [PeerNews]) {
        guard message["cookie"]?.stringValue == self.cookie,
            let incarnation = message["incarnation"]?.intValue.map({ UInt64(bitPattern: $0) }),
            let number = message["number"]?.intValue
        else { return ([], []) }
        let name = message.source
        let heard = message["heard"]?[self.membership.id]?.intValue
        let hearsUs = heard == Int64(bitPattern: self.membership.life.incarnation)
        var news: [PeerNews] = []
        var peer = self.peers[name] ?? Peer(incarnation: incarnation, lastHeard: now)
        if peer.incarnation == incarnation, number <= peer.number { return ([], []) }
        peer.number = number
        if peer.isUp, peer.incarnation != incarnation || !hearsUs {
            peer.isUp = false
            news.append(.down(name))
        }
        peer.incarnation = incarnation
        peer.lastHeard = now
        peer.hearsUs = hearsUs
        if !peer.isUp, hearsUs {
            peer.isUp = true
            news.append(.up(name))
        }
        self.peers[name] = peer
        // Who does not hear us yet need not wait for the next interval.
        return (hearsUs ? [] : self.signs(to: [name]), news)
    }

    /// Gives signs of life, and finds out who gave none.
    public mutating func beat(at now: Duration) -> (effects: [Effect], news: [PeerNews]) {
        var news: [PeerNews] = []
        for (name, peer) in self.peers.sorted(by: { $0.key < $1.key })
        where now - peer.lastHeard > self.patience {
            if peer.isUp { news.append(.down(name)) }
            self.peers[name] = nil
        }
        let effects = self.signs(to: self.membership.others)
        return (effects + [.setTimer(Self.timer, after: self.interval)], news)
    }

    private mutating func signs(to nodes: [String]) -> [Effect] {
        self.signsGiven += 1
        let number = self.signsGiven
        var heard: JSONObject = [:]
        for (name, peer) in self.peers.sorted(by: { $0.key < $1.key }) {
            heard[name] = .int(Int64(bitPattern: peer.incarnation))
        }
        let incarnation = Int64(bitPattern: self.membership.life.incarnation)
        return nodes.map { node in
            .send(
                to: node,
                [
                    "type": .string(Self.messageType), "incarnation": .int(incarnation),
                    "number": .int(number),
                    "cookie": .string(self.cookie), "heard": .object(heard),
                ])
        }
    }
}
