import ChaosCore
import NodeKit
import OrderedCollections

/// A node of a Raft cluster: this file has its state and what reaches it; elections, replication and
/// clients have files of their own.
///
///     request_vote{term, last, last_term}                                -> vote{term, granted}
///     append{term, previous, previous_term, entries, commit, round}      -> appended{term, ok, match, round}
///     snapshot{term, index, last_term, state, round}                     -> appended{…}
///     forward{command}                                                   -> answer{command, answer}
///
/// Every message may be lost, doubled or late: each says for itself all that its receiver needs.
///
/// On disk are the term, the vote in it, and the log; each is there before any message that speaks of
/// it leaves, since effects are carried out in order.
struct RaftNode<Machine: StateMachine>: Node {
    /// What naive variants do wrong.
    struct Flaws: OptionSet, Sendable {
        let rawValue: Int
        /// A leader answers reads, and stays leader, without hearing from the others.
        static var trustsItsOffice: Flaws { Flaws(rawValue: 1) }
        /// Every node answers reads from what it has applied.
        static var readsLocally: Flaws { Flaws(rawValue: 2) }
        /// A leader's own log counts as the majority.
        static var acknowledgesFirst: Flaws { Flaws(rawValue: 4) }
        /// Nothing is written to disk.
        static var forgets: Flaws { Flaws(rawValue: 8) }
        /// Nobody remembers which requests were served.
        static var repeats: Flaws { Flaws(rawValue: 16) }
    }

    /// What a node is at the moment.
    enum Role: Sendable {
        case follower
        case candidate(votes: Set<String>)
        case leader(Leadership)
    }

    /// Half of this to one and a half times this passes without a leader before an election.
    static var electionTimeout: Duration { .milliseconds(600) }
    static var heartbeatInterval: Duration { .milliseconds(75) }
    /// After so long a client has given up, and its request is not passed on any more.
    static var clientPatience: Duration { .seconds(5) }
    /// How many entries of the log a snapshot swallows at once.
    static var snapshotInterval: Int { 256 }

    let flaws: Flaws
    var membership = Membership(id: "", members: [], seed: 0)
    var randomness = Randomness(seed: 0, label: "")

    var term: Int64 = 0
    var vote: String?
    var log = RaftLog()

    var role = Role.follower
    /// Who leads this term, as far as the node knows.
    var leader: String?
    /// Up to where the log is known to stand for ever.
    var commitIndex: Int64 = 0
    /// Up to where ``machine`` has taken it in.
    var appliedIndex: Int64 = 0
    var machine = Machine()
    var applied = AppliedRequests()
    /// The requests of this node's own clients.
    var served = AnswerCache()
    /// What this node's clients still wait for, with the time when it came. A new leader is told of
    /// it again: the old one may have taken it to its grave.
    var pending: OrderedDictionary<JSONValue, (command: RaftCommand, since: Duration)> = [:]
    var now = Duration.zero

    init(_ flaws: Flaws = []) { self.flaws = flaws }

    var id: String { self.membership.id }
    var majority: Int { self.membership.members.count / 2 + 1 }

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        let effects: [Effect]
        self.now = now
        switch input {
        case .started(let membership): effects = self.start(membership)
        case .timer("heartbeat"): effects = self.beat()
        case .timer: effects = self.electionTimerFired()
        case .message(let message): effects = self.receive(message)
        }
        return self.flaws.contains(.forgets) ? effects.filter { !$0.isForDisk } : effects
    }

    private mutating func start(_ membership: Membership) -> [Effect] {
        self.membership = membership
        self.randomness = membership.randomness
        if !self.flaws.contains(.forgets) {
            for record in membership.life.records where !self.log.replay(record) {
                self.term = record["term"]?.intValue ?? self.term
                self.vote = record["vote"]?.stringValue
            }
        }
        if self.log.snapshot.index > 0 { self.restore(self.log.snapshot) }
        return [self.electionTimer()]
    }

    private mutating func receive(_ message: Message) -> [Effect] {
        switch message.type {
        case "request_vote": return self.judgeCandidate(message)
        case "vote": return self.count(message)
        case "append", "snapshot": return self.follow(message)
        case "appended": return self.noteProgress(message)
        case "forward": return self.serveForwarded(message)
        case "answer": return self.passOn(message)
        default: return self.serve(message)
        }
    }

    /// The record that makes term and vote durable.
    var ballot: JSONValue {
        ["term": .int(self.term), "vote": self.vote.map { .string($0) } ?? .null]
    }
}

extension Effect {
    fileprivate var isForDisk: Bool {
        switch self {
        case .append, .replaceLog: true
        case .send, .reply, .setTimer, .crash: false
        }
    }
}
