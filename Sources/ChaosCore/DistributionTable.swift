/// An inverse cumulative distribution as netem keeps it: equally likely values, each in units of
/// 1/8192 of the jitter (`NETEM_DIST_SCALE`).
package struct DistributionTable: Hashable, Sendable {
    /// The values, in the order that the table lists them; at least one.
    package let values: [Int16]

    /// What a value of one jitter is in the table.
    package static let scale: Int64 = 8192

    /// The most values that the kernel takes (`NETEM_DIST_MAX`).
    package static let countMax = 16_384

    /// Makes a table of at least one value.
    package init(_ values: [Int16]) {
        precondition(!values.isEmpty, "a distribution table needs at least one value")
        self.values = values
    }

    /// Reads the text of one of netem's `.dist` files: whole numbers from −32768 to 32767 between
    /// spaces, and lines of comment that start with `#`.
    ///
    /// - Throws: `InputError` for anything else, for no values, and for more than 16384.
    package init(parsing text: String) throws(InputError) {
        var values: [Int16] = []
        for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
            for word in line.split(whereSeparator: \.isWhitespace) {
                guard let value = Int16(word) else {
                    throw InputError(
                        "a distribution table holds whole numbers from -32768 to 32767",
                        found: String(word))
                }
                values.append(value)
            }
        }
        if values.isEmpty || values.count > Self.countMax {
            throw InputError(
                "a distribution table holds 1 to \(Self.countMax) numbers",
                found: String(values.count))
        }
        self.values = values
    }

    /// The mean of the table, in jitters.
    package var mean: Double {
        let sum = self.values.reduce(into: Int64(0)) { $0 += Int64($1) }
        return Double(sum) / Double(self.values.count) / Double(Self.scale)
    }

    /// The standard deviation of the table, in jitters.
    package var spread: Double {
        let mean = self.mean * Double(Self.scale)
        let squares = self.values.reduce(into: 0.0) {
            $0 += (Double($1) - mean) * (Double($1) - mean)
        }
        return (squares / Double(self.values.count)).squareRoot() / Double(Self.scale)
    }
}

// MARK: - The tables that come with netem
//
// The rules are those by which iproute2 makes its `.dist` files (netem/normal.c, pareto.c and
// paretonormal.c, after NIST Net); the numbers come out the same.

extension DistributionTable {
    /// The standard normal distribution: mean −0.001, spread 1, from −4 to 3.52.
    package static let normal = DistributionTable(Self.normalValues.map { Self.clamped($0) })

    /// A Pareto distribution of shape 3, moved to mean 0 and stretched by 4/3, cut at 4.
    ///
    /// Without the cut the spread would be 2/√3; with it the spread is 0.82 and the mean −0.033.
    package static let pareto = DistributionTable(Self.paretoValues.map { Self.clamped($0) })

    /// A quarter of the normal and three quarters of the Pareto value of the same rank: mean
    /// −0.025, spread 0.83, from −1.5 to 3.88.
    package static let paretonormal = DistributionTable(
        zip(Self.normalValues, Self.paretoValues).map { normal, pareto in
            Self.clamped((normal + 3 * pareto) / 4)
        })

    private static let count = 4096

    /// The normal quantiles at (4i + ½)/16384, on the grid of 0.00005 that iproute2 searches.
    private static let normalValues: [Int] = {
        var values: [Int] = []
        var quantile = -4.0
        for index in 0..<Self.count {
            let probability = (Double(4 * index) + 0.5) / 16_384
            quantile = DistributionArithmetic.normalQuantile(probability, near: quantile)
            let onGrid = ((quantile + 10) / 0.00005).rounded(.down) * 0.00005 - 10
            values.append(Int((onGrid * Double(Self.scale)).rounded(.toNearestOrEven)))
        }
        return values
    }()

    /// (4/3)·(u^(−1/3) − 3/2) for u from 1 down to 1/4096; 3/2 is the mean of u^(−1/3).
    private static let paretoValues: [Int] = (0..<Self.count).map { index in
        let u = Double(Self.count - index) / Double(Self.count)
        let value = (DistributionArithmetic.inverseCubeRoot(u) - 1.5) * 4 / 3 * Double(Self.scale)
        return Int(min(value, 32_767).rounded(.toNearestOrEven))
    }

    private static func clamped(_ value: Int) -> Int16 { Int16(clamping: value) }
}
