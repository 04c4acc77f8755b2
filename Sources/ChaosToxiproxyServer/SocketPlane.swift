import ChaosCore
import ChaosEngine
import ChaosProxy
import ChaosSockets
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
        /// Whether it listens, or has listened: who refuses everybody must have done so once to know
        /// its port.
        var isBound = false
        /// The upstream that it refuses for; `nil` where it accepts first.
        var watched: WatchedUpstream?
        /// Whether the upstream refuses.
        var isUpstreamGone = false
    }

    /// Given the last numbers of a start that is about to be closed.
    private let whenClosed = NIOLockedValueBox<(@Sendable ([StartTotals]) async -> Void)?>(nil)

    func onClose(_ body: @escaping @Sendable ([StartTotals]) async -> Void) {
        self.whenClosed.withLockedValue { $0 = body }
    }

    /// What a client sees whose upstream refuses.
    private let refusal: UpstreamRefusal

    init(_ planes: DataPlanes, seed: Seed, refusal: UpstreamRefusal) {
        self.planes = planes
        self.refusal = refusal
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
            try await self.setStages(of: proxy.id)
            let bound = try await self.bind(proxy, tls, on: carrier).description
            self.starts.withLockedValue {
                $0[proxy.id]?.listen = bound
                $0[proxy.id]?.isBound = true
            }
            if proxy.toxics.contains(where: \.type.refuses) {
                try await self.setStages(of: proxy.id)
            }
            if self.refusal == .refusal, proxy.network == .tcp {
                let upstream = await WatchedUpstream(Self.target(proxy.upstream))
                self.starts.withLockedValue { $0[proxy.id]?.watched = upstream }
                await self.lookAtUpstreams()
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
                endsUnreached: self.refusal == .end, tls: tls)
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
        self.starts.withLockedValue { $0[id]?.toxics = toxics }
        try? await self.setStages(of: id)
    }

    /// Makes the network do what a start asks for by now, whoever changed it last.
    private func setStages(of id: Int) async throws {
        guard let proxy = self.starts.withLockedValue({ $0[id]?.proxy }) else { return }
        let link = Self.link(of: id)
        try await proxy.change { network, now in
            guard let start = self.starts.withLockedValue({ $0[id] }) else { return }
            network.setStages(
                Toxic.stages(of: start.toxics, .upstream, on: start.network), on: link,
                seed: start.seed)
            network.setStages(
                Toxic.stages(of: start.toxics, .downstream, on: start.network), on: link.reversed,
                seed: start.seed)
            let faults = start.faults(over: link)
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

    // MARK: - Upstreams that refuse

    /// Lets proxies refuse whose upstreams have gone, and accept whose upstreams are there.
    ///
    /// Where the kernel does not answer, all stays as it is.
    func lookAtUpstreams() async {
        let watched = self.starts.withLockedValue { $0.filter { $0.value.watched != nil } }
        if watched.isEmpty { return }
        guard let listening = try? ListeningSockets.all() else { return }
        for (id, start) in watched {
            guard let upstream = start.watched else { continue }
            let isGone = !upstream.listens(among: listening)
            if isGone == start.isUpstreamGone { continue }
            let isCertain = if isGone { await upstream.refuses() } else { true }
            self.starts.withLockedValue {
                // Whoever answers without being seen to listen is not watched any more.
                if isCertain {
                    $0[id]?.isUpstreamGone = isGone
                } else {
                    $0[id]?.watched = nil
                }
            }
            try? await self.setStages(of: id)
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

/// What a client sees whose upstream refuses.
package enum UpstreamRefusal: Sendable {
    /// The connection is accepted and then ends, as with Toxiproxy.
    case end
    /// The connection is accepted and then reset.
    case reset
    /// The connection is refused, where the upstream is a TCP port of this machine; elsewhere reset.
    case refusal
}

extension SocketPlane.Start {
    /// What is asked for all connections at once.
    fileprivate func faults(over link: Link) -> [LinkToxic] {
        let toxics = self.toxics.filter { self.isBound || !$0.type.refuses }
        let upstream = self.isUpstreamGone ? [LinkToxic(refusingAsUpstreamOf: link)] : []
        return toxics.compactMap { LinkToxic($0, over: link, on: self.network) } + upstream
    }
}
