/// A node's copy of a replicated state that tells each peer what changed since that peer last said how far it is (delta-state
/// replication; Almeida, Shoker, Baquero: Delta State Replicated Data Types, 2018).
///
///     A -> B  delta{life, after, to, values}    what changed at A after change `after`, up to change `to`
///     A -> B  full{life, to, values}            everything, where that is no longer known
///     B -> A  delta_ack{life, to}               so far B has A's changes, of this life of A's
///
/// Changes are numbered in each life. A peer's acknowledgement alone moves on what it is told next, so what gets lost is told again, and
/// a peer that begins another life is told everything. Of several changes of one key the newest part stands for all,
/// and a part is not told back to whom it came from. The buffer holds so many changes: a peer that was away for longer gets everything.
///
/// ``Replica`` compares notes instead: no state about others, and a digest each time. The owner hands in messages of these types, and the timer ``timer``.
public struct DeltaReplica<State: Lattice>: Sendable {
    /// The types of the messages between replicas.
    public static var messageTypes: Set<String> { ["delta", "full", "delta_ack"] }
    /// The name of the timer that tells the peers.
    public static var timer: String { "tell" }

    /// What naive replicas do otherwise.
    public enum Flaw: Hashable, Sendable {
        /// Takes what was sent for received.
        case forgetsWhenSent
        /// Drops changes as soon as one peer has them, and sends nobody everything.
        case dropsAtFirstAck
        /// Tells everything each time.
        case alwaysFull
    }

    private struct Change: Sendable {
        let key: JSONValue
        /// Who told us; `nil` for a change of this node's own.
        let source: String?
    }

    /// What is known of a peer.
    private struct Peer: Sendable {
        /// Up to which change of this node's it has all; `nil` where it did not say.
        var acknowledged: Int64?
        /// Which life of the peer's was heard last, and up to which of its changes all are here.
        var life: Int64?
        var received: Int64?
    }

    /// What is known.
    public private(set) var state = State()
    private let interval: Duration
    private let bufferMax: Int
    private let flaw: Flaw?
    private var membership = Membership(id: "", members: [], seed: 0)
    private var peers: [String: Peer] = [:]
    /// The latest changes, by their numbers.
    private var buffer: [Int64: Change] = [:]
    /// The number of each key's latest change.
    private var latest: [JSONValue: Int64] = [:]
    /// The number of the last change.
    private var last: Int64 = 0
    /// Up to which change the buffer has forgotten some.
    private var forgotten: Int64 = 0
    private var keys: [JSONValue] = []

    /// Makes an empty replica.
    ///
    /// - Parameters:
    ///   - interval: The time between two times of telling the peers.
    ///   - bufferMax: How many changes are remembered.
    public init(
        tellingEvery interval: Duration = .milliseconds(100), bufferMax: Int = 1000,
        flaw: Flaw? = nil
    ) {
        self.interval = interval
        self.bufferMax = bufferMax
        self.flaw = flaw
    }

    /// All that is known, in parts.
    public var parts: [JSONValue] { self.keys.compactMap { self.state.part(of: $0) } }

    /// How many changes wait for somebody.
    public var bufferCount: Int { self.buffer.count }

    /// Begins to live, with the parts that the node's log has.
    public mutating func start(_ membership: Membership) -> [Effect] {
        self.membership = membership
        for other in membership.others { self.peers[other] = Peer() }
        for record in membership.life.records { _ = self.learn(record, from: nil) }
        return [.setTimer(Self.timer, after: self.interval)]
    }

    /// Joins a part, and remembers to tell the others; `false` when it was known.
    @discardableResult
    public mutating func learn(_ part: JSONValue, from source: String? = nil) -> Bool {
        guard let key = State.key(of: part) else { return false }
        let isNew = self.state.part(of: key) == nil
        guard self.state.join(part) else { return false }
        if isNew { self.keys.append(key) }
        self.last += 1
        // The newest part of a key stands for all before that nobody else is told.
        if let earlier = self.latest[key], self.buffer[earlier]?.source == source {
            self.buffer[earlier] = nil
        }
        self.buffer[self.last] = Change(key: key, source: source)
        self.latest[key] = self.last
        if self.buffer.count > self.bufferMax {
            // A quarter at once, so that it is seldom done.
            let numbers = self.buffer.keys.sorted()
            self.forget(through: numbers[numbers.count - 1 - self.bufferMax * 3 / 4])
        }
        return true
    }

    private mutating func forget(through number: Int64) {
        self.forgotten = max(self.forgotten, number)
        self.buffer = self.buffer.filter { $0.key > number }
    }

    // MARK: Telling

    /// Tells every peer what it does not have, and sets the timer for the next time.
    public mutating func tell() -> [Effect] {
        self.membership.others.flatMap { self.tell($0) }
            + [.setTimer(Self.timer, after: self.interval)]
    }

    private mutating func tell(_ name: String) -> [Effect] {
        let acknowledged = self.peers[name]?.acknowledged
        if acknowledged == self.last { return [] }
        if self.flaw == .forgetsWhenSent { self.peers[name]?.acknowledged = self.last }
        var body: JSONObject = ["life": .int(self.life), "to": .int(self.last)]
        let knowsEnough = acknowledged.map { $0 >= self.forgotten } ?? false
        if (knowsEnough && self.flaw != .alwaysFull) || self.flaw == .dropsAtFirstAck {
            let after = acknowledged ?? 0
            let changes = self.buffer.filter { $0.key > after && $0.value.source != name }
                .sorted { $0.key < $1.key }
            body["type"] = "delta"
            body["after"] = .int(after)
            body["values"] = self.values(of: changes.map(\.value.key))
        } else {
            body["type"] = "full"
            body["values"] = self.values(of: self.keys)
        }
        return [.send(to: name, body)]
    }

    private var life: Int64 { Int64(bitPattern: self.membership.life.incarnation) }

    private func values(of keys: [JSONValue]) -> JSONValue {
        .array(keys.compactMap { self.state.part(of: $0) })
    }

    // MARK: Being told

    /// Handles a message of another replica.
    public mutating func receive(_ message: Message) -> [Effect] {
        guard let life = message["life"]?.intValue, let to = message["to"]?.intValue,
            var peer = self.peers[message.source]
        else { return [] }
        if message.type == "delta_ack" {
            if life != self.life { return [] }
            peer.acknowledged = max(peer.acknowledged ?? 0, to)
            self.peers[message.source] = peer
            self.collect()
            return []
        }
        if peer.life != life {
            // It may have forgotten what it was told.
            if peer.life != nil { peer.acknowledged = nil }
            peer.life = life
            peer.received = nil
        }
        for part in message["values"]?.arrayValue ?? [] {
            self.learn(part, from: message.source)
        }
        // Between a delta that begins later and what is here, something is missing.
        let isNext = message["after"]?.intValue.map { $0 <= peer.received ?? 0 } ?? true
        if isNext { peer.received = max(peer.received ?? 0, to) }
        self.peers[message.source] = peer
        guard let received = peer.received else { return [] }
        let body: JSONObject = [
            "type": "delta_ack", "life": .int(life), "to": .int(received),
        ]
        return [.send(to: message.source, body)]
    }

    /// Forgets the changes that all peers have.
    private mutating func collect() {
        let all = self.membership.others.map { self.peers[$0]?.acknowledged ?? 0 }
        let known = self.flaw == .dropsAtFirstAck ? all.max() : all.min()
        if let known { self.forget(through: known) }
    }
}
