// What can be done to a link. Names and parameters follow tc-netem(8) and Chaos Mesh; stream faults
// follow Toxiproxy.

/// The kinds of faults, by their names in files and commands.
package enum FaultKind: String, CaseIterable, Sendable {
    case delay, loss, duplicate, reorder, corrupt, rate, slicer
    case limitData = "limit_data"
    case slowClose = "slow_close"
    case resetPeer = "reset_peer"
    case timeout
    case acceptDelay = "accept_delay"
    case refuse
    case ackLoss = "ack_loss"
    case coalesce
}

/// One impairment of one kind, with its parameters.
package enum Fault: Hashable, Sendable {
    /// Each chunk, message or packet arrives later.
    case delay(Delay)
    /// Blocks of a raw stream come late by retransmission; messages vanish.
    case loss(Loss)
    /// Messages are delivered twice.
    case duplicate(MessageFault)
    /// Messages are held back so that later ones overtake them.
    case reorder(Reorder)
    /// Bits are flipped.
    case corrupt(Corrupt)
    /// A token bucket with back-pressure.
    case rate(Rate)
    /// Chunks are written in small pieces.
    case slicer(Slicer)
    /// The connection closes after exactly this many bytes of this direction.
    case limitData(ByteCount)
    /// The end of the stream is passed on this much later.
    case slowClose(Duration)
    /// The connection is reset this long after its first bytes or end in this direction.
    case resetPeer(after: Duration)
    /// Nothing passes; the connection closes once no byte came for this long (zero: never).
    case timeout(after: Duration)
    /// New connections wait this long before they reach the target.
    case acceptDelay(Duration)
    /// New connections are refused.
    case refuse
    /// A request is delivered, its reply suppressed, then the connection reset.
    case ackLoss(MessageFault)
    /// Bytes are held back to be written together, at most this long.
    case coalesce(hold: Duration)

    /// The fault's kind.
    package var kind: FaultKind {
        switch self {
        case .delay: .delay
        case .loss: .loss
        case .duplicate: .duplicate
        case .reorder: .reorder
        case .corrupt: .corrupt
        case .rate: .rate
        case .slicer: .slicer
        case .limitData: .limitData
        case .slowClose: .slowClose
        case .resetPeer: .resetPeer
        case .timeout: .timeout
        case .acceptDelay: .acceptDelay
        case .refuse: .refuse
        case .ackLoss: .ackLoss
        case .coalesce: .coalesce
        }
    }

    /// The messages this fault is limited to, if it is.
    package var match: MessageMatch? {
        switch self {
        case .delay(let delay): delay.match
        case .loss(let loss): loss.match
        case .duplicate(let fault), .ackLoss(let fault): fault.match
        case .reorder(let reorder): reorder.match
        case .corrupt(let corrupt): corrupt.match
        default: nil
        }
    }

    /// Whether the fault has no meaning on a stream without messages.
    package var needsFraming: Bool {
        switch self {
        case .duplicate, .reorder, .ackLoss: true
        case .delay(let delay) where delay.order == .free: true
        default: self.match != nil
        }
    }

    /// Whether the fault leaves connections of a framing alive. On HTTP/2 no message may come twice or
    /// overtake another: streams are opened in order and once (RFC 9113 section 5.1.1).
    package func isPossible(in framing: Framing) -> Bool {
        guard framing == .http2 else { return true }
        switch self {
        case .duplicate, .reorder: return false
        case .delay(let delay): return delay.order == .kept
        default: return true
        }
    }

    /// Whether the fault can be one of packets, in which nothing is looked for.
    package var isForPackets: Bool {
        if let match = self.match, match.type != nil || !match.fields.isEmpty { return false }
        switch self {
        case .delay, .loss, .duplicate, .reorder, .corrupt, .rate, .refuse: return true
        case .slicer, .limitData, .slowClose, .resetPeer, .timeout, .acceptDelay, .ackLoss,
            .coalesce:
            return false
        }
    }

    /// The shapes that a delay's spread can have (`tc-netem(8)`, distribution).
    package enum DistributionName: String, CaseIterable, Sendable {
        case uniform, normal, pareto, paretonormal, exponential, table
    }

    /// Parameters of `delay`.
    package struct Delay: Hashable, Sendable {
        /// The mean, 0 or more.
        package var latency: Duration
        /// The spread around it.
        package var jitter: Duration = .zero
        /// The shape of the spread.
        package var distribution: DistributionName = .uniform
        /// How much each draw follows the one before.
        package var correlation: Ratio = .zero
        /// The table of `distribution: table`, in units of 1/8192 standard deviations.
        package var table: [Int16] = []
        /// Whether messages stay in order.
        package var order: Order = .kept
        /// The messages it is limited to.
        package var match: MessageMatch?

        /// What becomes of the order of messages whose delays differ.
        package enum Order: String, CaseIterable, Sendable {
            /// One that comes later also leaves later, as on a TCP connection.
            case kept
            /// Each leaves when its own time has come, as packets do, and messages in Maelstrom.
            case free
        }

        /// Makes a delay.
        package init(
            latency: Duration, jitter: Duration = .zero, distribution: DistributionName = .uniform,
            correlation: Ratio = .zero, table: [Int16] = [], order: Order = .kept,
            match: MessageMatch? = nil
        ) {
            self.latency = latency
            self.jitter = jitter
            self.distribution = distribution
            self.correlation = correlation
            self.table = table
            self.order = order
            self.match = match
        }
    }

    /// When a fault on messages or blocks strikes.
    package enum Occurrence: Hashable, Sendable {
        /// With this probability; `correlation` makes each draw follow the one before.
        case random(Ratio, correlation: Ratio)
        /// At exactly the nth matching message or block of the link since injection, from 1.
        case nth(Int)
    }

    /// Parameters of `loss`.
    package struct Loss: Hashable, Sendable {
        /// How losses fall.
        package var model: LossModel
        /// The messages it is limited to.
        package var match: MessageMatch?

        /// Makes a loss.
        package init(_ model: LossModel, match: MessageMatch? = nil) {
            self.model = model
            self.match = match
        }
    }

    /// How losses fall.
    package enum LossModel: Hashable, Sendable {
        case plain(Occurrence)
        /// Two states with their own loss (Gilbert 1960, Elliott 1963; `tc-netem(8)`, gemodel).
        case gilbertElliott(GilbertElliott)
    }

    /// The parameters of the Gilbert-Elliott model as `tc` takes them.
    package struct GilbertElliott: Hashable, Sendable {
        /// The probability of going from the good to the bad state.
        package var p: Ratio
        /// The probability of going back.
        package var r: Ratio
        /// The loss in the bad state, `1-h`.
        package var lossInBad: Ratio
        /// The loss in the good state, `1-k`.
        package var lossInGood: Ratio

        /// Makes a model; by default everything is lost in the bad state and nothing in the good.
        package init(p: Ratio, r: Ratio, lossInBad: Ratio = .one, lossInGood: Ratio = .zero) {
            self.p = p
            self.r = r
            self.lossInBad = lossInBad
            self.lossInGood = lossInGood
        }
    }

    /// Parameters of `duplicate` and `ack_loss`.
    package struct MessageFault: Hashable, Sendable {
        /// When it strikes.
        package var occurrence: Occurrence
        /// The messages it is limited to.
        package var match: MessageMatch?

        /// Makes a fault.
        package init(_ occurrence: Occurrence, match: MessageMatch? = nil) {
            self.occurrence = occurrence
            self.match = match
        }
    }

    /// Parameters of `reorder`.
    package struct Reorder: Hashable, Sendable {
        /// When it strikes.
        package var occurrence: Occurrence
        /// How many later messages overtake a held one at most; `nil` leaves it to the time.
        package var gap: Int?
        /// How long a message is held at most.
        package var hold: Duration
        /// The messages it is limited to.
        package var match: MessageMatch?

        /// Makes a reordering; a held message waits for one later message, at most 100 ms.
        package init(
            _ occurrence: Occurrence, gap: Int? = 1, hold: Duration = .milliseconds(100),
            match: MessageMatch? = nil
        ) {
            self.occurrence = occurrence
            self.gap = gap
            self.hold = hold
            self.match = match
        }
    }

    /// Parameters of `corrupt`.
    package struct Corrupt: Hashable, Sendable {
        /// When it strikes.
        package var occurrence: Occurrence
        /// How many bits are flipped, 1 or more.
        package var bits: Int
        /// The messages it is limited to.
        package var match: MessageMatch?

        /// Makes a corruption of one bit.
        package init(_ occurrence: Occurrence, bits: Int = 1, match: MessageMatch? = nil) {
            self.occurrence = occurrence
            self.bits = bits
            self.match = match
        }
    }

    /// Parameters of `rate`.
    package struct Rate: Hashable, Sendable {
        /// The speed.
        package var bandwidth: Bandwidth
        /// How much may pass at once after a pause.
        package var burst: ByteCount
        /// How much may wait in the queue of one direction.
        package var limit: ByteCount?
        /// Whether connections share the bandwidth or each has its own.
        package var scope: Scope

        /// What the bandwidth belongs to.
        package enum Scope: String, CaseIterable, Sendable { case link, connection }

        /// Makes a rate.
        package init(
            _ bandwidth: Bandwidth, burst: ByteCount = ByteCount(4096), limit: ByteCount? = nil,
            scope: Scope = .link
        ) {
            self.bandwidth = bandwidth
            self.burst = burst
            self.limit = limit
            self.scope = scope
        }
    }

    /// Parameters of `slicer`.
    package struct Slicer: Hashable, Sendable {
        /// The mean size of a piece, 1 byte or more.
        package var averageSize: ByteCount
        /// Sizes vary by up to this much either way; less than the mean.
        package var sizeVariation: ByteCount
        /// The pause after each piece.
        package var delay: Duration

        /// Makes a slicer.
        package init(
            averageSize: ByteCount, sizeVariation: ByteCount = ByteCount(0), delay: Duration = .zero
        ) {
            self.averageSize = averageSize
            self.sizeVariation = sizeVariation
            self.delay = delay
        }
    }
}

/// Limits a fault to some messages.
package struct MessageMatch: Hashable, Sendable {
    /// The message's type: JSON `body.type` or `type`, RESP command, HTTP method.
    package var type: String?
    /// Fields, by dotted path, that must equal a text.
    package var fields: [FieldEquals] = []
    /// Only what the opener of a connection sends, or only what comes back.
    package var direction: Direction?
    /// Only the nth message that matches otherwise, from 1.
    package var nth: Int?
    /// Only the first so many messages that match otherwise.
    package var first: Int?
    /// Only messages behind the first so many that match otherwise.
    package var after: Int?

    /// A field and the text it must equal.
    package struct FieldEquals: Hashable, Sendable {
        /// The dotted path, such as `body.key`.
        package var path: String
        /// The text; numbers and truth values compare by their JSON text.
        package var value: String

        /// Makes a condition.
        package init(path: String, value: String) {
            self.path = path
            self.value = value
        }
    }

    /// Which way a message goes on its connection.
    package enum Direction: String, CaseIterable, Sendable { case request, reply }

    /// Matches every message.
    package init(
        type: String? = nil, fields: [FieldEquals] = [], direction: Direction? = nil,
        nth: Int? = nil, first: Int? = nil, after: Int? = nil
    ) {
        self.type = type
        self.fields = fields
        self.direction = direction
        self.nth = nth
        self.first = first
        self.after = after
    }
}
