import ChaosCore
import NodeKit

/// A link shortener: links lie in Redis (`links:CODE`, views in `views:CODE`), and each node caches those that it has seen.
///
///     POST /        claims the code in Redis (``CallingNode/claim(_:as:hash:salt:whenTaken:then:)``) ──▶ 201, cached; or 422
///     GET /CODE     cache ──miss──▶ GET links:CODE ──▶ 302, cached; or 404, remembered for half a second
///
/// A link never changes, so what is cached is right for ever, whether Redis can be reached or not. That it was not there may change at any
/// moment. Who gets no answer to a POST asks again and gets the same code: creating is idempotent.
struct LinkShortenerNode: CallingNode {
    enum Flaw: Sendable {
        /// The cache has a link before Redis has said who has the code.
        case cachesFirst
        /// Refuses a code that is taken, by whatever URL.
        case refusesAgain
        /// Takes Redis's "no" for a "yes".
        case acknowledgesTaken
        /// Takes Redis's nothing for a URL.
        case findsNothing
        /// Has no cache.
        case neverCaches
        /// Remembers for ever what was not there.
        case remembersAbsence
    }

    /// How long it is remembered that a code is not there: long enough for a storm of requests, short enough for
    /// whoever creates the link next.
    private static let absenceLasts = Duration.milliseconds(500)

    private let hash: LinkCode
    private let flaw: Flaw?
    private var cache: [String: String] = [:]
    /// The codes that were not there, and until when that counts.
    private var absences: [String: Duration] = [:]
    /// Who waits for one and the same answer of Redis's: a storm of requests asks it once.
    private var lookups: [String: [HTTPRequest]] = [:]
    var calls = Calls<LinkShortenerNode>()

    init(_ hash: LinkCode, _ flaw: Flaw? = nil) {
        self.hash = hash
        self.flaw = flaw
    }

    mutating func receive(_ input: Input, at now: Duration) -> [Effect] {
        guard case .message(let message) = input else { return [] }
        guard let request = HTTPRequest(message) else { return [.unsupported(message)] }
        do {
            switch try LinkRequest(request) {
            case .create(let url, let code): return self.create(url, as: code, for: request)
            case .follow(let code): return self.follow(code, for: request, at: now)
            case .views(let code): return self.views(of: code, for: request)
            }
        } catch {
            return [error.answer]
        }
    }

    // MARK: Creating

    private mutating func create(
        _ url: String, as wish: String?, for request: HTTPRequest
    ) -> [Effect] {
        if self.flaw == .cachesFirst { self.cache[wish ?? self.hash.code(of: url)] = url }
        let rule: TakenRule =
            switch self.flaw {
            case .refusesAgain: .refuse
            case .acknowledgesTaken: .ignore
            default: .compare
            }
        return self.claim(url, as: wish, hash: self.hash, whenTaken: rule) { node, claim in
            switch claim {
            case .owned(let code):
                node.fill(code, with: url)
                return [.created(code, for: request)]
            case .taken: return [.notCreated(url, for: request)]
            case .unknown(let reason): return [.unavailable(reason, for: request)]
            }
        }
    }

    private mutating func fill(_ code: String, with url: String) {
        if self.flaw == .neverCaches { return }
        self.cache[code] = url
        self.absences[code] = nil
    }

    // MARK: Following

    private mutating func follow(
        _ code: String, for request: HTTPRequest, at now: Duration
    ) -> [Effect] {
        if let until = self.absences[code], now < until || self.flaw == .remembersAbsence {
            return [.leads(to: nil, for: request)]
        }
        if let url = self.cache[code] { return self.lead(request, to: url, code) }
        self.lookups[code, default: []].append(request)
        // Somebody has asked already.
        if self.flaw != .neverCaches, self.lookups[code]?.count ?? 0 > 1 { return [] }
        return self.redis(["GET", "links:\(code)"]) { node, answer, now in
            let waiting = node.lookups.removeValue(forKey: code) ?? []
            switch answer {
            case .value(let value):
                let url = value.stringValue ?? (node.flaw == .findsNothing ? "" : nil)
                if let url { node.fill(code, with: url) } else { node.noteAbsence(code, at: now) }
                return waiting.flatMap { node.lead($0, to: url, code) }
            case .refused(let reason), .unknown(let reason):
                return waiting.map { .unavailable(reason, for: $0) }
            }
        }
    }

    private mutating func noteAbsence(_ code: String, at now: Duration) {
        if self.flaw == .neverCaches { return }
        self.absences = self.absences.filter {
            $0.value > now || self.flaw == .remembersAbsence
        }
        self.absences[code] = now + Self.absenceLasts
    }

    /// Sends a visitor on, and counts the visit; nobody waits for the count.
    private mutating func lead(
        _ request: HTTPRequest, to url: String?, _ code: String
    ) -> [Effect] {
        let answer = Effect.leads(to: url, for: request)
        return url == nil ? [answer] : [answer] + self.countVisit(of: code)
    }
}
