import ChaosCore

/// One link of the scenario: what is asked of it, and how what came of it is read.
struct Measurement: Sendable {
    let node: String
    /// The faults, as a scenario has them.
    let fault: String
    let readings: [Reading]

    /// One number.
    struct Reading: Sendable {
        let name: String
        let asked: Double
        /// How far it may be off, with so many packets.
        let tolerance: @Sendable (_ packets: Double) -> ClosedRange<Double>
        let value: @Sendable (JSONValue) -> Double
    }

    /// A share of all packets: within 4.5 standard deviations of a binomial distribution, which chance leaves
    /// once in 150 000 times. `spread` is by how much more the variance is, where draws follow each other.
    private static func share(
        _ name: String, _ asked: Double, spread: Double = 1,
        _ value: @escaping @Sendable (JSONValue) -> Double
    ) -> Reading {
        Reading(
            name: name, asked: asked,
            tolerance: { packets in
                let bound = 4.5 * (asked * (1 - asked) * spread / packets).squareRoot()
                return asked - bound...asked + bound
            }, value: value)
    }

    /// A time in milliseconds: never early, and late by no more than so many.
    private static func time(
        _ name: String, _ asked: Double, _ late: Double, _ key: String
    ) -> Reading {
        Reading(
            name: name, asked: asked, tolerance: { _ in asked - 0.001...asked + late },
            value: { Self.number($0, key) })
    }

    /// A number that may be off by a share of itself.
    private static func about(
        _ name: String, _ asked: Double, within share: Double, _ key: String
    ) -> Reading {
        Reading(
            name: name, asked: asked,
            tolerance: { _ in asked * (1 - share)...asked * (1 + share) },
            value: { Self.number($0, key) })
    }

    static func number(_ json: JSONValue, _ key: String) -> Double {
        json[key]?.doubleValue ?? json[key]?.intValue.map { Double($0) } ?? .nan
    }

    private static func lost(_ json: JSONValue) -> Double {
        1 - Self.number(json, "distinct") / Self.number(json, "sent")
    }

    private static func doubled(_ json: JSONValue) -> Double {
        Self.number(json, "received") / Self.number(json, "distinct") - 1
    }

    static let all = [
        Measurement(
            node: "n2", fault: "delay: 50ms",
            readings: [
                Self.time("least delay, ms", 50, 20, "least_ms"),
                Self.time("p50 of the delay, ms", 50, 20, "p50_ms"),
                Self.share("lost", 0, Self.lost),
            ]),
        Measurement(
            node: "n3", fault: "loss: 20%", readings: [Self.share("lost", 0.2, Self.lost)]),
        Measurement(
            node: "n4", fault: "duplicate: 20%",
            readings: [
                Self.share("doubled", 0.2, Self.doubled), Self.share("lost", 0, Self.lost),
            ]),
        Measurement(
            node: "n5", fault: "delay: 40ms, reorder: 25%",
            readings: [
                Self.share("sent ahead", 0.25) {
                    Self.number($0, "early") / Self.number($0, "distinct")
                }
            ]),
        Measurement(
            node: "n6", fault: "rate: 150kbit",
            readings: [Self.about("rate, Mbit/s", 0.15, within: 0.1, "mbit_per_s")]),
        Measurement(
            node: "n7", fault: "delay: { latency: 60ms, jitter: 10ms, distribution: normal }",
            readings: [
                Self.about("mean delay, ms", 60, within: 0.25, "mean_ms"),
                Self.about("spread of the delay, ms", 10, within: 0.4, "sd_ms"),
            ]),
        Measurement(
            node: "n8", fault: "loss: { gemodel: { p: 5%, r: 25% } }",
            readings: [
                // Of the two states' chain, with a memory of 1 − p − r.
                Self.share("lost", 0.05 / 0.3, spread: 1.7 / 0.3, Self.lost),
                Reading(
                    name: "losses in a row", asked: 4,
                    // Lengths of runs are geometric; there is one for each 24 packets.
                    tolerance: { packets in
                        let bound = 4.5 * 12.0.squareRoot() / (packets / 24).squareRoot()
                        return max(1, 4 - bound)...4 + bound
                    }, value: { Self.number($0, "burst") }),
            ]),
    ]

    /// A scenario that measures all of it at once: n1 sends to everybody.
    static func scenario(backend: String, count: Int, interval: Int, program: String) -> String {
        let nodes = Self.all.map(\.node)
        let receivers = nodes.map { node in
            "  \(node): { command: \(program) receive 9000 n1, ports: { probe: 9000/udp } }"
        }
        let links = Self.all.map { "    n1->\($0.node): { \($0.fault) }" }
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
            schedule:
              # Before anything is sent: nothing of it may be left when it is over.
              - at: 0s
                for: 500ms
                links: n1->*
                delay: 300ms ± 50ms
                loss: { gemodel: { p: 50%, r: 50% } }
                duplicate: 50%
                corrupt: 50%
                rate: 50kbit
            """
    }
}
