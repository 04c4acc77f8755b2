#if os(Linux) && Lab
    import ChaosCore
    import ChaosEngine
    import ChaosProxy
    import ChaosTopology

    /// Carries the packets between the nodes of a lab, beside a proxy that carries what clients send, on
    /// the same network and with the same changes.
    package final class LabDriver: NetworkCompanion {
        /// Keeps what only the network's thread touches.
        private final class Box: @unchecked Sendable {
            // Sound because every access is in a task of the driver's thread.
            var plane: LabPlane?
            var interceptor: Interceptor?
        }

        private let box: Box
        private let watch: DatagramWatch
        /// Where connections are intercepted: a watch of their own.
        private let openings: DatagramWatch?
        private let proxy: Proxy

        /// Begins to carry; from then on the proxy's changes are in effect between nodes as well.
        package init(
            _ lab: LabNetwork, ports: LabPorts, usesNetem: Bool = false, with proxy: Proxy
        ) async throws {
            let box = Box()
            // Tables of distributions are computed when they are first needed, which must not be when the
            // first packet waits for its delay.
            Task.detached(priority: .utility) {
                _ = (DistributionTable.normal, DistributionTable.pareto)
                _ = DistributionTable.paretonormal
            }
            let watch = try DatagramWatch(proxy.clock, name: "chaos-switch") { [weak proxy] in
                proxy?.post { _ in box.plane?.work() } ?? false
            }
            let clock = proxy.clock
            var openings: DatagramWatch?
            do {
                if ports.interceptsAny {
                    openings = try DatagramWatch(clock, name: "chaos-openings") { [weak proxy] in
                        proxy?.post { _ in box.interceptor?.work() } ?? false
                    }
                }
                try await proxy.inspect { [openings] network, _ in
                    Result {
                        let plane = try LabPlane(
                            network: network, lab: lab, ports: ports, clock: clock, watch: watch,
                            usesNetem: usesNetem)
                        box.plane = plane
                        if let openings {
                            box.interceptor = try Interceptor(
                                network: network, lab: lab, ports: ports, plane: plane,
                                proxy: proxy, watch: openings)
                        }
                        // A scenario's own faults are on its links already.
                        try plane.networkChanged()
                    }
                }.get()
            } catch {
                watch.close()
                openings?.close()
                throw error
            }
            self.box = box
            self.watch = watch
            self.openings = openings
            self.proxy = proxy
            proxy.accompany(self)
        }

        package func catchUp() { self.box.plane?.catchUp() }

        package func networkChanged() throws {
            try self.box.plane?.networkChanged()
            self.box.interceptor?.networkChanged()
        }

        /// Begins to write down the packets of links; what is captured until it ends.
        ///
        /// - Parameter whenOver: Called once where the capture ends because nobody reads any more.
        func beginCapture(
            _ id: String, _ links: [LinkPattern], to path: String,
            whenOver: @escaping @Sendable () -> Void
        ) async throws -> CapturedLinks {
            let file = try CaptureFile(path: path)
            let box = self.box
            let captured = try await self.proxy.inspect { _, _ in
                Result {
                    guard let plane = box.plane else { throw LabError("the lab has ended") }
                    return try plane.beginCapture(id, links, to: file)
                }
            }.get()
            file.start(whenOver: whenOver)
            return CapturedLinks(links: captured, file: file)
        }

        /// Ends a capture; nil when it has ended before.
        func endCapture(_ id: String) async -> (packets: Int, missing: Int)? {
            // The kernel hands over what came in the last ten milliseconds only then.
            try? await Task.sleep(for: .milliseconds(15))
            let box = self.box
            return try? await self.proxy.inspect { _, _ in box.plane?.endCapture(id) }
        }

        /// Ends it. Packets go as the kernel says.
        package func close() async {
            let box = self.box
            self.proxy.accompany(nil)
            try? await self.proxy.inspect { _, _ in
                box.interceptor?.closeAll()
                box.interceptor = nil
                box.plane?.closeAll()
                box.plane = nil
            }
            self.openings?.close()
            self.watch.close()
        }
    }
#endif
