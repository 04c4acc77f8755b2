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

    private let planes: DataPlanes
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
        let network: ProxyNetwork
        /// What carries it.
        let proxy: Proxy
    }

    /// Given the last numbers of a start that is about to be closed.
    private let whenClosed = NIOLockedValueBox<(@Sendable ([StartTotals]) async -> Void)?>(nil)

    func onClose(_ body: @escaping @Sendable ([StartTotals]) async -> Void) {
        self.whenClosed.withLockedValue { $0 = body }
    }

    /// Whether a client whose upstream cannot be reached sees an end rather than a reset.
    private let endsUnreached: Bool

    init(_ planes: DataPlanes, seed: Seed, endsUnreached: Bool) {
        self.planes = planes
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
        let tls: ProxyTLS?
        let carrier: Proxy
        do {
            tls = try proxy.tls.map { settings throws(InputError) in try ProxyTLS(settings) }
            carrier = try await self.planes.proxy(isSecure: tls != nil)
        } catch {
            throw PlaneFailure("invalid \(error)", isInput: error is InputError)
        }
        self.starts.withLockedValue {
            $0[proxy.id] = Start(
                name: proxy.name, seed: seed, toxics: proxy.toxics, upstream: proxy.upstream,
                network: proxy.network, proxy: carrier)
        }
        do {
            // Who refuses everybody must have listened once to know its port.
            try await self.setStages(
                proxy.toxics.filter { !$0.type.refuses }, of: proxy.id, seed: seed)
            let bound = try await self.bind(proxy, tls, on: carrier).description
            self.starts.withLockedValue { $0[proxy.id]?.listen = bound }
            if proxy.toxics.contains(where: \.type.refuses) {
                try await self.setStages(proxy.toxics, of: proxy.id, seed: seed)
            }
            return bound
        } catch {
            await self.close(proxy.id)
            throw PlaneFailure(Self.reason(error))
        }
    }

    private func bind(
        _ start: PlaneProxy, _ tls: ProxyTLS?, on carrier: Proxy
    ) async throws -> Endpoint {
        let endpoint: Endpoint
        switch start.listen {
        case .unix(let path): endpoint = .unix(path: path)
        case .tcp(let host, let port):
            // Go listens on both families when asked for all addresses of either.
            let isEvery = host == nil || host == "0.0.0.0"
            endpoint = .tcp(host: isEvery ? "::" : host ?? "::", port: port)
        }
        let bound = try await carrier.open([
            ProxiedLink(
                link: Self.link(of: start.id), listen: endpoint,
                upstream: Self.target(start.upstream),
                transport: start.network == .udp ? .datagrams : .stream,
                endsUnreached: self.endsUnreached, tls: tls)
        ])
        return bound.first ?? endpoint
    }

    func close(_ id: Int) async {
        if let tell = self.whenClosed.withLockedValue({ $0 }) {
            await tell(await self.totals().filter { $0.id == id })
        }
        let prefix = "\(Self.link(of: id)) "
        let carrier = self.starts.withLockedValue { $0[id]?.proxy }
        _ = try? await carrier?.change { network, _ in
            network.removeInjections { $0.id.hasPrefix(prefix) }.count
        }
        // A proxy that is closed has closed this one too.
        try? await carrier?.close([Self.link(of: id)])
        _ = self.starts.withLockedValue { $0.removeValue(forKey: id) }
    }

    /// What has gone through each start so far.
    func totals() async -> [StartTotals] {
        let starts = self.starts.withLockedValue { $0 }.sorted { $0.key < $1.key }
        var totals: [StartTotals] = []
        var carriers: [Proxy] = []
        for (_, start) in starts where !carriers.contains(where: { $0 === start.proxy }) {
            carriers.append(start.proxy)
        }
        for carrier in carriers {
            let own = starts.filter { $0.value.proxy === carrier }
            let found = try? await carrier.inspect { network, _ in
                own.map { StartTotals($0.key, $0.value, in: network) }
            }
            totals += found ?? []
        }
        return totals
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
        guard let start = self.starts.withLockedValue({ $0[id] }) else { return }
        let network = start.network
        let upstream = Toxic.stages(of: toxics, .upstream, on: network)
        let downstream = Toxic.stages(of: toxics, .downstream, on: network)
        let link = Self.link(of: id)
        let faults = toxics.compactMap { LinkToxic($0, over: link, on: network) }
        try await start.proxy.change { network, now in
            network.setStages(upstream, on: link, seed: seed)
            network.setStages(downstream, on: link.reversed, seed: seed)
            let prefix = "\(link) "
            let wanted = Set(faults.map { $0.injectionID(on: link) })
            network.removeInjections { $0.id.hasPrefix(prefix) && !wanted.contains($0.id) }
            let present = Set(network.activeInjections.map(\.id))
            for fault in faults where !present.contains(fault.injectionID(on: link)) {
                network.inject(
                    fault.fault, on: fault.links, id: fault.injectionID(on: link),
                    origin: .control, at: now)
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
