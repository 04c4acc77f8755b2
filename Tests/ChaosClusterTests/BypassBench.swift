#if os(Linux)
    import ChaosCluster
    import ChaosCore
    import ChaosScenario
    import Foundation
    import OrderedCollections
    import Testing

    /// Three nodes `n1` to `n3` with a port `main` each, a watch over them, and what it has found.
    struct BypassBench {
        let plan: AddressPlan
        let host: ProcessHost
        let watch: BypassWatch
        let found: Records<Bypass>

        /// Where a node listens itself, as the words of a probe.
        func listen(_ node: NodeName) -> [String] { Self.words(self.plan.listen(node, "main")!) }

        /// Where a proxy stands in for a node.
        func proxy(of node: NodeName, seenBy viewer: NodeName) -> [String] {
            Self.words(self.plan.endpoint(of: node, "main", seenBy: viewer)!)
        }

        func route(from viewer: NodeName, to node: NodeName) -> AddressPlan.Route {
            self.plan.routes.first { $0.viewer == viewer && $0.node == node }!
        }

        static func words(_ endpoint: Endpoint) -> [String] {
            guard case .tcp(let host, let port) = endpoint else { return [] }
            return [host, String(port)]
        }

        /// Starts one process of a node; later ones join it.
        func start(_ node: NodeName, _ command: [String]) async throws {
            let null = open("/dev/null", O_RDWR | O_CLOEXEC)
            defer { close(null) }
            _ = try await self.host.spawn(
                SpawnRequest(
                    command: command, environment: ["PATH": "/usr/bin:/bin"], directory: "/",
                    streams: .init(input: null, output: null, error: null), family: node.text))
        }

        /// Starts a process of a node that listens and dials.
        func talk(_ node: NodeName, _ words: [String]...) async throws {
            try await self.start(node, [try probePath(), "talk"] + words.flatMap { $0 })
        }

        /// Waits for as many findings, looks once more, and gives all sentences in order of text.
        func sentences(atLeast count: Int) async -> [String] {
            _ = await eventually { self.found.all.count >= count }
            await self.watch.stop()
            return self.found.all.map(\.sentence).sorted()
        }

        /// Plans addresses, watches while the body runs, and ends everything.
        static func with(
            ports host: String? = nil, transport: PortSpec.Transport = .tcp,
            _ body: (BypassBench) async throws -> Void
        ) async throws {
            let lease = try LoopbackLease()
            let style =
                host.map { AddressPlan.Style.ports(host: $0) }
                ?? .loopback(network: lease.network)
            var ports = FreePorts(style: style)
            let nodes: [NodeName] = ["n1", "n2", "n3"]
            let directory = try temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }
            let port = PortSpec(name: "main", transport: transport)
            let plan = try AddressPlan(
                nodes: nodes.map { (name: $0, ports: [port]) }, style: style,
                socketDirectory: directory, allocator: &ports)
            ports.release()
            let host = try ProcessHost(run: "leaks-\(UUID().uuidString)")
            let found = Records<Bypass>()
            let bench = BypassBench(
                plan: plan, host: host, watch: BypassWatch(plan: plan, host: host), found: found)
            bench.watch.start { found.add($0) }
            do {
                try await body(bench)
            } catch {
                await host.shutdown(grace: .zero)
                throw error
            }
            await host.shutdown(grace: .zero)
            withExtendedLifetime(lease) {}
        }
    }

    /// A socket of this process, which stands for chaos.
    final class OwnSocket {
        private let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)

        deinit { close(self.descriptor) }

        /// Listens where a proxy would.
        init(listeningAt words: [String]) throws {
            var on: Int32 = 1
            setsockopt(
                self.descriptor, SOL_SOCKET, SO_REUSEADDR, &on,
                socklen_t(MemoryLayout<Int32>.size))
            try #require(self.call(words) { bind($0, $1, $2) } == 0)
            try #require(Glibc.listen(self.descriptor, 16) == 0)
        }

        /// Dials as soon as somebody listens there, from an address if one is given.
        init(dialling words: [String], from source: String? = nil) async throws {
            if let source {
                try #require(self.call([source, "0"]) { bind($0, $1, $2) } == 0)
            }
            try #require(await eventually { self.call(words) { connect($0, $1, $2) } == 0 })
        }

        /// Waits until somebody has dialled what listens here.
        func waitForConnection() async throws {
            var watched = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
            try #require(await eventually { poll(&watched, 1, 0) == 1 })
        }

        private func call(
            _ words: [String], _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
        ) -> Int32 {
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = UInt16(words[1])!.bigEndian
            inet_pton(AF_INET, words[0], &name.sin_addr)
            return withUnsafePointer(to: &name) { name in
                name.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body(self.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
    }
#endif
