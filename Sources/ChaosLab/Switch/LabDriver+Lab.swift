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
        package init(_ lab: LabNetwork, ports: LabPorts, with proxy: Proxy) async throws {
            let box = Box()
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
                            network: network, lab: lab, ports: ports, clock: clock, watch: watch)
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
