import ChaosCore
import NodeKit

/// A node of a registry: it lends names together with others, and passes an owner's writes on to the resource.
///
/// Whoever is asked for a name asks all others which token they have seen, takes a larger one, and asks them to lend
/// the name under it. How many have to agree is what tells the variants apart.
struct RegistryNode: CallingNode {
    /// Who has to agree before a name is lent.
    enum Rule: Sendable {
        /// More than half of the registry: two majorities share a node, so there is one owner.
        case majority
        /// All that answer: who cannot be reached is not asked.
        case reachable
        /// Nobody else.
        case own
    }

    private static let patience = Duration.milliseconds(300)
    private static let timer = "held"
    private static let interval = Duration.milliseconds(300)

    var calls = Calls<RegistryNode>()
    private let rule: Rule
    private let isFenced: Bool
    private var membership = Membership(id: "", members: [], seed: 0)
    private var table = RegistryTable()
    private var claims: [Int: Claim] = [:]
    private var claimCount = 0
    /// The largest token with which the resource was written to, where this node guards it.
    private var written: [String: Int64] = [:]

    init(_ rule: Rule, isFenced: Bool = true) {
        self.rule = rule
        self.isFenced = isFenced
    }

    /// The nodes of the registry.
    private var registrars: [String] { Array(self.membership.members.dropLast()) }
    /// The node that guards the resource.
    private var guardian: String { self.membership.members.last ?? "" }

    mutating func receive(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.membership = membership
            for record in membership.life.records { self.recall(record) }
            return self.rule == .majority ? [] : [.setTimer(Self.timer, after: Self.interval)]
        case .timer:
            return self.tellOwners(at: now) + [.setTimer(Self.timer, after: Self.interval)]
        case .message(let message): return self.serve(message, at: now)
        }
    }

    /// Whom a name was lent to in an earlier life may still believe that he has it, so he has it for a whole lease
    /// from now on.
    private mutating func recall(_ record: JSONValue) {
        guard let name = record["name"]?.stringValue, let token = record["token"]?.intValue else {
            return
        }
        if let address = record["addr"]?.stringValue {
            self.table.note(name, address, token, at: .zero)
        } else {
            self.written[name] = token
        }
    }

    private mutating func serve(_ message: Message, at now: Duration) -> [Effect] {
        if message.type == "held" { return self.take(owners: message, at: now) }
        if message.type == "names" {
            let names = self.table.names(at: now).map { JSONValue.string($0) }
            return [.reply(to: message, ["type": "names_ok", "names": .array(names)])]
        }
        guard let name = message["name"]?.stringValue else {
            let known = [
                "ask", "grant", "drop", "store", "register", "unregister", "whereis", "write",
            ]
            return known.contains(message.type)
                ? [.error(to: message, .malformedRequest, "'\(message.type)' has a 'name'")]
                : [.unsupported(message)]
        }
        let token = message["token"]?.intValue ?? 0
        switch message.type {
        case "register": return self.register(name, message, at: now)
        case "whereis":
            guard let owner = self.table.owner(of: name, at: now) else {
                return [.error(to: message, .keyDoesNotExist, "nobody has the name '\(name)'")]
            }
            let body: JSONObject = [
                "type": "whereis_ok", "addr": .string(owner.address), "token": .int(owner.token),
            ]
            return [.reply(to: message, body)]
        case "unregister":
            return self.registrars.map { .send(to: $0, Self.drop(name, token)) }
                + [.reply(to: message, ["type": "unregister_ok"])]
        case "write": return self.write(name, token, message)
        case "ask":
            let isFree = self.table.owner(of: name, at: now) == nil
            let body: JSONObject = [
                "type": "asked", "token": .int(self.table.token(of: name)), "free": .bool(isFree),
            ]
            return [.reply(to: message, body)]
        case "grant": return self.grant(name, token, message, at: now)
        case "drop":
            self.table.drop(name, token)
            return []
        case "store": return self.store(name, token, message)
        default: return [.unsupported(message)]
        }
    }

    // MARK: To lend a name

    /// A client's wish for a name, on its way through two rounds of questions.
    private struct Claim {
        let request: Message
        let name: String
        let address: String
        /// `nil` while the others are asked for the largest one.
        var token: Int64?
        var missing: Set<String>
        var answers: [Message] = []
    }

    private mutating func register(
        _ name: String, _ request: Message, at now: Duration
    ) -> [Effect] {
        let address = request["addr"]?.stringValue ?? request.source
        let asked = self.rule == .own ? [self.membership.id] : self.registrars
        self.claimCount += 1
        let claim = Claim(
            request: request, name: name, address: address, missing: Set(asked))
        self.claims[self.claimCount] = claim
        return self.ask(self.claimCount, ["type": "ask", "name": .string(name)], asked)
    }

    private mutating func ask(_ id: Int, _ body: JSONObject, _ nodes: [String]) -> [Effect] {
        nodes.flatMap { peer in
            self.call(peer, body, .once(within: Self.patience)) { node, answer, now in
                node.take(answer, from: peer, for: id, at: now)
            }
        }
    }

    private mutating func take(
        _ answer: CallAnswer, from peer: String, for id: Int, at now: Duration
    ) -> [Effect] {
        guard var claim = self.claims[id] else { return [] }
        claim.missing.remove(peer)
        if let message = answer.message { claim.answers.append(message) }
        self.claims[id] = claim
        guard claim.missing.isEmpty else { return [] }
        let isEnough =
            self.rule != .majority || claim.answers.count * 2 > self.registrars.count
        guard isEnough else {
            return self.giveUp(id, claim, .temporarilyUnavailable, "too few nodes can be reached")
        }
        return claim.token == nil ? self.choose(id, claim) : self.conclude(id, claim, at: now)
    }

    /// Takes a token above all that were seen. Its last digits tell the nodes apart, so that no two of them ever
    /// give out the same.
    private mutating func choose(_ id: Int, _ claim: Claim) -> [Effect] {
        guard claim.answers.allSatisfy({ $0["free"]?.boolValue == true }) else {
            return self.giveUp(id, claim, .transactionConflict, "somebody has the name")
        }
        let largest = claim.answers.compactMap { $0["token"]?.intValue }.max() ?? 0
        let index = self.membership.members.firstIndex(of: self.membership.id) ?? 0
        let token = (largest / 100 + 1) * 100 + Int64(index)
        var next = claim
        next.token = token
        next.answers = []
        let asked = self.rule == .own ? [self.membership.id] : self.registrars
        next.missing = Set(asked)
        self.claims[id] = next
        let body: JSONObject = [
            "type": "grant", "name": .string(claim.name), "addr": .string(claim.address),
            "token": .int(token),
        ]
        return self.ask(id, body, asked)
    }

    private mutating func conclude(
        _ id: Int, _ claim: Claim, at now: Duration
    ) -> [Effect] {
        let granted = claim.answers.count { $0.type == "granted" }
        let isOwner =
            switch self.rule {
            case .majority: granted * 2 > self.registrars.count
            case .reachable, .own: granted > 0 && granted == claim.answers.count
            }
        guard isOwner, let token = claim.token else {
            return self.giveUp(id, claim, .transactionConflict, "somebody was faster")
        }
        self.claims[id] = nil
        let news: [Effect] = self.rule == .own ? self.tellOwners(at: now) : []
        return [.reply(to: claim.request, ["type": "register_ok", "token": .int(token)])] + news
    }

    private mutating func giveUp(
        _ id: Int, _ claim: Claim, _ code: ErrorCode, _ reason: String
    ) -> [Effect] {
        self.claims[id] = nil
        let drops: [Effect] =
            claim.token.map { token in
                self.registrars.map { .send(to: $0, Self.drop(claim.name, token)) }
            } ?? []
        return drops + [.error(to: claim.request, code, reason)]
    }

    private mutating func grant(
        _ name: String, _ token: Int64, _ message: Message, at now: Duration
    ) -> [Effect] {
        guard let address = message["addr"]?.stringValue,
            self.table.lend(name, to: address, token, at: now)
        else { return [.reply(to: message, ["type": "taken"])] }
        let record: JSONValue = [
            "name": .string(name), "addr": .string(address), "token": .int(token),
        ]
        return [.append(record), .reply(to: message, ["type": "granted"])]
    }

    private static func drop(_ name: String, _ token: Int64) -> JSONObject {
        ["type": "drop", "name": .string(name), "token": .int(token)]
    }

    // MARK: To find out about two owners

    /// Tells the others of the owners that this node knows.
    private func tellOwners(at now: Duration) -> [Effect] {
        let owners = self.table.names(at: now).compactMap { name in
            self.table.owner(of: name, at: now).map {
                JSONValue.array([.string(name), .string($0.address), .int($0.token)])
            }
        }
        if owners.isEmpty || self.membership.id == self.guardian { return [] }
        return self.registrars.filter { $0 != self.membership.id }.map {
            .send(to: $0, ["type": "held", "owners": .array(owners)])
        }
    }

    private mutating func take(owners message: Message, at now: Duration) -> [Effect] {
        for owner in message["owners"]?.arrayValue ?? [] {
            guard let parts = owner.arrayValue, parts.count == 3, let name = parts[0].stringValue,
                let address = parts[1].stringValue, let token = parts[2].intValue
            else { continue }
            self.table.note(name, address, token, at: now)
        }
        return []
    }

    // MARK: The resource

    /// Passes an owner's write on, unless a newer owner is known: then this one is told to stop.
    private mutating func write(_ name: String, _ token: Int64, _ request: Message) -> [Effect] {
        if self.isFenced, token < self.table.token(of: name) {
            return [.error(to: request, .preconditionFailed, "another one has the name now")]
        }
        let body: JSONObject = ["type": "store", "name": .string(name), "token": .int(token)]
        return self.call(self.guardian, body, .once(within: .milliseconds(500))) { _, answer, _ in
            switch answer {
            case .reply: [.reply(to: request, ["type": "write_ok"])]
            case .error(let code, let text): [.error(to: request, code, text)]
            case .timeout: [.error(to: request, .timeout, "the resource did not answer")]
            }
        }
    }

    /// Whoever guards the resource asks nobody: a token below one that has written belongs to the past.
    private mutating func store(_ name: String, _ token: Int64, _ message: Message) -> [Effect] {
        let largest = self.written[name] ?? 0
        if self.isFenced, token < largest {
            let sentence = "token \(token) is older than \(largest)"
            return [.error(to: message, .preconditionFailed, sentence)]
        }
        self.written[name] = max(largest, token)
        return [
            .append(["name": .string(name), "token": .int(token)]),
            .reply(to: message, ["type": "store_ok"]),
        ]
    }
}
