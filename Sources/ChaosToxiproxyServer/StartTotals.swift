import ChaosCore
import ChaosEngine
import ChaosToxiproxy

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
    let latency: [ToxicStream: LatencyHistogram]
    let hits: [(toxic: Toxic, hits: Int, connections: Int)]

    init(_ id: Int, _ start: SocketPlane.Start, in network: Network) {
        let link = SocketPlane.link(of: id)
        let forward = network.state(of: link)
        let backward = network.state(of: link.reversed)
        self.id = id
        self.name = start.name
        self.listen = start.listen
        self.upstream = start.upstream
        self.openConnections = forward.connectionsOpen
        self.connections = forward.connectionsOpened
        self.received = [.upstream: forward.bytesReceived, .downstream: backward.bytesReceived]
        self.sent = [.upstream: forward.bytesDelivered, .downstream: backward.bytesDelivered]
        self.latency = [.upstream: forward.latencies, .downstream: backward.latencies]
        self.hits = start.toxics.compactMap { toxic in
            if let fault = LinkToxic(toxic, over: link, on: start.network) {
                let id = fault.injectionID(on: link)
                guard let injection = network.activeInjections.first(where: { $0.id == id }) else {
                    return nil
                }
                return (toxic, injection.hits, injection.hits)
            }
            let stages = [forward, backward].compactMap { state in
                state.stages.first { $0.stage.identity == toxic.identity }
            }
            if stages.isEmpty { return nil }
            // A toxic with two halves strikes in one of them at a time.
            return (
                toxic, stages.map(\.hits).reduce(0, +), stages.map(\.connections).max() ?? 0
            )
        }
    }
}
