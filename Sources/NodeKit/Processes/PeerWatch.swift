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
///     heartbeat{incarnation, number, cookie, heard: {n2: 7, …}, mail: 31, session: 1}
///
/// A link is up while both ends hear each other, so a cut in one direction is down on both sides, and a
/// connection that nobody resets is found out as well: no end of a connection is waited for.
///
/// Where mail is counted, a link also ends when a piece of it got lost: a sign of life says how much was sent there before it
/// (`mail`), and how often its sender has begun to hear that node (`session`), so that both ends learn of each end of their
/// link. What a process is told of another one (a monitor's one piece of mail) is then true over networks that lose.
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
        /// How much mail it had sent when it was heard first, and how much has come since.
        var mailSentBefore: Int64
        var mailReceived: Int64 = 0
        /// How often it has begun to hear this node.
        var session: Int64
    }

    private let interval: Duration
    private let patience: Duration
    private let cookie: String
    private let countsMail: Bool
    private var membership = Membership(id: "", members: [], seed: 0)
    private var peers: [String: Peer] = [:]
    private var signsGiven: Int64 = 0
    /// How much mail went to each node in this life.
    private var mailSent: [String: Int64] = [:]
    /// How often this node began to hear each other one.
    private var sessions: [String: Int64] = [:]

    /// Makes a watch that knows nobody.
    ///
    /// - Parameters:
    ///   - interval: The time between two signs of life.
    ///   - missed: After so many intervals without one a node counts as down.
    ///   - cookie: Nodes of another cookie are not heard. A name rather than a secret: it travels as it is.
    ///   - countsMail: Whether a lost piece of mail ends the link. Mail that overtakes other mail does so, too.
    public init(
        every interval: Duration = .milliseconds(200), missed: Int = 4, cookie: String = "",
        countsMail: Bool = false
    ) {
        self.interval = interval
        self.patience = interval * missed
        self.cookie = cookie
        self.countsMail = countsMail
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
        let mailSent = message["mail"]?.intValue ?? 0
        let session = message["session"]?.intValue ?? 0
        var news: [PeerNews] = []
        if self.peers[name]?.incarnation == incarnation {
            if number <= self.peers[name]?.number ?? 0 { return ([], []) }
            if self.peers[name].map({ self.hasLostMail($0, of: mailSent) }) == true {
                // The next sign of life begins anew.
                if self.peers.removeValue(forKey: name)?.isUp == true { news.append(.down(name)) }
                return (self.signs(to: [name]), news)
            }
        }
        if self.peers[name]?.incarnation != incarnation { self.sessions[name, default: 0] += 1 }
        var peer =
            self.peers[name]
            ?? Peer(
                incarnation: incarnation, lastHeard: now, mailSentBefore: mailSent,
                session: session)
        peer.number = number
        let isSameSession = !self.countsMail || peer.session == session
        if peer.isUp, peer.incarnation != incarnation || !hearsUs || !isSameSession {
            peer.isUp = false
            news.append(.down(name))
        }
        if peer.incarnation != incarnation {
            peer.mailSentBefore = mailSent
            peer.mailReceived = 0
        }
        peer.session = session
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

    /// Takes note of mail that goes to a node.
    mutating func noteMail(to name: String) { self.mailSent[name, default: 0] += 1 }

    /// Takes note of mail that came from a node.
    mutating func noteMail(from name: String) { self.peers[name]?.mailReceived += 1 }

    private func hasLostMail(_ peer: Peer, of sent: Int64) -> Bool {
        self.countsMail && sent - peer.mailSentBefore != peer.mailReceived
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
            var sign: JSONObject = [
                "type": .string(Self.messageType), "incarnation": .int(incarnation),
                "number": .int(number),
                "cookie": .string(self.cookie), "heard": .object(heard),
            ]
            if self.countsMail {
                sign["mail"] = .int(self.mailSent[node] ?? 0)
                sign["session"] = .int(self.sessions[node] ?? 0)
            }
            return .send(to: node, sign)
        }
    }
}
