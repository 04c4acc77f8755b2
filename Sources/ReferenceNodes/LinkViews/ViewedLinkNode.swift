import ChaosCore
import NodeKit

/// A link shortener that counts views: a G-counter for each link, whose slots belong to one life of one node each, so that nobody else
/// ever writes them and the larger of two counts is the newer one (``LinkBook``).
///
/// A view is in its slot, and the slot on disk, before the visitor is sent on. The others hear of it at once, and who missed that finds out
/// when notes are compared. A visitor who got no answer comes again under the same `x-view-id`, and is not counted again.
struct ViewedLinkNode: Node {
    enum Flaw: Sendable {
        /// Sends `+1` around.
        case tellsOperations
        /// Sends the total around.
        case tellsTotals
        /// Never compares, and tells nobody twice.
        case tellsOnce
        /// Never compares; who comes back is told all slots.
        case tellsOnNodeUp
        /// Begins each life at 0, in the slot of the one before.
        case forgets
        /// All nodes count in one slot.
        case sharesSlot
        /// Counts what leads nowhere.
        case countsUnknown
        /// Counts a little later.
        case countsLate
        /// Does not know a visitor again.
        case countsAgain
    }

    /// How long who counts late takes.
    private static let lateness = Duration.milliseconds(300)

    private let flaw: Flaw?
    private var membership = Membership(id: "", members: [], seed: 0)
    private var replica = Replica<LinkBook>()
    private var peers = PeerWatch()
    private var slot = ""
    /// What this life counted itself, by code.
    private var own: [String: Int64] = [:]
    private var visits = RecentVisits()
    /// The sums of those who send around something else than slots.
    private var totals: [String: Int64] = [:]
    /// The codes of views that are to be counted late.
    private var late: [String] = []
    private var log = LogCompaction()

    init(_ flaw: Flaw? = nil) { self.flaw = flaw }

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        let effects = self.live(input, at: now)
        // Who begins each life at 0 must not be helped.
        guard self.log.isDue(after: effects), self.flaw != .forgets else { return effects }
        // Links, slots, and the visitors that would be known again: all else is over.
        return effects + [self.log.rewrite(as: self.replica.parts + self.visits.records)]
    }

    private mutating func live(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership): return self.start(membership)
        case .timer(PeerWatch.timer): return self.take(self.peers.beat(at: now))
        case .timer(Replica<LinkBook>.timer): return self.replica.compare()
        case .timer:
            defer { self.late = [] }
            return self.late.flatMap { self.count($0) }
        case .message(let message): return self.take(message, at: now)
        }
    }

    private mutating func start(_ membership: Membership) -> [Effect] {
        self.membership = membership
        self.log.start(membership.life)
        switch self.flaw {
        case .forgets: self.slot = membership.id
        case .sharesSlot: self.slot = "node"
        default: self.slot = "\(membership.id)/\(membership.life.incarnation)"
        }
        for record in membership.life.records { self.visits.restore(record) }
        let effects = self.replica.start(membership)
        switch self.flaw {
        case .tellsOnce: return []
        case .tellsOnNodeUp: return self.peers.start(membership)
        default: return effects
        }
    }

    private mutating func take(_ message: Message, at now: Duration) -> [Effect] {
        switch message.type {
        case "digest", "values": return self.replica.receive(message)
        case PeerWatch.messageType: return self.take(self.peers.receive(message, at: now))
        case "view", "total":
            let code = message["code"]?.stringValue ?? ""
            self.totals[code] =
                message.type == "view"
                ? self.totals[code, default: 0] + 1 : message["count"]?.intValue ?? 0
            return []
        default: break
        }
        guard let request = HTTPRequest(message) else { return [.unsupported(message)] }
        do {
            switch try LinkRequest(request) {
            case .create(let url, let wish): return self.create(url, as: wish, for: request)
            case .follow(let code): return self.follow(code, for: request)
            case .views(let code):
                let sum = self.totals[code] ?? 0
                return [.views(sum + self.replica.state.views(of: code), for: request)]
            }
        } catch {
            return [error.answer]
        }
    }

    /// Tells who comes back what it missed.
    private mutating func take(_ told: (effects: [Effect], news: [PeerNews])) -> [Effect] {
        told.effects
            + told.news.flatMap { news -> [Effect] in
                guard case .up(let node) = news else { return [] }
                let body: JSONObject = ["type": "values", "values": .array(self.replica.parts)]
                return [.send(to: node, body)]
            }
    }

    private mutating func create(
        _ url: String, as wish: String?, for request: HTTPRequest
    ) -> [Effect] {
        guard let code = self.replica.state.code(for: url, wish: wish) else {
            return [.notCreated(url, for: request)]
        }
        let link = LinkBook.link(code, url)
        return [.append(link)] + self.replica.learn([link], from: "")
            + [.created(code, for: request)]
    }

    // MARK: Views

    private mutating func follow(_ code: String, for request: HTTPRequest) -> [Effect] {
        let url = self.replica.state.url(of: code)
        let answer = Effect.leads(to: url, for: request)
        if url == nil, self.flaw != .countsUnknown { return [answer] }
        var effects: [Effect] = []
        if self.flaw != .countsAgain, let visit = request.header("x-view-id") {
            guard let record = self.visits.note(visit) else { return [answer] }
            effects.append(.append(record))
        }
        if self.flaw == .countsLate {
            self.late.append(code)
            return effects + [answer, .setTimer("late", after: Self.lateness)]
        }
        return effects + self.count(code) + [answer]
    }

    private mutating func count(_ code: String) -> [Effect] {
        switch self.flaw {
        case .tellsOperations:
            self.totals[code, default: 0] += 1
            return self.tell(["type": "view", "code": .string(code)])
        case .tellsTotals:
            let total = self.totals[code, default: 0] + 1
            self.totals[code] = total
            return self.tell(["type": "total", "code": .string(code), "count": .int(total)])
        default: break
        }
        self.own[code, default: 0] += 1
        let part = LinkBook.views(code, self.slot, self.own[code, default: 0])
        let log: [Effect] = self.flaw == .forgets ? [] : [.append(part)]
        return log + self.replica.learn([part], from: "")
    }

    private func tell(_ body: JSONObject) -> [Effect] {
        self.membership.others.map { .send(to: $0, body) }
    }
}
