import ChaosCore
import Crypto
import NodeKit

/// A node that tells others now and then whom it takes for alive, in one datagram, and believes what is newer than what it knows.
///
/// It speaks to anybody whose address it was given (the seeds), also to those that it takes for dead: they may have been, and be back.
struct MembershipNode: StreamNode {
    private static let timer = "gossip"

    private let flaws: Set<GossipMembership.Flaw>
    private var seeds: [String] = []
    private var secret = SymmetricKey(data: [UInt8]())
    private var randomness = Randomness(seed: 0, label: "")
    private var table = MemberTable(id: "", life: 0, believesHearsay: false, at: .zero)
    private var desk = MessageDesk()

    init(_ flaws: Set<GossipMembership.Flaw>) { self.flaws = flaws }

    mutating func handle(_ input: StreamInput, at now: Duration) -> [StreamEffect] {
        switch input {
        case .started(let start): return self.begin(start, at: now)
        case .timer:
            self.table.beat(at: now)
            return self.gossip()
        case .datagram(let bytes):
            self.take(bytes, at: now)
            return []
        case .received(let stream, let bytes):
            return self.desk.read(bytes, on: stream).flatMap { request in
                self.desk.answer(self.answer(request), on: stream)
            }
        case .ended(let stream, _):
            self.desk.forget(stream)
            return []
        case .opened: return []
        }
    }

    private mutating func begin(_ start: StreamStart, at now: Duration) -> [StreamEffect] {
        guard start.hasDatagrams else {
            return [.crash("gossip is in datagrams: add '--datagrams 127.0.0.1:7946'")]
        }
        self.seeds = start.others
        self.secret = SymmetricKey(data: Array(start.cookie.utf8))
        self.randomness = Randomness(seed: start.seed, label: start.id)
        self.table = MemberTable(
            id: start.id, life: Self.life(of: start),
            believesHearsay: self.flaws.contains(.believesHearsay), at: now)
        let word = self.word
        return self.seeds.map { .send(to: $0, word) } + [self.nextTimer()]
    }

    /// A number that is larger in each later life: counted in the node's folder, and only without one taken from the clock, which may have
    /// been set back.
    private static func life(of start: StreamStart) -> Int64 {
        start.start > 0 ? Int64(start.start) : start.date.wholeNanoseconds / 1000
    }

    private mutating func nextTimer() -> StreamEffect {
        .setTimer(Self.timer, after: self.randomness.jittered(GossipMembership.interval))
    }

    private mutating func gossip() -> [StreamEffect] {
        let known = self.table.living
        var others =
            self.flaws.contains(.announcesOnce)
            ? self.seeds.filter { known.contains($0) } : self.seeds
        let word = self.word
        var effects: [StreamEffect] = []
        while effects.count < GossipMembership.fanOut, let node = self.randomness.pick(others) {
            others.removeAll { $0 == node }
            effects.append(.send(to: node, word))
        }
        return effects + [self.nextTimer()]
    }

    // MARK: - Datagrams

    private var word: [UInt8] {
        let text = Array(self.table.gossip.text.utf8)
        return Self.seal(of: text, under: self.secret) + [UInt8(ascii: " ")] + text
    }

    private static func seal(of text: [UInt8], under secret: SymmetricKey) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        return HMAC<SHA256>.authenticationCode(for: text, using: secret).flatMap { byte in
            [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }

    /// Takes in a word of somebody's, unless it is no word or of another cluster.
    private mutating func take(_ bytes: [UInt8], at now: Duration) {
        guard let space = bytes.firstIndex(of: UInt8(ascii: " ")) else { return }
        let text = Array(bytes[(space + 1)...])
        if !self.flaws.contains(.ignoresSeals),
            Array(bytes[..<space]) != Self.seal(of: text, under: self.secret)
        {
            return
        }
        for entry in (try? JSONValue(parsing: text))?.arrayValue ?? [] {
            guard let parts = entry.arrayValue, parts.count == 3, let name = parts[0].stringValue,
                let life = parts[1].intValue, let heartbeat = parts[2].intValue
            else { continue }
            self.table.merge(name, life: life, heartbeat: heartbeat, at: now)
        }
    }

    // MARK: - Clients

    private func answer(_ request: Message) -> Effect {
        guard request.type == "members" else { return .unsupported(request) }
        let members = self.table.living.map { name -> JSONValue in
            ["node": .string(name), "life": .int(self.table.members[name]?.life ?? 0)]
        }
        return .reply(to: request, ["type": "members_ok", "members": .array(members)])
    }
}
