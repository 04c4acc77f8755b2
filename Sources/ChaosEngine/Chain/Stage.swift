import ChaosCore

/// One step of a chain: what it does to the bytes of one direction, and to which connections.
package struct Stage: Hashable, Sendable {
    /// What a stage does.
    package enum Action: Hashable, Sendable {
        /// Nothing.
        case pass
        /// Each chunk leaves this much after it arrived; the jitter is uniform, in whole units between
        /// `-jitter` and `jitter - unit`, `unit` being a millisecond. Order is kept.
        case delay(milliseconds: Int64, jitter: Int64)
        /// Chunks leave at this many thousands of bytes a second, in pieces of a tenth of a second. At
        /// zero nothing leaves. All connections of the link may share one allowance.
        case rate(kilobytes: Int64, isShared: Bool)
        /// The end of the stream leaves this many milliseconds later.
        case delayEnd(milliseconds: Int64)
        /// Nothing leaves; the connection closes once nothing arrived for this long, if at all.
        case swallow(closeAfterMilliseconds: Int64)
        /// The connection is reset this many milliseconds after the first byte, or end, arrived.
        case reset(afterMilliseconds: Int64)
        /// Chunks are halved until they are about this size, with a pause behind each piece.
        case slice(average: Int, variation: Int, pauseMicroseconds: Int64)
        /// The connection closes after exactly this many bytes.
        case limit(bytes: Int64)
        /// Whole chunks vanish: the first probability after one that passed, the sum of both after one
        /// that vanished.
        case drop(probability: Double, correlation: Double)
        /// What the fault does to a stream, or to the messages that the framing finds. On a connection
        /// that is open already, the framing begins with the next byte.
        case fault(Fault, framing: Framing)
        /// What happens to HTTP/1 requests; needs `httpReplies` of the same identity the other way.
        case http(HTTPFault)
        /// The other half of `http`: gives answers in the target's place, and cuts answers short.
        case httpReplies
    }

    /// Unlike that of every other stage there ever was.
    package let identity: Int
    /// Grows with each update, even one that changes nothing.
    package let revision: Int
    /// From which the stage's draws derive.
    package let label: String
    /// The share of connections that it acts on, from 0 (none) to 1 (all).
    package let share: Double
    package let action: Action

    package init(
        identity: Int, revision: Int = 0, label: String, share: Double = 1, action: Action
    ) {
        self.identity = identity
        self.revision = revision
        self.label = label
        self.share = share
        self.action = action
    }

    /// Whether it acts on a connection for which this number was drawn.
    func isMeant(forDraw word: UInt64) -> Bool {
        if self.share <= 0 { return false }
        return self.share >= 1 || Double(word >> 11) * 0x1p-53 < self.share
    }
}

/// A stage on one link: what all its connections share.
package final class LinkStage {
    /// The stage as it is now.
    package private(set) var stage: Stage
    /// On how many connections it acted.
    package internal(set) var connections = 0
    /// On how many chunks and ends it acted.
    package internal(set) var hits = 0
    /// When all that a shared allowance has granted has left.
    var freeAt = Instant.start
    /// How many HTTP requests it was for since it was made or changed.
    var matched = 0
    /// Where its fault is in force, if it has one.
    private(set) var network: StageNetwork?
    private let seed: Seed

    init(_ stage: Stage, seed: Seed) {
        self.stage = stage
        self.seed = seed
        self.prepare()
    }

    func update(_ stage: Stage) {
        self.stage = stage
        self.freeAt = .start
        self.matched = 0
        self.prepare()
    }

    private func prepare() {
        guard case .fault(let fault, let framing) = self.stage.action else { return }
        if let network = self.network, network.framing == framing {
            network.set(fault)
        } else {
            self.network = StageNetwork(
                fault, framing: framing, seed: self.seed.derived("stage", self.stage.label))
        }
    }

    func takeEntries() -> [JournalEntry] { self.network?.takeEntries() ?? [] }
}
