#if os(Linux) && Lab
    import ChaosCore
    import ChaosEngine
    import ChaosProxy
    import ChaosTopology

    /// One directed link of a lab at work.
    final class LabLine: AlarmedLine {
        let state: LinkState
        /// The numbers of the nodes.
        let source: Int
        let target: Int
        /// What the kernel does with its packets.
        var treatment = LinkTreatment.open
        /// The revision of the link by which that was decided.
        var revision = -1
        /// When it is to be looked at again.
        var armed = Instant.never
        /// What the kernel's netem is to do, and what it does, with `engine: netem`.
        var wantedNetem: NetemSpec?
        var netem: KernelNetem.Leaf?
        /// Where its packets are written down, while they are captured.
        var sinks: [CaptureSink] = []
        /// What the kernel did when, while it is captured.
        var epochs: [CaptureEpoch] = []
        /// When the run began, in nanoseconds since 1970.
        var clockOffset: UInt64 = 0
        /// What decides about packets that cross the switch; made for the first of them.
        private(set) lazy var pipeline = PacketPipeline(of: self.state)
        private(set) var hasPipeline = false

        init(_ state: LinkState, source: Int, target: Int) {
            self.state = state
            self.source = source
            self.target = target
        }

        /// The pipeline, from the first packet on.
        func usedPipeline() -> PacketPipeline {
            if !self.hasPipeline && !self.sinks.isEmpty { self.pipeline.watcher = self }
            self.hasPipeline = true
            return self.pipeline
        }
    }

    /// All links from one node to another, and the rules of the kernel for them.
    final class LabPair {
        let source: Int
        let target: Int
        let lines: [LabLine]
        var rules: [RouteRule] = []

        init(source: Int, target: Int, lines: [LabLine]) {
            self.source = source
            self.target = target
            self.lines = lines
        }

        /// Whether the witnesses are to look at it.
        var isCut: Bool { self.lines.contains { $0.treatment.isCut } }

        func line(_ port: PortName) -> LabLine? { self.lines.first { $0.state.link.port == port } }
    }

    /// Which packets belong together, whichever way they go: the ends and ports of a connection.
    struct FlowKey: Hashable {
        private let transport: LabFrame.Transport
        private let family: LabAddresses.Family
        private let low: UInt64
        private let high: UInt64

        init(_ frame: LabFrame, from source: Int, to target: Int) {
            self.transport = frame.transport
            self.family = frame.family
            let first = UInt64(source) << 16 | UInt64(frame.sourcePort)
            let second = UInt64(target) << 16 | UInt64(frame.targetPort)
            self.low = min(first, second)
            self.high = max(first, second)
        }
    }

    /// What passes the switch between the same two ends.
    final class LabFlow {
        let flow: PacketFlow
        /// Who opened it.
        let opener: Int
        var usedAt: Instant

        init(_ flow: PacketFlow, opener: Int, at now: Instant) {
            self.flow = flow
            self.opener = opener
            self.usedAt = now
        }
    }
#endif
