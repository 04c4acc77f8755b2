import ArgumentParser
import ChaosCore
import ChaosProxy
import ChaosRun
import ChaosToxiproxyServer
import Dispatch
import Foundation
import Logging

/// Runs a fault-injecting proxy with Toxiproxy's HTTP API.
struct ProxyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "proxy",
        abstract: "Runs a fault-injecting proxy on its own, with Toxiproxy's HTTP API.",
        discussion: """
            chaos proxy --config proxies.json
            curl -d '{"name":"db","listen":"127.0.0.1:15432","upstream":"127.0.0.1:5432"}' \\
              localhost:8474/proxies
            chaos toxic add db --type latency --attribute latency=100

            All clients of Toxiproxy work unchanged; flags may have one dash, as Toxiproxy's have.
            LOG_LEVEL (panic, fatal, error, warn, info, debug, trace) chooses what is logged.
            """)

    @Option(
        name: [.long, .customLong("host", withSingleDash: true)],
        help: "The address on which the API listens.")
    var host = "localhost"

    @Option(
        name: [.long, .customLong("port", withSingleDash: true)],
        help: "The port on which the API listens; 0 takes a free one.")
    var port: UInt16 = 8474

    @Option(
        name: [.long, .customLong("config", withSingleDash: true)],
        help: ArgumentHelp("Proxies to begin with: JSON or YAML.", valueName: "file"))
    var config: String?

    @Option(
        name: [.long, .customLong("seed", withSingleDash: true)],
        help: "Fixes every random decision; without one a seed is drawn and logged.")
    var seed: Int64?

    @Flag(
        name: [
            .customLong("proxy-metrics"), .customLong("proxy-metrics", withSingleDash: true),
        ],
        help: "Tell what goes through the proxies at /metrics, for Prometheus.")
    var proxyMetrics = false

    @Flag(
        name: [
            .customLong("runtime-metrics"), .customLong("runtime-metrics", withSingleDash: true),
        ],
        help: "Tell what the process needs at /metrics, for Prometheus.")
    var runtimeMetrics = false

    /// What a client sees whose upstream cannot be reached.
    enum ConnectMode: String, ExpressibleByArgument, CaseIterable {
        case eager, lazy, mirror

        var refusal: UpstreamRefusal {
            switch self {
            case .eager: .reset
            case .lazy: .end
            case .mirror: .refusal
            }
        }
    }

    @Option(
        help: ArgumentHelp(
            """
            What a client sees whose upstream refuses: eager, a reset; lazy, an end, as with Toxiproxy; \
            mirror, a refusal, where the upstream is a TCP port of this machine (Linux).
            """,
            valueName: "eager|lazy|mirror"))
    var connect = ConnectMode.eager

    @Option(
        help: ArgumentHelp(
            "After how long a request to the API is answered, if need be with an error.",
            valueName: "duration"))
    var answerWithin = "100ms"

    @Option(help: ArgumentHelp("Keep all proxies in this file over restarts.", valueName: "file"))
    var state: String?

    @Option(
        name: .customLong("version-string"),
        help: "The version that clients of the API are told.")
    var versionString = toxiproxyVersion

    @Flag(
        name: [.customLong("version"), .customLong("version", withSingleDash: true)],
        help: "Print the version that clients are told.")
    var isVersionAsked = false

    func validate() throws {
        do { _ = try Duration(parsing: self.answerWithin) } catch {
            throw ValidationError("--answer-within: \(error)")
        }
    }

    func run() async throws {
        if self.isVersionAsked {
            printOutput("chaos proxy version \(self.versionString)")
            return
        }
        let environment = ProcessInfo.processInfo.environment
        let level = JSONLog.level(environment["LOG_LEVEL"])
        let log = Logger(label: "chaos") { JSONLog(label: $0, level: level) }
        var settings = ToxiproxySettings(version: self.versionString)
        settings.host = self.host
        settings.port = Int(self.port)
        settings.seed = Seed(
            self.seed.map { UInt64(bitPattern: $0) } ?? .random(in: 0...UInt64(Int64.max)))
        settings.stateFile = self.state
        settings.refusal = self.connect.refusal
        settings.answerTime = try Duration(parsing: self.answerWithin)
        settings.proxyMetrics = self.proxyMetrics
        settings.runtimeMetrics = self.runtimeMetrics
        if let config = self.config {
            // As with Toxiproxy, a bad file is told and the server runs on.
            do { settings.config = (config, try ConfigFile.read(config)) } catch {
                log.error(
                    "Error reading config file",
                    metadata: [
                        "config": "\(config)", "error": "\(error)",
                    ])
            }
        }
        let code = await Self.serve(settings, log)
        if code != 0 { throw ExitCode(code) }
    }

    private static func serve(_ settings: ToxiproxySettings, _ log: Logger) async -> Int32 {
        do {
            let server = try await ToxiproxyServer(settings, log: log)
            let serving = Task {
                try await server.run { port in
                    log.info(
                        "Starting Toxiproxy HTTP server",
                        metadata: [
                            "address": "\(settings.host):\(port)", "seed": "\(settings.seed.value)",
                            "version": "\(settings.version)",
                        ])
                }
            }
            let signals = Self.onSignal { serving.cancel() }
            defer { for signal in signals { signal.cancel() } }
            let result = await serving.result
            await server.close()
            if serving.isCancelled {
                log.info("Shutdown complete")
                return 0
            }
            try result.get()
            return 0
        } catch {
            log.critical("\(error)")
            printError("chaos proxy: \(error)")
            return ChaosExit.unavailable
        }
    }

    private static func onSignal(_ body: @escaping @Sendable () -> Void)
        -> [any DispatchSourceSignal]
    {
        // Whoever reads the log may go before the proxy does.
        signal(SIGPIPE, SIG_IGN)
        return [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler(handler: body)
            source.resume()
            return source
        }
    }
}

/// The version that clients of the API are told: clients choose by it what they may use, so it is one
/// of Toxiproxy's numbering, behind which the API stands.
let toxiproxyVersion = "2.12.0"
