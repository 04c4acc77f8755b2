#if os(Linux) && Netlink
    import ChaosCluster
    import ChaosCore
    import ChaosEngine
    import ChaosProxy
    import ChaosScenario
    import Foundation
    import Synchronization
    import Testing

    /// How nodes are told each other's addresses.
    enum Addresses: String, CaseIterable, Sendable {
        /// Each pair has an address of its own.
        case perPair
        /// All peers and clients use the one that the node advertises.
        case advertised
    }

    /// What connections are made of.
    enum Transport: String, CaseIterable, Sendable { case ipv4, ipv6, unix }

    /// Three nodes and a client that are real processes, and the proxies between them, as a run has
    /// them.
    struct OpenerWorld: Sendable {
        let addresses: Addresses
        let transport: Transport
        let host: ProcessHost
        let plan: AddressPlan
        let proxy: Proxy
        let journal: Journal

        /// The entries of the journal, as they come.
        final class Journal: Sendable {
            private let entries = Mutex<[JournalEntry]>([])
            func add(_ new: [JournalEntry]) { self.entries.withLock { $0 += new } }
            func all(_ event: String) -> [JournalEntry] {
                self.entries.withLock { $0.filter { $0.event == event } }
            }
        }

        static let nodes: [NodeName] = ["n1", "n2", "n3"]
        static let port: PortName = "main"

        /// Runs a test, and leaves nothing behind.
        static func with(
            _ addresses: Addresses, _ transport: Transport, on driver: ProxyDriverKind,
            _ body: (OpenerWorld) async throws -> Void
        ) async throws {
            let directory = "/tmp/chaos-openers-\(UUID().uuidString.prefix(8))"
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: directory) }
            // Before ports are held: the guardian closes what it inherits only after it was forked.
            let host = try ProcessHost(run: "openers-\(UUID().uuidString)")
            let lease = try LoopbackLease()
            let style: AddressPlan.Style =
                transport == .ipv4 ? .loopback(network: lease.network) : .ports(host: "::1")
            var allocator = FreePorts(style: style)
            let spec = PortSpec(name: Self.port, transport: transport == .unix ? .unix : .tcp)
            let plan = try AddressPlan(
                nodes: Self.nodes.map { (name: $0, ports: [spec]) }, style: style,
                socketDirectory: directory, allocator: &allocator)
            let journal = Journal()
            let proxy = try await Proxy(
                clock: RunClock(), driver: driver,
                makeNetwork: {
                    Network(seed: Seed(11), nodes: Self.nodes, framing: [Self.port: .lines])
                }, journal: { journal.add($0) })
            let recognition = try NodeRecognition(host: host, nodes: Self.nodes)
            let world = OpenerWorld(
                addresses: addresses, transport: transport, host: host, plan: plan, proxy: proxy,
                journal: journal)
            allocator.release()
            do {
                try await world.openListeners(recognition)
                try await body(world)
            } catch {
                await host.shutdown(grace: .zero)
                await proxy.close()
                if error is CancellationError { return }
                throw error
            }
            await host.shutdown(grace: .zero)
            await proxy.close()
            withExtendedLifetime(lease) {}
        }

        private func openListeners(_ recognition: NodeRecognition) async throws {
            let links = self.plan.routes.map { route in
                let isShared = route.viewer == .client && self.addresses == .advertised
                let sources = ([.client] + Self.nodes).compactMap { dialer in
                    self.plan.source(to: route.node, for: dialer).map { (dialer, $0) }
                }
                return ProxiedLink(
                    link: Link(route.viewer, route.node, Self.port), listen: route.listen,
                    upstream: route.upstream, sourceHost: route.source,
                    openers: OpenerRule(
                        recognition: recognition, sharers: isShared ? Self.nodes : [],
                        sources: Dictionary(uniqueKeysWithValues: sources)))
            }
            _ = try await self.proxy.open(links)
        }

        /// Starts the process of a node, or of the client, which listens nowhere.
        func start(_ name: NodeName) async throws -> Agent {
            try await Agent(name, at: self.plan.listen(name, Self.port), on: self.host)
        }

        /// Where somebody finds a node.
        func address(of node: NodeName, for dialer: NodeName) -> Endpoint {
            let viewer = self.addresses == .advertised ? NodeName.client : dialer
            return self.plan.endpoint(of: node, Self.port, seenBy: viewer)!
        }

        /// What a node answers to a dialer's line.
        func answer(of node: NodeName, to dialer: NodeName, _ text: String) -> String {
            switch self.transport {
            case .ipv4: "\(node) \(text) \(self.plan.source(to: node, for: dialer)!)"
            case .ipv6: "\(node) \(text) ::1"
            case .unix: "\(node) \(text) local"
            }
        }

        /// How many connections were opened over each link that had one.
        func opened() async throws -> [String: Int] {
            try await self.proxy.inspect { network, _ in
                let states = network.linkStates.filter { $0.connectionsOpened > 0 }
                return Dictionary(
                    uniqueKeysWithValues: states.map { ("\($0.link)", $0.connectionsOpened) })
            }
        }

        /// How many connections, attempts and messages have met a cut that is in force.
        func touched(_ id: String) async throws -> Int? {
            try await self.proxy.inspect { network, _ in
                network.activeCuts.first { $0.id == id }?.touched
            }
        }

        /// How often the faults in force were met.
        func faultTouched() async throws -> Int {
            try await self.proxy.inspect { network, _ in
                network.activeInjections.reduce(0) { $0 + $1.touched }
            }
        }

        /// Waits until a fault has been met.
        func waitForFault() async throws {
            let deadline = ContinuousClock.now + .seconds(15)
            while try await self.faultTouched() == 0 {
                if ContinuousClock.now > deadline {
                    Issue.record("no fault was ever met")
                    throw CancellationError()
                }
                try await Task.sleep(for: .milliseconds(5))
            }
        }

        /// Waits until a cut has been met so often.
        func waitForTouch(of id: String, _ count: Int) async throws {
            let deadline = ContinuousClock.now + .seconds(15)
            while try await self.touched(id) != count {
                if ContinuousClock.now > deadline {
                    let touched = try await self.touched(id)
                    Issue.record("\(id) was never touched \(count) times, but \(touched ?? -1)")
                    throw CancellationError()
                }
                try await Task.sleep(for: .milliseconds(5))
            }
        }

        /// Waits until so many connections are open.
        func waitForConnections(_ count: Int) async throws {
            let deadline = ContinuousClock.now + .seconds(15)
            while try await self.proxy.connections().count != count {
                if ContinuousClock.now > deadline {
                    let open = try await self.proxy.connections()
                    Issue.record("there never were \(count) connections, but \(open)")
                    throw CancellationError()
                }
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }
#endif
