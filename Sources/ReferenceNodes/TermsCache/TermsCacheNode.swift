import ChaosCore
import NodeKit

/// A cache that one process owns, on the first node of the cluster; the others ask it.
///
///     put{key, value, ttl} -> put_ok     ttl in milliseconds, or without one for ever
///     get{key}             -> get_ok{value}     null where there is nothing
///     stats                -> stats_ok{entries}
///
/// Its administrator can also set its clock: set_clock{jump}, in milliseconds, forward or back.
///
/// The owner's clock decides what has expired: the one that only goes forward, unless a variant takes the
/// machine's, which somebody may set.
struct TermsCacheNode: CallingNode {
    struct Flaws: OptionSet, Sendable {
        let rawValue: Int
        /// A put is acknowledged as soon as it is on its way to the owner.
        static let castsPuts = Flaws(rawValue: 1)
        /// Expiry is a date of the machine's clock.
        static let trustsTheDate = Flaws(rawValue: 2)
    }

    /// How often what has expired is taken, as in the course.
    private static let sweepInterval = Duration.seconds(5)
    private static let sweepTimer = "sweep"
    private static let valueMax = 1 << 20

    private let flaws: Flaws
    private var table: CacheTable
    private var owner: String?
    private var id = ""
    /// What the machine's clock showed when the node's time began.
    private var date = Duration.zero
    var calls = Calls<TermsCacheNode>()

    init(_ flaws: Flaws = [], table: CacheTable.Flaws = []) {
        self.flaws = flaws
        self.table = CacheTable(table)
    }

    mutating func receive(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.id = membership.id
            self.owner = membership.members.first
            self.date = membership.life.date
            return self.isOwner ? [.setTimer(Self.sweepTimer, after: Self.sweepInterval)] : []
        case .timer:
            self.table.sweep(at: self.time(now))
            return [.setTimer(Self.sweepTimer, after: Self.sweepInterval)]
        case .message(let request):
            switch request.type {
            case "put", "get", "stats":
                return self.isOwner ? self.serve(request, at: now) : self.passOn(request)
            case "set_clock" where request.source == Administration.name:
                self.date += .milliseconds(request["jump"]?.intValue ?? 0)
                return [.reply(to: request, ["type": "set_clock_ok"])]
            default: return [.unsupported(request)]
            }
        }
    }

    private var isOwner: Bool { self.owner == self.id }

    private func time(_ now: Duration) -> Duration {
        self.flaws.contains(.trustsTheDate) ? self.date + now : now
    }

    private mutating func serve(_ request: Message, at now: Duration) -> [Effect] {
        let key = request["key"] ?? nil
        switch request.type {
        case "put":
            let value = request["value"] ?? nil
            if value.text.utf8.count > Self.valueMax {
                return [
                    .error(
                        to: request, .malformedRequest, "a value has at most \(Self.valueMax) bytes"
                    )
                ]
            }
            let lifetime = request["ttl"]?.intValue.map { Duration.milliseconds($0) }
            self.table.put(value, under: key, for: lifetime, at: self.time(now))
            return [.reply(to: request, ["type": "put_ok"])]
        case "get":
            let value = self.table.get(key, at: self.time(now)) ?? nil
            return [.reply(to: request, ["type": "get_ok", "value": value])]
        default:
            let count = Int64(self.table.count)
            return [.reply(to: request, ["type": "stats_ok", "entries": .int(count)])]
        }
    }

    /// Asks the owner, and hands on what it says.
    private mutating func passOn(_ request: Message) -> [Effect] {
        guard let owner = self.owner else { return [] }
        var body = request.body
        body["msg_id"] = nil
        if request.type == "put" && self.flaws.contains(.castsPuts) {
            return [.send(to: owner, body), .reply(to: request, ["type": "put_ok"])]
        }
        // Once: a put that comes a second time would live longer than it should, or again.
        return self.call(owner, body, .once(within: .seconds(2))) { _, answer, _ in
            switch answer {
            case .reply(let message):
                var body = message.body
                body["in_reply_to"] = nil
                return [.reply(to: request, body)]
            case .error(let code, let text): return [.error(to: request, code, text)]
            case .timeout:
                return [.error(to: request, .timeout, "the owner does not answer")]
            }
        }
    }
}
