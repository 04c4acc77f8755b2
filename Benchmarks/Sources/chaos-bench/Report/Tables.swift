import Foundation

/// The result as Markdown tables.
struct Tables {
    let samples: Samples
    let plan: Plan

    /// The tables with what stands above each; those without rows are left out.
    var text: String {
        func ratioCell(_ figure: Figure, _ target: Target) -> String {
            Self.cell(self.samples.ratio(figure, target), digits: 2)
        }
        let ratios = self.table(
            self.targets.filter { $0 != Target.reference }, Figure.compared, ratioCell)
        let values = self.table(self.targets, Figure.compared) { self.valueCell($0, $1) }
        let many = Target.many.filter { self.plan.targets.contains($0) }
        let manyRatios = self.table(many, Figure.comparedWithMany, ratioCell)
        let manyValues = self.table(
            (many.isEmpty ? [] : [.chaos]) + many, Figure.comparedWithMany
        ) { self.valueCell($0, $1) }
        let control =
            many.isEmpty
            ? self.table([.chaos], Figure.ofMany) { self.valueCell($0, $1) } : nil
        let delays = self.table([.direct, .delayed], Figure.ofDelay) { self.valueCell($0, $1) }
        let hasRatios = self.plan.targets.contains(Target.reference)
        return [
            hasRatios ? ratios.map { "\(self.ratioIntroduction)\n\n\($0)" } : nil,
            values.map { "Values: median (least to greatest).\n\n\($0)" },
            delays.map { "\(self.delayIntroduction)\n\n\($0)" },
            manyRatios.map { "\(self.manyIntroduction)\n\n\($0)" },
            manyValues.map { "Their values.\n\n\($0)" },
            control,
            self.plan.limited.isEmpty ? nil : self.plan.limited.joined(separator: "\n"),
        ].compactMap { $0 }.joined(separator: "\n\n")
    }

    private var ratioIntroduction: String {
        """
        Ratios to HAProxy as Debian ships it, each taken within one repeat: median (least to \
        greatest) of \(self.plan.repeats) repeats, memory of \(self.plan.memoryRepeats).
        ↑ more is better, ↓ less is better.
        """
    }

    private var delayIntroduction: String {
        """
        A delay of 10 ms asked of chaos: how much later than 10 ms requests of 64 bytes reached the
        server (the way through the proxy included), and the throughput under it. *direct*: how long they
        took without a proxy and a delay, from a client and to a server that slept for 10 ms before each.
        """
    }

    private var manyIntroduction: String {
        """
        What \(self.plan.links) links and \(self.plan.links) active faults cost one link: ratios \
        to chaos with one link, of "\(Target.linkFaults.title)" to "\(Target.fault.title)".
        The fault is a loss of one block in 10⁹, so it is decided for every 1448 bytes.
        """
    }

    /// Those that were measured and are compared.
    private var targets: [Target] { Target.compared.filter { self.plan.targets.contains($0) } }

    private func table(
        _ targets: [Target], _ figures: [Figure], _ cell: (Figure, Target) -> String
    ) -> String? {
        let head = ["", ""] + targets.map(\.title)
        let measured = figures.filter { figure in
            targets.contains { cell(figure, $0) != Self.nothing }
        }
        if measured.isEmpty { return nil }
        let rows = measured.map { figure in
            [
                "\(figure.title(self.plan)), \(figure.unit)", figure.isHigherBetter ? "↑" : "↓",
            ] + targets.map { cell(figure, $0) }
        }
        let widths = head.indices.map { column in
            ([head] + rows).map { $0[column].count }.max() ?? 0
        }
        func line(_ cells: [String]) -> String {
            let padded = zip(cells, widths).enumerated().map { column, pair in
                let space = String(repeating: " ", count: pair.1 - pair.0.count)
                return column < 2 ? pair.0 + space : space + pair.0
            }
            return "| " + padded.joined(separator: " | ") + " |"
        }
        let rule = widths.enumerated().map { column, width in
            column < 2
                ? String(repeating: "-", count: max(width, 1))
                : String(repeating: "-", count: max(width, 2) - 1) + ":"
        }
        let ruleLine = "| " + rule.joined(separator: " | ") + " |"
        return ([line(head), ruleLine] + rows.map(line)).joined(separator: "\n")
    }

    private func valueCell(_ figure: Figure, _ target: Target) -> String {
        Self.cell(self.samples.spread(figure, target), digits: figure.digits)
    }

    private static let nothing = "–"

    private static func cell(_ spread: Spread?, digits: Int) -> String {
        guard let spread else { return Self.nothing }
        func number(_ value: Double) -> String { String(format: "%.\(digits)f", value) }
        return number(spread.median)
            + " (\(number(spread.least)) to \(number(spread.greatest)))"
    }
}
