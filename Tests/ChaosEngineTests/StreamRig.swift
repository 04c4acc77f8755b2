import ChaosCore
import ChaosEngine
import Testing

/// One connection from n1 to n2 in a network of three nodes, with a hand-made clock: the test plays
/// both sockets and sees what leaves and when.
///
/// ``seen(_:)`` shows a direction as a list of `TIME TEXT`, the time in milliseconds: `0 abc`,
/// `100.5 |` for the end of the stream. `reset` and `close` end both directions.
final class StreamRig {
    static let link = Link("n1", "n2", "peer")

    let network: Network
    let connection: Connection<ByteArray>
    private(set) var now: Instant
    private(set) var events: [Event] = []
    private(set) var journal: [JournalEntry] = []
    private var isReady: [Direction: Bool] = [.forward: true, .backward: true]
    private var injected = 0

    struct Event {
        let at: Instant
        /// `nil` for what ends both directions.
        let direction: Direction?
        let bytes: [UInt8]
        let mark: String
    }

    init(
        framing: Framing = .none, seed: UInt64 = 1, queueLimit: Int = 16 << 20,
        messageLimit: Int = 16 << 20, prepare: (Network) -> Void = { _ in }
    ) {
        self.network = Network(
            seed: Seed(seed), nodes: ["n1", "n2", "n3"], framing: ["peer": framing],
            queueLimit: ByteCount(queueLimit))
        prepare(self.network)
        self.now = .start
        self.connection = Connection(
            over: Self.link, in: self.network, at: .start, messageLimit: messageLimit)
        self.connection.setReady(.forward, true)
        self.connection.setReady(.backward, true)
    }

    /// One more connection in the network of another.
    private init(sharing other: StreamRig) {
        self.network = other.network
        self.now = other.now
        self.connection = Connection(over: Self.link, in: other.network, at: other.now)
        self.connection.setReady(.forward, true)
        self.connection.setReady(.backward, true)
    }

    func another() -> StreamRig { StreamRig(sharing: self) }

    // MARK: - Stages

    convenience init(stages: [Stage]) {
        self.init { $0.setStages(stages, on: Self.link, seed: Seed(1)) }
    }

    func setStages(_ stages: [Stage]) {
        self.network.setStages(stages, on: Self.link, seed: Seed(1))
        self.networkChanged()
    }

    /// Goes on for so many milliseconds.
    func advance(_ milliseconds: Double) {
        self.advance(to: Double(self.now.nanoseconds) / 1e6 + milliseconds)
    }

    // MARK: - The network

    @discardableResult
    func inject(_ fault: Fault, on links: String = "n1->n2", id: String? = nil) -> Injection {
        self.injected += 1
        let injection = self.network.inject(
            fault, on: Self.pattern(links), id: id ?? "f\(self.injected)", origin: .control,
            at: self.now)
        self.networkChanged()
        return injection
    }

    /// Changes a fault: what was there is replaced in one step.
    @discardableResult
    func change(_ id: String, to fault: Fault, on links: String = "n1->n2") -> Injection {
        self.network.removeInjections { $0.id == id }
        return self.inject(fault, on: links, id: id)
    }

    func remove(_ id: String) {
        self.network.removeInjections { $0.id == id }
        self.networkChanged()
    }

    @discardableResult
    func cut(
        _ pairs: [(NodeName, NodeName)], _ mode: PartitionMode, port: PortName? = nil,
        id: String = "cut"
    ) -> Cut {
        let cut = self.network.cut(
            pairs.map { DirectedPair($0.0, $0.1) }, text: id, mode: mode, port: port, id: id,
            origin: .control, at: self.now)
        self.networkChanged()
        return cut
    }

    @discardableResult
    func heal(_ id: String = "cut") -> [Cut] {
        let healed = self.network.heal { $0.id == id }
        self.networkChanged()
        return healed
    }

    private func networkChanged() {
        self.connection.networkChanged(at: self.now)
        self.pump()
    }

    static func pattern(_ text: String) -> LinkPattern {
        guard let pattern = try? LinkPattern(parsing: text) else {
            preconditionFailure("'\(text)' is no pattern of links")
        }
        return pattern
    }

    // MARK: - The sockets

    func send(_ text: String, _ direction: Direction = .forward) {
        self.send(Array(text.utf8), direction)
    }

    func send(_ bytes: [UInt8], _ direction: Direction = .forward) {
        if self.isReady[direction] == true, self.connection.passes(bytes.count, direction) {
            self.connection.wrote(bytes.count, direction)
            self.events.append(
                Event(at: self.now, direction: direction, bytes: bytes, mark: ""))
        } else {
            self.connection.received(ByteArray(bytes), direction, at: self.now)
        }
        self.pump()
    }

    func end(_ direction: Direction = .forward) {
        self.connection.ended(direction, at: self.now)
        self.pump()
    }

    func reset(_ leg: Leg) {
        self.connection.wasReset(leg, at: self.now)
        self.pump()
    }

    func setReady(_ direction: Direction, _ isReady: Bool) {
        self.isReady[direction] = isReady
        self.connection.setReady(direction, isReady)
        self.pump()
    }

    // MARK: - Time

    /// Goes on to a time in milliseconds, stopping wherever the engine asked to be woken.
    func advance(to milliseconds: Double) {
        let target = Instant(nanoseconds: Int64((milliseconds * 1e6).rounded()))
        while self.connection.deadline <= target {
            // Whoever asks to be woken in the past would be asked for ever.
            if self.connection.deadline <= self.now { break }
            self.now = max(self.now, self.connection.deadline)
            self.pump()
        }
        self.now = target
        self.pump()
    }

    private func pump() {
        var count = 0
        while let action = self.connection.nextAction(at: self.now) {
            count += 1
            if count > 1_000_000 {
                Issue.record("the engine never comes to rest at \(self.now)")
                return
            }
            switch action {
            case .write(let direction, let bytes):
                #expect(self.isReady[direction] == true, "a write to a full socket")
                #expect(bytes.count > 0, "a write of nothing")
                self.connection.wrote(bytes.count, direction)
                self.events.append(
                    Event(at: self.now, direction: direction, bytes: bytes.bytes, mark: ""))
            case .closeWriting(let direction):
                self.events.append(
                    Event(at: self.now, direction: direction, bytes: [], mark: "|"))
            case .reset:
                self.events.append(Event(at: self.now, direction: nil, bytes: [], mark: "reset"))
            case .close:
                self.events.append(Event(at: self.now, direction: nil, bytes: [], mark: "close"))
            }
        }
        #expect(self.connection.deadline > self.now, "asks to be woken in the past")
        for direction in Direction.allCases {
            let counters = self.connection.counters(direction)
            #expect(counters.areConserved, "bytes are not conserved: \(counters)")
        }
        self.journal += self.network.takeJournal()
    }

    // MARK: - What was seen

    /// What left at one direction's end, with times; bytes of one instant are put together.
    func seen(_ direction: Direction = .forward) -> [String] {
        var lines: [(at: Instant, text: String)] = []
        for event in self.events where event.direction == direction || event.direction == nil {
            let bytes = String(decoding: event.bytes, as: UTF8.self)
            let text = event.mark.isEmpty ? bytes : event.mark
            if event.mark.isEmpty, let last = lines.last, last.at == event.at {
                lines[lines.count - 1].text += text
            } else {
                lines.append((event.at, text))
            }
        }
        return lines.map { "\(Self.milliseconds($0.at)) \($0.text)" }
    }

    static func milliseconds(_ instant: Instant) -> String {
        let (whole, rest) = instant.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000)
        if rest == 0 { return "\(whole)" }
        return "\(Double(instant.nanoseconds) / 1e6)"
    }

    /// All bytes that left at one direction's end.
    func output(_ direction: Direction = .forward) -> [UInt8] {
        self.events.filter { $0.direction == direction }.flatMap(\.bytes)
    }

    /// All bytes that left, as text.
    func text(_ direction: Direction = .forward) -> String {
        String(decoding: self.output(direction), as: UTF8.self)
    }

    /// The sizes of the writes of one direction.
    func sizes(_ direction: Direction = .forward) -> [Int] {
        self.events.filter { $0.direction == direction && $0.mark.isEmpty }.map(\.bytes.count)
    }

    /// The instants at which bytes of one direction left, in milliseconds.
    func times(_ direction: Direction = .forward) -> [Double] {
        var times: [Double] = []
        for event in self.events where event.direction == direction && event.mark.isEmpty {
            let time = Double(event.at.nanoseconds) / 1e6
            if times.last != time { times.append(time) }
        }
        return times
    }

    /// How many bytes of one direction left at each instant at which some did.
    func sizesByInstant(_ direction: Direction = .forward) -> [Int] {
        var sizes: [(at: Instant, size: Int)] = []
        for event in self.events where event.direction == direction && event.mark.isEmpty {
            if let last = sizes.last, last.at == event.at {
                sizes[sizes.count - 1].size += event.bytes.count
            } else {
                sizes.append((event.at, event.bytes.count))
            }
        }
        return sizes.map(\.size)
    }

    /// The journal's decisions without their times.
    var decisions: [String] {
        self.journal.filter { $0.event == "decision" }.map { JSONValue.object($0.details).text }
    }

    /// The sentences of the journal's warnings.
    var warnings: [String] {
        self.journal.filter { $0.event == "warning" }
            .compactMap { $0.details["message"]?.stringValue }
    }
}

extension Array where Element == UInt8 {
    /// Bytes that tell their offset, so that a wrong order shows.
    static func pattern(_ count: Int, from offset: Int = 0) -> [UInt8] {
        let begin = offset % Self.period.count
        let first = Self.period[begin..<Swift.min(begin + count, Self.period.count)]
        var bytes = Array(first)
        while bytes.count < count { bytes += Self.period.prefix(count - bytes.count) }
        return bytes
    }

    // The pattern repeats after a prime number of bytes.
    private static let period: [UInt8] = (0..<65_521).map {
        UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8)
    }
}
