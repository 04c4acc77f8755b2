/// A median with the least and the greatest value.
struct Spread: Codable, Equatable, Sendable {
    let median: Double
    let least: Double
    let greatest: Double

    /// `nil` without values.
    init?(_ values: [Double]) {
        let sorted = values.filter(\.isFinite).sorted()
        guard let least = sorted.first, let greatest = sorted.last else { return nil }
        let middle = sorted.count / 2
        self.median =
            sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
        self.least = least
        self.greatest = greatest
    }
}

/// All values that were measured, by figure and target and in the order of repeats.
struct Samples: Sendable {
    /// A value is `nil` where its measurement failed.
    private var values: [Figure: [Target: [Double?]]] = [:]

    /// Notes the value of a repeat, counted from 0.
    mutating func note(_ value: Double, _ figure: Figure, _ target: Target, repeat index: Int) {
        var series = self.values[figure]?[target] ?? []
        while series.count <= index { series.append(nil) }
        series[index] = value
        self.values[figure, default: [:]][target] = series
    }

    func series(_ figure: Figure, _ target: Target) -> [Double?] {
        self.values[figure]?[target] ?? []
    }

    func spread(_ figure: Figure, _ target: Target) -> Spread? {
        Spread(self.series(figure, target).compactMap { $0 })
    }

    /// The ratio to the reference, each repeat with its own neighbour in time.
    func ratio(_ figure: Figure, _ target: Target) -> Spread? {
        let pairs = zip(
            self.series(figure, target), self.series(figure, target.reference))
        return Spread(
            pairs.compactMap { value, reference in
                guard let value, let reference, reference > 0 else { return nil }
                return value / reference
            })
    }

    private mutating func deriveShare(
        _ share: Figure, of target: Target, above base: Target, count: Int
    ) {
        if count < 1 { return }
        let pairs = zip(self.series(.programMemory, target), self.series(.programMemory, base))
        for (index, pair) in pairs.enumerated() {
            guard let value = pair.0, let base = pair.1 else { continue }
            self.note((value - base) * 1024 / Double(count), share, target, repeat: index)
        }
    }

    /// Adds what follows from measured values: how much longer than direct a round trip takes, and
    /// how much memory a link and a fault cost.
    mutating func derive(links: Int = 1) {
        self.deriveShare(.memoryPerLink, of: .links, above: .chaos, count: links - 1)
        self.deriveShare(.memoryPerFault, of: .linkFaults, above: .links, count: links)
        for (median, added) in [
            (Figure.roundTrip1Median, Figure.addedRoundTrip1),
            (.roundTrip16Median, .addedRoundTrip16),
        ] {
            let direct = self.series(median, .direct)
            for target in Target.compared where target != .direct {
                let pairs = zip(self.series(median, target), direct)
                for (index, pair) in pairs.enumerated() {
                    guard let value = pair.0, let base = pair.1 else { continue }
                    self.note(value - base, added, target, repeat: index)
                }
            }
        }
    }
}
