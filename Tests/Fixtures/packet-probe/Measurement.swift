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
        /// One standard deviation of what chance leaves of so many packets.
        let deviation: @Sendable (_ packets: Double) -> Double
        /// By how much more it may be above what was asked, if it is a time: nobody is woken at once.
        var late: Double?
        let value: @Sendable (JSONValue) -> Double

        /// What 4.5 deviations leave: chance exceeds that once in 150 000 times.
        ///
        /// - Parameter slack: How late packets were that were to have no delay, in the same run.
        func allowed(_ packets: Double, slack: Double) -> ClosedRange<Double> {
            let chance = 4.5 * self.deviation(packets) + Self.rounding
            let late = self.late.map { $0 + slack } ?? 0
            return self.asked - chance...self.asked + late + chance
        }

        /// How far two that were asked for the same may be apart.
        func allowedApart(_ some: Double, _ others: Double, slack: Double) -> Double {
            let (first, second) = (self.deviation(some), self.deviation(others))
            return 4.5 * (first * first + second * second).squareRoot()
                + (self.late.map { $0 + slack } ?? 0) + 2 * Self.rounding
        }

        /// Values are told with three digits.
        private static let rounding = 0.001
    }

    /// A share of all packets. `spread` is by how much more the variance is than a binomial distribution's
    /// where draws follow each other.
    static func share(
        _ name: String, _ asked: Double, spread: Double = 1,
        _ value: @escaping @Sendable (JSONValue) -> Double
    ) -> Reading {
        Reading(
            name: name, asked: asked,
            deviation: { (asked * (1 - asked) * spread / $0).squareRoot() }, value: value)
    }

    /// A time in milliseconds that has no chance in it: never early, and late by no more than so many.
    static func time(
        _ name: String, _ asked: Double, _ late: Double, _ key: String
    ) -> Reading {
        Reading(
            name: name, asked: asked, deviation: { _ in 0 }, late: late,
            value: { Self.number($0, key) })
    }

    /// Of delays that spread, the median and how far the middle half reaches: one hiccup of the machine moves a
    /// mean, and not these.
    ///
    /// - Parameter quantile: The delay in milliseconds below which a share of packets is.
    static func spread(
        _ late: Double, quantile: @escaping @Sendable (Double) -> Double
    ) -> [Reading] {
        // The standard error of a quantile, √(q(1 − q)/n)/f, with the distribution's slope for 1/f.
        @Sendable func error(_ share: Double, _ packets: Double) -> Double {
            let slope = (quantile(share + 0.01) - quantile(share - 0.01)) / 0.02
            return (share * (1 - share) / packets).squareRoot() * slope
        }
        return [
            Reading(
                name: "p50 of the delay, ms", asked: quantile(0.5),
                deviation: { error(0.5, $0) }, late: late, value: { Self.number($0, "p50_ms") }),
            Reading(
                name: "p75 - p25 of the delay, ms", asked: quantile(0.75) - quantile(0.25),
                deviation: { error(0.25, $0) + error(0.75, $0) }, late: late,
                value: { Self.number($0, "p75_ms") - Self.number($0, "p25_ms") }),
        ]
    }

    /// A rate in Mbit/s, of a queue that never runs empty: within a fiftieth, because netem counts the header of
    /// Ethernet, and the packet switch lets a burst go first.
    static func rate(_ asked: Double) -> Reading {
        Reading(
            name: "rate, Mbit/s", asked: asked, deviation: { _ in asked * 0.02 / 4.5 },
            value: { Self.number($0, "mbit_per_s") })
    }

    static func number(_ json: JSONValue, _ key: String) -> Double {
        json[key]?.doubleValue ?? json[key]?.intValue.map { Double($0) } ?? .nan
    }

    static func lost(_ json: JSONValue) -> Double {
        1 - Self.number(json, "distinct") / Self.number(json, "sent")
    }

    static func doubled(_ json: JSONValue) -> Double {
        Self.number(json, "received") / Self.number(json, "distinct") - 1
    }

    static func ahead(_ json: JSONValue) -> Double {
        Self.number(json, "ahead") / Self.number(json, "distinct")
    }

    /// Losses in a row, where each is followed by another with some probability: lengths are geometric.
    static func burst(_ mean: Double, share: Double) -> Reading {
        let stays = 1 - 1 / mean
        return Reading(
            name: "losses in a row", asked: mean,
            // There is a run for each `mean / share` packets.
            deviation: { stays.squareRoot() * mean / ($0 * share / mean).squareRoot() },
            value: { Self.number($0, "burst") })
    }
}
