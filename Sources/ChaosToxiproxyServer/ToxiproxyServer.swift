import ChaosCore
import ChaosEngine
import ChaosProxy
import ChaosSockets
import ChaosToxiproxy
import HTTPTypes
import Hummingbird
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// What a server is told when it starts.
package struct ToxiproxySettings: Sendable {
    /// Where the API listens; port 0 takes a free one.
    package var host = "localhost"
    package var port = 8474
    /// From which every random decision derives.
    package var seed = Seed(0)
    /// The version that clients are told.
    package var version: String
    /// The body of a `/populate` that is carried out before the API listens, and where it is from.
    package var config: (name: String, body: [UInt8])?
    /// Where all proxies are kept, if they are.
    package var stateFile: String?
    package var proxyMetrics = false
    package var runtimeMetrics = false
    /// What a client sees whose upstream refuses.
    package var refusal = UpstreamRefusal.reset
    /// After how long a request to the API is answered, if need be with the news that it is not done.
    package var answerTime = Duration.milliseconds(100)

    package init(version: String) { self.version = version }
}

/// Toxiproxy's API over HTTP, the proxies behind it, and the traffic through them.
package final class ToxiproxyServer: Sendable {
    /// The API, for those in the same process.
    package let api: Toxiproxy
    private let settings: ToxiproxySettings
    private let log: Logger
    private let planes: DataPlanes
    private let plane: SocketPlane
    private let events: EventHub
    private let state: StateFile?
    private let metrics: ToxiproxyMetrics?

    /// Makes a server that does not listen yet.
    ///
    /// - Throws: `ProxyError` where there can be no data plane, `ToxiproxyServerError` where it cannot
    ///   be known which upstreams refuse and that is asked for.
    package init(
        _ settings: ToxiproxySettings, driver: ProxyDriverKind? = nil, log: Logger
    ) async throws {
        if settings.refusal == .refusal, let obstacle = SocketDiagnostics.obstacle() {
            throw ToxiproxyServerError("cannot refuse as upstreams do: \(obstacle)")
        }
        let events = EventHub()
        let translator = NIOLockedValueBox<EventTranslator?>(nil)
        let seed = settings.seed
        let clock = RunClock()
        let measures = settings.proxyMetrics
        let makeProxy = { @Sendable (driver: ProxyDriverKind?) async throws -> Proxy in
            try await Proxy(
                clock: clock, driver: driver,
                makeNetwork: {
                    let network = Network(seed: seed, nodes: [], queueLimit: ByteCount(32 << 20))
                    network.measuresLatency = measures
                    return network
                },
                journal: { entries in
                    guard events.isHeard, let translator = translator.withLockedValue({ $0 }) else {
                        return
                    }
                    for entry in entries { translator.translate(entry).map(events.send) }
                })
        }
        let planes = DataPlanes(plain: try await makeProxy(driver)) { try await makeProxy(.nio) }
        let plane = SocketPlane(planes, seed: seed, refusal: settings.refusal)
        translator.withLockedValue { $0 = EventTranslator(plane: plane) }
        let state = settings.stateFile.map(StateFile.init(path:))
        self.settings = settings
        self.log = log
        self.planes = planes
        self.plane = plane
        self.events = events
        self.state = state
        let persist: (@Sendable (String) async -> Void)?
        if let state {
            persist = { text in
                // Disks take their time, which the threads of all tasks must not.
                do {
                    try await NIOSingletons.posixBlockingThreadPool.runIfActive {
                        try state.write(text)
                    }
                } catch { log.error("\(error)") }
            }
        } else {
            persist = nil
        }
        self.metrics =
            settings.proxyMetrics || settings.runtimeMetrics
            ? ToxiproxyMetrics(
                plane: plane, ofProxies: settings.proxyMetrics,
                ofProcess: settings.runtimeMetrics) : nil
        self.api = Toxiproxy(
            plane: plane, version: settings.version,
            observe: { events.send($0.json(at: clock.now)) }, persist: persist)
    }

    /// Serves until the task is cancelled.
    ///
    /// - Parameter isListening: Called with the port once the API listens.
    /// - Throws: `ToxiproxyServerError` when the address cannot be bound.
    package func run(isListening: @escaping @Sendable (Int) async -> Void = { _ in }) async throws {
        await self.populate()
        let address: String
        // As with Go, no host means all of them.
        let host = self.settings.host.isEmpty ? "0.0.0.0" : self.settings.host
        do { address = try await HostAddress.find(host, within: .seconds(5)) } catch {
            throw ToxiproxyServerError(
                "cannot listen on '\(self.settings.host)': \(error.reason)")
        }
        var metrics: (@Sendable () async -> String)?
        if let own = self.metrics { metrics = { await own.text() } }
        // What the libraries tell of themselves is no news of proxies.
        var quiet = self.log
        quiet.logLevel = .critical
        let app = Application(
            responder: ToxiproxyResponder(
                api: self.api, events: self.events, metrics: metrics,
                answerTime: self.settings.answerTime),
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [ConnectionOptions()], idleTimeout: .seconds(60))),
            configuration: .init(address: .hostname(address, port: self.settings.port)),
            onServerRunning: { await isListening($0.localAddress?.port ?? 0) },
            logger: quiet)
        let watching = self.settings.refusal == .refusal ? self.watchUpstreams() : nil
        defer { watching?.cancel() }
        do { try await app.run() } catch let error as IOError {
            throw ToxiproxyServerError(
                "cannot listen on \(self.settings.host):\(self.settings.port): \(error)")
        }
    }

    /// How long a proxy may go on to refuse, or accept, after its upstream began to do otherwise.
    private static let upstreamInterval = Duration.milliseconds(10)

    private func watchUpstreams() -> Task<Void, Never> {
        Task { [plane] in
            // The sleep ends early, and the loop with it, when the task is cancelled.
            while (try? await Task.sleep(for: Self.upstreamInterval)) != nil {
                await plane.lookAtUpstreams()
            }
        }
    }

    /// Closes every listener and connection. What is kept in a file stays as it is.
    package func close() async {
        self.events.close()
        await self.planes.close()
    }

    private func populate() async {
        if let state = self.state {
            await self.restore(state)
        }
        if let config = self.settings.config {
            await self.populate(config.body, from: config.name)
        }
    }

    private func restore(_ state: StateFile) async {
        do {
            guard let body = try state.read() else { return }
            for (name, failure) in try await self.api.restore(body) {
                self.log.error(
                    "A proxy that was kept cannot start and is disabled",
                    metadata: ["proxy": "\(name)", "error": "\(failure)"])
            }
        } catch {
            // Nothing may overwrite what somebody may still want to mend.
            let place = state.setAside() ?? state.path
            self.log.error(
                "What was kept cannot be read",
                metadata: ["file": "\(place)", "error": "\(error)"])
        }
    }

    private func populate(_ body: [UInt8], from name: String) async {
        let populated = await self.api.populate(body)
        if let failure = populated.failure {
            self.log.error(
                "Failed to populate proxies from file",
                metadata: [
                    "config": "\(name)", "error": "\(failure)",
                ])
        } else {
            self.log.info(
                "Populated proxies from file",
                metadata: [
                    "config": "\(name)", "proxies": "\(populated.proxies.count)",
                ])
        }
    }
}

/// Says why a server cannot serve.
package struct ToxiproxyServerError: Error, CustomStringConvertible, Sendable {
    package let description: String

    init(_ description: String) { self.description = description }
}
