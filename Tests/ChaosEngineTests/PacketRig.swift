import ChaosCore
import ChaosEngine

/// Bytes of a packet as these tests hold them.
struct TestPacket: PacketContent {
    var bytes: [UInt8]

    mutating func flip(_ bits: [Int]) {
        for bit in bits { self.bytes[bit / 8] ^= 1 << UInt8(bit % 8) }
    }
}

/// The link n1->n2 in a network of three nodes with a hand-made clock: the test sends packets and sees
/// which arrive and when, as `TIME TEXT` in milliseconds.
final class PacketRig {
    static let link = Link("n1", "n2", "gossip")

    let network: Network
    let pipeline: PacketPipeline
    private(set) var flow: PacketFlow
    private(set) var now = Instant.start
    private(set) var arrived: [(at: Instant, packet: Packet)] = []
    private(set) var journal: [JournalEntry] = []
    private var injected = 0

    init(seed: UInt64 = 1, queueLimit: Int = 16 << 20) {
        self.network = Network(
            seed: Seed(seed), nodes: ["n1", "n2", "n3"], queueLimit: ByteCount(queueLimit))
        self.pipeline = PacketPipeline(of: self.network.state(of: Self.link))
        self.flow = PacketFlow(over: Self.link, in: self.network, tag: 0, at: .start)
    }

    /// What arrived, in order.
    var seen: [String] {
        self.arrived.map { Self.milliseconds($0.at) + " " + Self.text($0.packet) }
    }

    /// The texts of what arrived, in order.
    var texts: [String] { self.arrived.map { Self.text($0.packet) } }

    private static func text(_ packet: Packet) -> String {
        guard let content = packet.content as? TestPacket else { return "?" }
        return String(decoding: content.bytes, as: UTF8.self)
    }

    private static func milliseconds(_ instant: Instant) -> String {
        let (whole, rest) = instant.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000)
        if rest == 0 { return String(whole) }
        var digits = String(rest + 1_000_000).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return "\(whole).\(digits)"
    }

    @discardableResult
    func inject(_ fault: Fault, on links: String = "n1->n2") throws -> Injection {
        self.injected += 1
        return self.network.inject(
            fault, on: try LinkPattern(parsing: links), id: "f\(self.injected)", origin: .control,
            at: self.now)
    }

    @discardableResult
    func cut(_ mode: PartitionMode, _ pairs: [DirectedPair] = [DirectedPair("n1", "n2")]) -> Cut {
        self.injected += 1
        return self.network.cut(
            pairs, text: "n1 -> n2", mode: mode, port: nil, id: "c\(self.injected)",
            origin: .control, at: self.now)
    }

    func heal() { self.network.heal { _ in true } }

    /// Goes on with a new flow over the link; the old one is as it was.
    func openFlow() -> PacketFlow {
        self.flow = PacketFlow(over: Self.link, in: self.network, tag: 0, at: self.now)
        return self.flow
    }

    func send(_ text: String, of flow: PacketFlow? = nil) { self.send(Array(text.utf8), of: flow) }

    func send(_ bytes: [UInt8], of flow: PacketFlow? = nil) {
        self.pipeline.received(
            Packet(TestPacket(bytes: bytes), size: bytes.count, of: flow ?? self.flow, .forward),
            at: self.now)
        self.drain()
    }

    /// Lets time go by, looking whenever the pipeline asks for it and at the end.
    func run(_ milliseconds: Double) {
        let end = self.now.advanced(byNanoseconds: Int64(milliseconds * 1_000_000))
        while self.pipeline.deadline <= end {
            self.now = max(self.now, self.pipeline.deadline)
            self.drain()
        }
        self.now = end
        self.drain()
    }

    /// Lets time go by without looking before its end.
    func sleep(_ milliseconds: Double) {
        self.now = self.now.advanced(byNanoseconds: Int64(milliseconds * 1_000_000))
        self.drain()
    }

    /// Looks at what a change has let go.
    func look() { self.drain() }

    private func drain() {
        while let packet = self.pipeline.next(at: self.now) {
            self.pipeline.sent(packet.size, of: packet.flow)
            self.arrived.append((self.now, packet))
        }
        self.journal += self.network.takeJournal()
    }

    func decisions(_ kind: FaultKind) -> [Int64] {
        self.journal.filter { $0.details["kind"]?.stringValue == kind.rawValue }
            .compactMap { $0.details["packet"]?.intValue }
    }
}
