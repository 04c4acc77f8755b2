import ChaosCore
import ChaosEngine
import ChaosProxy
import ChaosToxiproxy
import Foundation
import NIOConcurrencyHelpers

/// Carries out what the API asks with the data plane: each start of a proxy is a link of its own between
/// two nodes that exist for it alone, so names need no place in the network.
final class SocketPlane: ToxiproxyPlane {
    /// How long the address of a name may be looked up.
    private static let lookUpTime = Duration.seconds(1)

    private let proxy: Proxy
    private let seed: Seed
    /// The starts that are open, and the stages that each toxic of theirs became.
    private let starts = NIOLockedValueBox<[Int: Start]>([:])

    /// One start of a proxy.
    struct Start {
        let name: String
        let seed: Seed
        var toxics: [Toxic]
        var listen = ""
        let upstream: String
    }

    /// Given the last numbers of a start that is about to be closed.
    private let whenClosed = NIOLockedValueBox<(@Sendable ([StartTotals]) async -> Void)?>(nil)

    func onClose(_ body: @escaping @Sendable ([StartTotals]) async -> Void) {
        self.whenClosed.withLockedValue { $0 = body }
    }

    /// Whether a client whose upstream cannot be reached sees an end rather than a reset.
    private let endsUnreached: Bool

    init(proxy: Proxy, seed: Seed, endsUnreached: Bool) {
        self.proxy = proxy
        self.endsUnreached = endsUnreached
        self.seed = seed
    }

    /// The link of a start. What clients send goes over it, what servers send over its reverse.
    static func link(of id: Int) -> Link { Link("clients", NodeName("proxy-\(id)"), "tcp") }

    /// The start that a link belongs to, and whether what clients send goes over it.
    func start(of link: Link) -> (id: Int, start: Start, stream: ToxicStream)? {
        let isUpstream = link.source == "clients"
        let node = isUpstream ? link.target : link.source
        guard let id = Int(node.text.dropFirst("proxy-".count)),
            let start = self.starts.withLockedValue({ $0[id] })
        else { return nil }
        return (id, start, isUpstream ? .upstream : .downstream)
    }

    // MARK: - What the API asks

    func address(of host: String) async throws(PlaneFailure) -> String {
        do throws(PlaneFailure) {
            return try await HostAddress.find(host, within: Self.lookUpTime)
        } catch { throw PlaneFailure("lookup \(host): \(error.reason)") }
    }

    func open(_ proxy: PlaneProxy) async throws(PlaneFailure) -> String {
        let seed = self.seed.derived("proxy", proxy.name, String(proxy.start))
        let link = Self.link(of: proxy.id)
        self.starts.withLockedValue {
            $0[proxy.id] = Start(
                name: proxy.name, seed: seed, toxics: proxy.toxics, upstream: proxy.upstream)
        }
        do {
            // Who refuses everybody must have listened once to know its port.
            try await self.setStages(
                proxy.toxics.filter { $0.type != .down }, of: proxy.id, seed: seed)
            let upstream = Self.target(proxy.upstream)
            let bound = try await self.bind(
                link, proxy.listen, to: upstream, proxy.network
            ).description
            self.starts.withLockedValue { $0[proxy.id]?.listen = bound }
            if proxy.toxics.contains(where: { $0.type == .down }) {
                try await self.setStages(proxy.toxics, of: proxy.id, seed: seed)
            }
            return bound
        } catch {
            await self.close(proxy.id)
            throw PlaneFailure(Self.reason(error))
        }
    }

    private func bind(
        _ link: Link, _ listen: ListenAddress, to upstream: Endpoint, _ network: ProxyNetwork
    ) async throws -> Endpoint {
        let endpoint: Endpoint
        switch listen {
        case .unix(let path): endpoint = .unix(path: path)
        case .tcp(let host, let port):
            // Go listens on both families when asked for all addresses of either.
            let isEvery = host == nil || host == "0.0.0.0"
            endpoint = .tcp(host: isEvery ? "::" : host ?? "::", port: port)
        }
        let bound = try await self.proxy.open([
            ProxiedLink(
                link: link, listen: endpoint, upstream: upstream,
                transport: network == .udp ? .datagrams : .stream,
                endsUnreached: self.endsUnreached)
        ])
        return bound.first ?? endpoint
    }

    func close(_ id: Int) async {
        if let tell = self.whenClosed.withLockedValue({ $0 }) {
            await tell(await self.totals().filter { $0.id == id })
        }
        let prefix = "\(Self.link(of: id)) "
        _ = try? await self.proxy.change { network, _ in
            network.removeInjections { $0.id.hasPrefix(prefix) }.count
        }
        // A proxy that is closed has closed this one too.
        try? await self.proxy.close([Self.link(of: id)])
        _ = self.starts.withLockedValue { $0.removeValue(forKey: id) }
    }

    /// What has gone through each start so far.
    func totals() async -> [StartTotals] {
        let starts = self.starts.withLockedValue { $0 }
        let totals = try? await self.proxy.inspect { network, _ in
            starts.sorted { $0.key < $1.key }.map { id, start in
                let forward = network.state(of: Self.link(of: id))
                let backward = network.state(of: Self.link(of: id).reversed)
                return StartTotals(
                    id: id, name: start.name, listen: start.listen, upstream: start.upstream,
                    openConnections: forward.connectionsOpen,
                    connections: forward.connectionsOpened,
                    received: [
                        .upstream: forward.bytesReceived, .downstream: backward.bytesReceived,
                    ],
                    sent: [
                        .upstream: forward.bytesDelivered, .downstream: backward.bytesDelivered,
                    ],
                    hits: start.toxics.compactMap { toxic in
                        let stages = toxic.stream == .upstream ? forward.stages : backward.stages
                        guard
                            let stage = stages.first(where: { $0.stage.identity == toxic.identity })
                        else { return nil }
                        return (toxic, stage.hits, stage.connections)
                    })
            }
        }
        return totals ?? []
    }

    func apply(_ toxics: [Toxic], to id: Int) async {
        let seed = self.starts.withLockedValue { starts in
            starts[id]?.toxics = toxics
            return starts[id]?.seed
        }
        guard let seed else { return }
        try? await self.setStages(toxics, of: id, seed: seed)
    }

    private func setStages(_ toxics: [Toxic], of id: Int, seed: Seed) async throws {
        let stages = toxics.filter { !$0.type.isForAll }
        let upstream = stages.filter { $0.stream == .upstream }.map(\.stage)
        let downstream = stages.filter { $0.stream == .downstream }.map(\.stage)
        let link = Self.link(of: id)
        let faults = toxics.compactMap { LinkToxic($0, over: link) }
        try await self.proxy.change { network, now in
            network.setStages(upstream, on: link, seed: seed)
            network.setStages(downstream, on: link.reversed, seed: seed)
            let prefix = "\(link) "
            let wanted = Set(faults.map { prefix + $0.id })
            network.removeInjections { $0.id.hasPrefix(prefix) && !wanted.contains($0.id) }
            let present = Set(network.activeInjections.map(\.id))
            for fault in faults where !present.contains(prefix + fault.id) {
                network.inject(
                    fault.fault, on: fault.links, id: prefix + fault.id, origin: .control, at: now)
            }
        }
    }

    /// Where an upstream is. What is no address is accepted and cannot be reached, as with Toxiproxy.
    private static func target(_ text: String) -> Endpoint {
        (try? Endpoint(parsing: text)) ?? .tcp(host: text.isEmpty ? "." : text, port: 0)
    }

    /// Why an address cannot be bound, in Go's words.
    private static func reason(_ error: any Error) -> String {
        var text = "\(error)"
        if let colon = text.range(of: "cannot listen on "),
            let end = text.range(of: ": ", range: colon.upperBound..<text.endIndex)
        {
            text = "bind: " + text[end.upperBound...]
        }
        if let number = text.range(of: " (errno ") { text = String(text[..<number.lowerBound]) }
        return text
    }
}

/// What has gone through one start of a proxy.
struct StartTotals: Sendable {
    let id: Int
    let name: String
    let listen: String
    let upstream: String
    let openConnections: Int
    let connections: Int
    let received: [ToxicStream: Int]
    let sent: [ToxicStream: Int]
    let hits: [(toxic: Toxic, hits: Int, connections: Int)]
}

extension Toxic {
    /// What the toxic is to the engine.
    var stage: Stage {
        Stage(
            identity: self.identity, revision: self.revision,
            label: "\(self.generation) \(self.name)", share: Double(self.toxicity),
            action: self.action)
    }

    private var action: Stage.Action {
        let attributes = self.attributes
        func integer(_ name: String) -> Int64 { attributes.integer(name) }
        return switch self.type {
        case .noop, .delay, .loss, .corrupt, .down, .acceptDelay: .pass
        case .latency:
            .delay(milliseconds: integer("latency"), jitter: max(0, integer("jitter")))
        case .bandwidth:
            .rate(kilobytes: integer("rate"), isShared: attributes.word("scope") == "proxy")
        case .slowClose: .delayEnd(milliseconds: integer("delay"))
        case .timeout: .swallow(closeAfterMilliseconds: integer("timeout"))
        case .resetPeer: .reset(afterMilliseconds: integer("timeout"))
        case .slicer:
            .slice(
                average: Int(integer("average_size")), variation: Int(integer("size_variation")),
                pauseMicroseconds: integer("delay"))
        case .limitData: .limit(bytes: integer("bytes"))
        case .packetLoss:
            .drop(
                probability: min(1, max(0, attributes.real("loss_rate"))),
                correlation: min(1, max(0, attributes.real("correlation"))))
        }
    }
}
