import ChaosCore
import NodeKit

/// A link shortener whose nodes each keep a part of the links: Redis decides who has a code and has all links, and two owners on a ring
/// (``HashRing``) have each in memory, so that a node needs memory for its share alone.
///
///     lookup{ring, code}      -> lookup_ok{url}    an owner's link; what it does not know it asks Redis for
///     insert{ring, code, url} -> insert_ok         keep this link
///                                stale{ring}       whoever asks has an old ring: here is a newer one
///     ring{ring}                                   the members, now and then to somebody
///     set_members{members}                         what an administrator says; makes the next version
///
/// Every request says after which ring it was sent, so two nodes that disagree find out when they talk. Creating needs Redis, and not the
/// owners: one that is away gets its links later (hinted handoff). Following needs any of the owners, or Redis.
struct RingLinkNode: CallingNode {
    enum Flaw: Sendable {
        /// The owners are those at hash modulo the number of members.
        case countsNodes
        /// A second change of members changes nothing.
        case keepsFirstRing
        /// Neither the second owner nor Redis is asked.
        case asksOneOwner
        /// A link whose owner is away is refused, after it was stored.
        case refusesAfterStoring
        /// There is no Redis behind the owners, and rings have no versions: a change of members is told once.
        case trustsItsRing
    }

    /// How long an owner is waited for: less than a visitor notices.
    private static let patience = Duration.milliseconds(100)
    /// How often hints are tried again and the ring is told.
    private static let interval = Duration.milliseconds(500)
    private static let ownerCount = 2

    private let flaw: Flaw?
    private var membership = Membership(id: "", members: [], seed: 0)
    private var randomness = Randomness(seed: 0, label: "")
    private var ring = VersionedMembers(version: 0, members: [])
    private var places = HashRing([])
    /// The links that are this node's to keep.
    private var links: [String: String] = [:]
    /// The links that owners did not take yet.
    private var hints: [Hint] = []
    var calls = Calls<RingLinkNode>()

    private struct Hint: Hashable, Sendable {
        let owner: String
        let code: String
        let url: String
    }

    init(_ flaw: Flaw? = nil) { self.flaw = flaw }

    mutating func receive(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.membership = membership
            self.randomness = membership.randomness
            self.adopt(VersionedMembers(version: 0, members: membership.members))
            for record in membership.life.records { self.restore(record) }
            return [.setTimer("ring", after: Self.interval)]
        case .timer: return self.retryHints() + self.tellRing()
        case .message(let message): return self.take(message)
        }
    }

    private mutating func take(_ message: Message) -> [Effect] {
        switch message.type {
        case "set_members": return self.setMembers(message)
        case "ring": return self.learn(message)
        case "lookup", "insert":
            let news = self.flaw == .trustsItsRing ? [] : self.learn(message)
            return news + self.serve(message)
        default: break
        }
        guard let request = HTTPRequest(message) else { return [.unsupported(message)] }
        do {
            switch try LinkRequest(request) {
            case .create(let url, let wish): return self.create(url, as: wish, for: request)
            case .follow(let code):
                return self.find(code) { node, found in node.lead(request, code, found) }
            case .views(let code): return self.views(of: code, for: request)
            }
        } catch {
            return [error.answer]
        }
    }

    // MARK: The ring

    private mutating func adopt(_ ring: VersionedMembers) {
        self.ring = ring
        self.places = HashRing(ring.members)
    }

    /// Who keeps a link, the first owner first.
    private func owners(of code: String) -> [String] {
        if self.flaw != .countsNodes {
            return self.places.owners(of: code, count: Self.ownerCount)
        }
        let members = self.ring.members
        let first = Int(Seed(0).derived(code).value % UInt64(max(1, members.count)))
        return (0..<min(Self.ownerCount, members.count)).map {
            members[(first + $0) % members.count]
        }
    }

    private mutating func setMembers(_ message: Message) -> [Effect] {
        let names = message["members"]?.stringValue?.split(separator: " ").map(String.init) ?? []
        guard message.source == Administration.name, !names.isEmpty else {
            let rule =
                "'set_members' has names in 'members', such as 'n1 n2', from an administrator"
            return [.error(to: message, .malformedRequest, rule)]
        }
        let done = Effect.reply(to: message, ["type": "set_members_ok"])
        if self.flaw == .keepsFirstRing, self.ring.version > 0 { return [done] }
        self.adopt(VersionedMembers(version: self.ring.version + 1, members: names))
        let news: JSONObject = ["type": "ring", "ring": self.ring.json]
        return [.append(["ring", self.ring.json])]
            + self.membership.others.map { .send(to: $0, news) } + [done]
    }

    /// Takes over a newer ring.
    private mutating func learn(_ message: Message) -> [Effect] {
        guard let ring = VersionedMembers(message["ring"]), ring.supersedes(self.ring) else {
            return []
        }
        if self.flaw == .keepsFirstRing, self.ring.version > 0 { return [] }
        self.adopt(ring)
        return [.append(["ring", ring.json])]
    }

    private mutating func tellRing() -> [Effect] {
        let again = Effect.setTimer("ring", after: self.randomness.jittered(Self.interval))
        guard self.flaw != .trustsItsRing, let other = self.randomness.pick(self.membership.others)
        else { return [again] }
        return [.send(to: other, ["type": "ring", "ring": self.ring.json]), again]
    }

    /// Brings back what an earlier life has logged.
    private mutating func restore(_ record: JSONValue) {
        guard let words = record.arrayValue, words.count >= 2 else { return }
        if words[0] == "ring", let ring = VersionedMembers(words[1]), ring.supersedes(self.ring) {
            self.adopt(ring)
        }
        if words[0] == "link", words.count == 3, let code = words[1].stringValue {
            self.links[code] = words[2].stringValue
        }
    }

    // MARK: Owners

    /// Does what another node asks an owner for.
    private mutating func serve(_ message: Message) -> [Effect] {
        let code = message["code"]?.stringValue ?? ""
        if self.flaw != .trustsItsRing, let ring = VersionedMembers(message["ring"]),
            self.ring.supersedes(ring)
        {
            return [.reply(to: message, ["type": "stale", "ring": self.ring.json])]
        }
        if message.type == "insert", let url = message["url"]?.stringValue {
            return self.keep(code, url) + [.reply(to: message, ["type": "insert_ok"])]
        }
        return self.own(code) { _, found in
            switch found {
            case .link(let url):
                [
                    .reply(
                        to: message, ["type": "lookup_ok", "url": url.map { .string($0) } ?? .null])
                ]
            case .unknown(let reason): [.error(to: message, .temporarilyUnavailable, reason)]
            }
        }
    }

    private mutating func keep(_ code: String, _ url: String) -> [Effect] {
        self.links[code] = url
        // Where there is no Redis behind it, this is the only place that has it.
        guard self.flaw == .trustsItsRing else { return [] }
        return [.append(["link", .string(code), .string(url)])]
    }

    /// Asks somebody to keep a link; what he does not take is tried again.
    private mutating func hand(
        _ hint: Hint, then: @escaping @Sendable (inout Self, Bool) -> [Effect] = { _, _ in [] }
    ) -> [Effect] {
        if hint.owner == self.membership.id {
            return self.keep(hint.code, hint.url) + then(&self, true)
        }
        let body: JSONObject = [
            "type": "insert", "ring": self.ring.json, "code": .string(hint.code),
            "url": .string(hint.url),
        ]
        return self.call(hint.owner, body, .once(within: Self.patience)) { node, answer, _ in
            let isKept = answer.message?.type == "insert_ok"
            if !isKept { node.hints.append(hint) }
            let news = answer.message.map { node.learn($0) } ?? []
            return news + then(&node, isKept)
        }
    }

    private mutating func retryHints() -> [Effect] {
        let hints = self.hints
        self.hints = []
        // The owners may be others by now.
        return Set(hints.map { [$0.code, $0.url] }).sorted { $0[0] < $1[0] }.flatMap { link in
            self.owners(of: link[0]).flatMap {
                self.hand(Hint(owner: $0, code: link[0], url: link[1]))
            }
        }
    }

    // MARK: Creating

    private mutating func create(
        _ url: String, as wish: String?, for request: HTTPRequest
    ) -> [Effect] {
        if self.flaw == .trustsItsRing {
            return self.place(wish ?? LinkCode.sha256.code(of: url), url, for: request)
        }
        return self.claim(url, as: wish) { node, claim in
            switch claim {
            case .owned(let code): return node.place(code, url, for: request)
            case .taken: return [.notCreated(url, for: request)]
            case .unknown(let reason): return [.unavailable(reason, for: request)]
            }
        }
    }

    /// Lets the owners have a link that is stored.
    private mutating func place(
        _ code: String, _ url: String, for request: HTTPRequest
    ) -> [Effect] {
        let hints = self.owners(of: code).map { Hint(owner: $0, code: code, url: url) }
        let isNeeded = self.flaw == .refusesAfterStoring || self.flaw == .trustsItsRing
        guard isNeeded, let first = hints.first else {
            return hints.flatMap { self.hand($0) } + [.created(code, for: request)]
        }
        let others = hints.dropFirst().flatMap { self.hand($0) }
        return others
            + self.hand(first) { node, isKept in
                if isKept { return [.created(code, for: request)] }
                return node.flaw == .refusesAfterStoring
                    ? [.notCreated(url, for: request)]
                    : [.unavailable("'\(first.owner)' is away", for: request)]
            }
    }

    // MARK: Following

    /// What became of a search.
    private enum Found: Sendable {
        /// Where the code leads; `nil` for nowhere.
        case link(String?)
        case unknown(String)
    }

    /// Asks the owners, one after the other, and then Redis.
    private mutating func find(
        _ code: String, then: @escaping @Sendable (inout Self, Found) -> [Effect]
    ) -> [Effect] {
        self.find(code, at: self.owners(of: code)[...], then: then)
    }

    private mutating func find(
        _ code: String, at owners: ArraySlice<String>,
        then: @escaping @Sendable (inout Self, Found) -> [Effect]
    ) -> [Effect] {
        guard let owner = owners.first else { return self.askRedis(code, then: then) }
        if owner == self.membership.id { return self.own(code, then: then) }
        let body: JSONObject = [
            "type": "lookup", "ring": self.ring.json, "code": .string(code),
        ]
        return self.call(owner, body, .once(within: Self.patience)) { node, answer, _ in
            if let reply = answer.message, reply.type == "lookup_ok" {
                return then(&node, .link(reply["url"]?.stringValue))
            }
            // A newer ring serves the next request; this one goes on to who else may know.
            let news = answer.message.map { node.learn($0) } ?? []
            if node.flaw == .asksOneOwner { return then(&node, .unknown("'\(owner)' is away")) }
            return news + node.find(code, at: owners.dropFirst(), then: then)
        }
    }

    /// What this node knows as an owner, or learns from Redis.
    private mutating func own(
        _ code: String, then: @escaping @Sendable (inout Self, Found) -> [Effect]
    ) -> [Effect] {
        if let url = self.links[code] { return then(&self, .link(url)) }
        return self.askRedis(code) { node, found in
            if case .link(let url?) = found { node.links[code] = url }
            return then(&node, found)
        }
    }

    private mutating func askRedis(
        _ code: String, then: @escaping @Sendable (inout Self, Found) -> [Effect]
    ) -> [Effect] {
        if self.flaw == .trustsItsRing { return then(&self, .link(nil)) }
        return self.redis(["GET", "links:\(code)"]) { node, answer, _ in
            switch answer {
            case .value(let url): return then(&node, .link(url.stringValue))
            case .refused(let reason), .unknown(let reason): return then(&node, .unknown(reason))
            }
        }
    }

    private mutating func lead(
        _ request: HTTPRequest, _ code: String, _ found: Found
    ) -> [Effect] {
        switch found {
        case .unknown(let reason): return [.unavailable(reason, for: request)]
        case .link(nil): return [.leads(to: nil, for: request)]
        case .link(let url):
            let count = self.flaw == .trustsItsRing ? [] : self.countVisit(of: code)
            return [.leads(to: url, for: request)] + count
        }
    }
}
