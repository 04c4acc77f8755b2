import ChaosCore

/// Which links a scenario has, and how late their packets may be.
enum MeasurementSet: String, CaseIterable {
    /// One link for each kind of fault, for few packets and a slow machine: a guest without KVM.
    case few
    /// Everything that has statistics, for many packets on a machine that is quiet.
    case many

    var measurements: [Measurement] {
        switch self {
        case .few: Self.ofFew
        case .many: Self.ofMany
        }
    }

    /// The node whose packets go the same way as all others, and meet nothing there: how late they come is the
    /// machine's doing. Where there is none, the machine must be quick.
    var control: String? { self == .few ? "n9" : nil }
    private static let hardlyAnything = "loss: 0.0001%"

    /// Faults that come and go before anything is sent: nothing of them may be left.
    private static let before = """
        schedule:
          - at: 0s
            for: 500ms
            links: n1->*
            delay: 300ms ± 50ms
            loss: { gemodel: { p: 50%, r: 50% } }
            corrupt: 50%
            rate: 50kbit
        """

    /// A scenario that measures all of it at once: n1 sends to everybody.
    ///
    /// - Parameter thinned: To a link with a rate only one of so many is sent.
    func scenario(
        backend: String, count: Int, interval: Int, thinned: Int, program: String
    ) -> String {
        let nodes = self.measurements.map {
            $0.fault.hasPrefix("rate") && thinned > 1 ? "\($0.node)/\(thinned)" : $0.node
        }
        let receivers = self.measurements.map {
            "  \($0.node): { command: \(program) receive 9000 n1, ports: { probe: 9000/udp } }"
        }
        let links = self.measurements.map { "    n1->\($0.node): { \($0.fault) }" }
        return """
            name: packet-probe
            backend: \(backend)
            seed: 7
            nodes:
              n1:
                command: \(program) send 9000 \(count) \(interval) \(nodes.joined(separator: " "))
                ports: { probe: 9000/udp }
            \(receivers.joined(separator: "\n"))
            network:
              links:
            \(links.joined(separator: "\n"))
            \(Self.before)
            """
    }

    private static let ofFew: [Measurement] = {
        let late = 1.0
        return [
            Measurement(
                node: "n2", fault: "delay: 50ms",
                readings: [
                    Measurement.time("least delay, ms", 50, late, "least_ms"),
                    Measurement.time("p50 of the delay, ms", 50, late, "p50_ms"),
                    Measurement.share("lost", 0, Measurement.lost),
                ]),
            Measurement(
                node: "n3", fault: "loss: 20%",
                readings: [Measurement.share("lost", 0.2, Measurement.lost)]),
            Measurement(
                node: "n4", fault: "duplicate: 20%",
                readings: [
                    Measurement.share("doubled", 0.2, Measurement.doubled),
                    Measurement.share("lost", 0, Measurement.lost),
                ]),
            Measurement(
                node: "n5", fault: "delay: 40ms, reorder: 25%",
                readings: [Measurement.share("sent ahead", 0.25, Measurement.ahead)]),
            Measurement(node: "n6", fault: "rate: 150kbit", readings: [Measurement.rate(0.15)]),
            Measurement(
                node: "n7",
                fault: "delay: { latency: 60ms, jitter: 10ms, distribution: normal }",
                readings: Measurement.spread(late) { 60 + 10 * Self.normal.quantile($0) }),
            Self.gilbertElliott("n8", p: 0.05, r: 0.25),
            Measurement(
                node: "n9", fault: Self.hardlyAnything,
                readings: [Measurement.share("lost", 0, Measurement.lost)]),
        ]
    }()

    private static let ofMany: [Measurement] = {
        // On a quiet machine 0.2 ms; with twenty thousand packets a second some more.
        let late = 0.5
        let correlated = CorrelatedLoss(share: 0.3, correlation: 0.5)
        return [
            Measurement(
                node: "n2", fault: "delay: 20ms",
                readings: [
                    Measurement.time("least delay, ms", 20, late, "least_ms"),
                    Measurement.time("p50 of the delay, ms", 20, late, "p50_ms"),
                    Measurement.share("lost", 0, Measurement.lost),
                ]),
            Measurement(
                node: "n3", fault: "loss: 5%",
                readings: [
                    Measurement.share("lost", 0.05, Measurement.lost),
                    Measurement.burst(1 / 0.95, share: 0.05),
                ]),
            Measurement(
                node: "n4", fault: "loss: 30% 50%",
                readings: [
                    Measurement.share(
                        "lost", correlated.lost, spread: correlated.spread, Measurement.lost),
                    Measurement.burst(correlated.burst, share: correlated.lost),
                ]),
            Self.gilbertElliott("n5", p: 0.02, r: 0.2),
            Measurement(
                node: "n6", fault: "duplicate: 10%",
                readings: [
                    Measurement.share("doubled", 0.1, Measurement.doubled),
                    Measurement.share("lost", 0, Measurement.lost),
                ]),
            // Whoever receives throws away what fails its checksum.
            Measurement(
                node: "n7", fault: "corrupt: 5%",
                readings: [Measurement.share("fail their checksum", 0.05, Measurement.lost)]),
            Measurement(
                node: "n8",
                fault: "delay: { latency: 20ms, jitter: 2ms, distribution: normal }",
                readings: Measurement.spread(late) { 20 + 2 * Self.normal.quantile($0) }),
            Measurement(
                node: "n9", fault: "delay: { latency: 20ms, jitter: 5ms, distribution: uniform }",
                readings: Measurement.spread(late) { 20 + 5 * (2 * $0 - 1) }),
            Measurement(
                node: "n10", fault: "delay: { latency: 20ms, jitter: 2ms, distribution: pareto }",
                readings: Measurement.spread(late) { 20 + 2 * Self.pareto.quantile($0) }),
            Measurement(
                node: "n11", fault: "delay: 20ms, reorder: 10%",
                readings: [Measurement.share("sent ahead", 0.1, Measurement.ahead)]),
            Measurement(node: "n12", fault: "rate: 2mbit", readings: [Measurement.rate(2)]),
        ]
    }()

    /// Two states: one loses nothing, the other everything. Its memory is `1 − p − r`.
    private static func gilbertElliott(_ node: String, p: Double, r: Double) -> Measurement {
        let memory = 1 - p - r
        let percent = { (share: Double) in "\((share * 1000).rounded() / 10)%" }
        return Measurement(
            node: node, fault: "loss: { gemodel: { p: \(percent(p)), r: \(percent(r)) } }",
            readings: [
                Measurement.share(
                    "lost", p / (p + r), spread: (1 + memory) / (1 - memory), Measurement.lost),
                Measurement.burst(1 / r, share: p / (p + r)),
            ])
    }

    private static let normal = SortedTable(.normal)
    private static let pareto = SortedTable(.pareto)
}

/// A table of delays by how many are shorter, in jitters.
private struct SortedTable {
    private let values: [Double]

    init(_ table: DistributionTable) {
        self.values = table.values.sorted().map { Double($0) / Double(DistributionTable.scale) }
    }

    func quantile(_ share: Double) -> Double {
        self.values[min(self.values.count - 1, Int(share * Double(self.values.count)))]
    }
}

/// What netem's correlation makes of a loss: each draw is `(1 − ρ)·random + ρ·last`. There is no formula for how
/// often that is below a threshold, so the recursion is followed here, with numbers of its own.
private struct CorrelatedLoss {
    private(set) var lost = 0.0
    private(set) var burst = 0.0
    /// By how much more the share varies than without correlation: `1 + 2·Σ` of the autocorrelations.
    private(set) var spread = 1.0

    init(share: Double, correlation: Double) {
        let count = 1_000_000
        let numbers = Seed(0xc0).derived("expected")
        var last = 0.5
        let losses = (0..<count).map { index in
            let random = Double(numbers.word32(at: UInt64(index))) / Double(UInt32.max)
            last = (1 - correlation) * random + correlation * last
            return last <= share
        }
        let total = losses.count { $0 }
        let runs = zip([false] + losses, losses).count { !$0 && $1 }
        self.lost = Double(total) / Double(count)
        self.burst = Double(total) / Double(max(1, runs))
        let variance = self.lost * (1 - self.lost)
        for distance in 1...20 {
            let both = zip(losses, losses.dropFirst(distance)).count { $0 && $1 }
            let together = Double(both) / Double(count - distance)
            self.spread += 2 * (together - self.lost * self.lost) / variance
        }
    }
}
