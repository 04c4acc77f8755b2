#if os(Linux) && Lab
    import CLab
    import ChaosCore
    import ChaosTopology

    // TCP sockets of the router that have nodes' addresses. Every call returns at once; a failure is the
    // error's number, negative.

    /// Sockets that stand in for nodes.
    enum StandIn {
        /// An end of a connection between nodes.
        struct End: Hashable {
            let family: LabAddresses.Family
            let node: Int
            var port: UInt16

            init(_ family: LabAddresses.Family, _ node: Int, _ port: UInt16) {
                self.family = family
                self.node = node
                self.port = port
            }

            /// nil for who is no node.
            init?(_ end: chaos_stand_in_end) {
                let bytes = withUnsafeBytes(of: end.address) {
                    Array($0.prefix(Int(end.address_size)))
                }
                guard let node = LabAddresses.number(of: bytes) else { return nil }
                self.init(bytes.count == 4 ? .ipv4 : .ipv6, node, end.port)
            }

            fileprivate var raw: chaos_stand_in_end {
                let bytes = LabAddresses.bytes(of: self.node, self.family)
                var end = chaos_stand_in_end()
                end.address_size = UInt32(bytes.count)
                end.port = self.port
                withUnsafeMutableBytes(of: &end.address) { $0.copyBytes(from: bytes) }
                return end
            }
        }

        /// Listens in a node's place and accepts whom a filter lets through.
        static func listen(at place: End, through filter: [FilterStep]) -> Int32 {
            var place = place.raw
            let steps = filter.map(chaos_filter_step.init)
            return chaos_stand_in_listen(&place, steps, UInt32(steps.count))
        }

        /// Who waits at a listener: the socket and who opened it; nil where nobody does.
        static func accept(_ listener: Int32) -> (socket: Int32, opener: End?)? {
            var opener = chaos_stand_in_end()
            let socket = chaos_stand_in_accept(listener, &opener)
            return socket < 0 ? nil : (socket, End(opener))
        }

        /// Begins to connect in a node's place.
        static func dial(from source: End, to target: End) -> Int32 {
            var (source, target) = (source.raw, target.raw)
            return chaos_stand_in_dial(&source, &target)
        }

        /// Opens a socket that sees what opens connections to these ports.
        static func openings(to ports: [UInt16]) -> Int32 {
            let steps = InterceptionFilters.openings(to: ports).map(chaos_filter_step.init)
            return chaos_openings_open(steps, UInt32(steps.count))
        }
    }
#endif
