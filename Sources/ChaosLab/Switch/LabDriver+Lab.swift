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
        }

        private let box: Box
        private let watch: DatagramWatch
        private let proxy: Proxy

        /// Begins to carry; from then on the proxy's changes are in effect between nodes as well.
        package init(_ lab: LabNetwork, ports: LabPorts, with proxy: Proxy) async throws {
            let box = Box()
            let watch = try DatagramWatch(proxy.clock, name: "chaos-switch") { [weak proxy] in
                proxy?.post { _ in box.plane?.work() } ?? false
            }
            let clock = proxy.clock
            do {
                try await proxy.inspect { network, _ in
                    Result {
                        box.plane = try LabPlane(
                            network: network, lab: lab, ports: ports, clock: clock, watch: watch)
                    }
                }.get()
            } catch {
                watch.close()
                throw error
            }
            self.box = box
            self.watch = watch
            self.proxy = proxy
            proxy.accompany(self)
        }

        package func catchUp() { self.box.plane?.catchUp() }

        package func networkChanged() throws { try self.box.plane?.networkChanged() }

        /// Ends it. Packets go as the kernel says.
        package func close() async {
            let box = self.box
            self.proxy.accompany(nil)
            try? await self.proxy.inspect { _, _ in
                box.plane?.closeAll()
                box.plane = nil
            }
            self.watch.close()
        }
    }
#endif
