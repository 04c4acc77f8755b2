import ChaosCore
import NodeKit

/// A link shortener that needs no store: every node has all links, tells the others about new ones, and compares what it has with
/// theirs now and then (``Replica``). Any node answers alone, whoever else can be reached.
///
///     store{parts} -> store_ok     they are on this node's disk: what a policy beyond `one` waits for
///
/// When a link is acknowledged is a matter of policy. `one` is as fast as the node's own disk and always available, and a disk that never comes
/// back takes links with it. `quorum` outlives the loss of any minority, and asks for a majority. `all` outlives all but one, and stops with the first.
struct ReplicatedLinkNode: CallingNode {
    enum Policy: Sendable {
        case one
        case quorum
        case all
        /// All, one after the other, each as long as it takes to give up on it.
        case oneByOne

        /// How many other nodes must have a link first.
        func otherCount(of others: Int) -> Int {
            switch self {
            case .one: 0
            case .quorum: (others + 1) / 2
            case .all, .oneByOne: others
            }
        }
    }

    enum Flaw: Sendable {
        /// Never asks what it missed.
        case neverCompares
        /// Puts what the others say into a table that nobody reads.
        case misplaces
        /// Acknowledges a link that is nowhere yet but in memory.
        case acknowledgesFirst
    }

    private static let patience = Duration.seconds(1)
    private static let endlessPatience = Duration.seconds(5)
    /// How long who acknowledges first takes to do the work.
    private static let laziness = Duration.seconds(1)

    private let policy: Policy
    private let flaw: Flaw?
    private var membership = Membership(id: "", members: [], seed: 0)
    private var replica = Replica<LinkBook>()
    /// Where ``Flaw/misplaces`` puts things.
    private var misplaced: [JSONValue] = []
    /// What ``Flaw/acknowledgesFirst`` has still to do.
    private var postponed: [JSONValue] = []
    /// For each request that waits, how many others must still have its link.
    private var ballots: [Int: Ballot] = [:]
    private var nextBallot = 0
    var calls = Calls<ReplicatedLinkNode>()

    init(_ policy: Policy, _ flaw: Flaw? = nil) {
        self.policy = policy
        self.flaw = flaw
    }

    mutating func receive(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.membership = membership
            let effects = self.replica.start(membership)
            return self.flaw == .neverCompares ? [] : effects
        case .timer(Replica<LinkBook>.timer): return self.replica.compare()
        case .timer: return self.catchUpWithWork()
        case .message(let message): return self.take(message)
        }
    }

    private mutating func take(_ message: Message) -> [Effect] {
        switch message.type {
        case "values" where self.flaw == .misplaces:
            self.misplaced += message["values"]?.arrayValue ?? []
            return []
        case "values", "digest": return self.replica.receive(message)
        case "store":
            let parts = (message["parts"]?.arrayValue ?? []).filter { self.replica.join($0) }
            return parts.map { .append($0) } + [.reply(to: message, ["type": "store_ok"])]
        default: break
        }
        guard let request = HTTPRequest(message) else { return [.unsupported(message)] }
        do {
            switch try LinkRequest(request) {
            case .create(let url, let wish): return self.create(url, as: wish, for: request)
            case .follow(let code): return self.follow(code, for: request)
            case .views(let code):
                return [.views(self.replica.state.views(of: code), for: request)]
            }
        } catch {
            return [error.answer]
        }
    }

    private mutating func follow(_ code: String, for request: HTTPRequest) -> [Effect] {
        let url = self.replica.state.url(of: code)
        let answer = Effect.leads(to: url, for: request)
        if url == nil { return [answer] }
        let slot = "\(self.membership.id)/\(self.membership.life.incarnation)"
        let count = self.replica.state.views(of: code, in: slot) + 1
        let part = LinkBook.views(code, slot, count)
        return [.append(part)] + self.replica.learn([part], from: "") + [answer]
    }

    // MARK: Creating

    private mutating func create(
        _ url: String, as wish: String?, for request: HTTPRequest
    ) -> [Effect] {
        guard let code = self.replica.state.code(for: url, wish: wish) else {
            return [.notCreated(url, for: request)]
        }
        let part = LinkBook.link(code, url)
        let answer = Effect.created(code, for: request)
        if self.flaw == .acknowledgesFirst {
            _ = self.replica.join(part)
            self.postponed.append(part)
            return [answer, .setTimer("postponed", after: Self.laziness)]
        }
        // On this disk before anybody else hears of it. A retry finds it there, and still waits for the others.
        let isNew = self.replica.state.url(of: code) == nil
        let write = isNew ? [Effect.append(part)] + self.replica.learn([part], from: "") : []
        let missing = self.policy.otherCount(of: self.membership.others.count)
        if missing == 0 { return write + [answer] }
        if self.policy == .oneByOne {
            return write + self.store(part, on: self.membership.others[...], then: answer, request)
        }
        return write + self.store(part, onOthers: missing, then: answer, request)
    }

    /// Waits until so many other nodes have a part.
    private mutating func store(
        _ part: JSONValue, onOthers missing: Int, then answer: Effect, _ request: HTTPRequest
    ) -> [Effect] {
        let ballot = self.nextBallot
        self.nextBallot += 1
        self.ballots[ballot] = Ballot(missing: missing, open: self.membership.others.count)
        let body: JSONObject = ["type": "store", "parts": [part]]
        return self.membership.others.flatMap { other in
            self.call(other, body, .repeated(within: Self.patience)) { node, result, _ in
                switch node.count(result.message != nil, in: ballot) {
                case .none: []
                case .some(true): [answer]
                case .some(false): [.unavailable("too few nodes have the link", for: request)]
                }
            }
        }
    }

    /// Waits for one node after the other.
    private mutating func store(
        _ part: JSONValue, on others: ArraySlice<String>, then answer: Effect,
        _ request: HTTPRequest
    ) -> [Effect] {
        guard let next = others.first else { return [answer] }
        let body: JSONObject = ["type": "store", "parts": [part]]
        return self.call(next, body, .once(within: Self.endlessPatience)) { node, result, _ in
            if result.message == nil {
                return [.respond(to: request, 500, "'\(next)' did not answer")]
            }
            return node.store(part, on: others.dropFirst(), then: answer, request)
        }
    }

    private mutating func catchUpWithWork() -> [Effect] {
        let parts = self.postponed
        self.postponed = []
        let news: JSONObject = ["type": "values", "values": .array(parts)]
        return parts.map { .append($0) } + self.membership.others.map { .send(to: $0, news) }
    }

    // MARK: Counting who has a link

    private struct Ballot {
        var missing: Int
        var open: Int
    }

    /// Counts an answer; `true` with the last one that was missing, `false` when they can no longer be enough.
    private mutating func count(_ isStored: Bool, in ballot: Int) -> Bool? {
        guard var state = self.ballots[ballot] else { return nil }
        state.open -= 1
        if isStored { state.missing -= 1 }
        let isDecided = state.missing == 0 || state.missing > state.open
        self.ballots[ballot] = isDecided ? nil : state
        return isDecided ? state.missing == 0 : nil
    }
}
