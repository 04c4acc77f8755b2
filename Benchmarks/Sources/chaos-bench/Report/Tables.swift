import Foundation

/// The result as Markdown tables.
struct Tables {
    let samples: Samples
    let plan: Plan

    var text: String {
        """
        Ratios to HAProxy as Debian ships it, each taken within one repeat: median (least to \
        greatest) of \(self.plan.repeats) repeats, memory of \(self.plan.memoryRepeats).
        ↑ more is better, ↓ less is better.

        \(self.table(self.targets.filter { $0 != Target.reference }, Figure.compared) {
            self.ratioCell($0, $1)
        })

        Values, same order.

        \(self.table(self.targets, Figure.compared) { self.valueCell($0, $1) })

        A delay of 10 ms asked of chaos: how much later than 10 ms requests of 64 bytes reached the \
        server (the way through the proxy included), and the throughput under it.

        \(self.table([.delayed], Figure.ofDelay) { self.valueCell($0, $1) })
        """
    }

    /// Those that were measured and are compared.
    private var targets: [Target] { Target.compared.filter { self.plan.targets.contains($0) } }

    private func table(
        _ targets: [Target], _ figures: [Figure], _ cell: (Figure, Target) -> String
    ) -> String {
        let head = ["", ""] + targets.map(\.title)
        let measured = figures.filter { figure in
            targets.contains { !self.samples.series(figure, $0).isEmpty }
        }
        let rows = measured.map { figure in
            [
                "\(figure.title), \(figure.unit)", figure.isHigherBetter ? "↑" : "↓",
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

    private func ratioCell(_ figure: Figure, _ target: Target) -> String {
        Self.cell(self.samples.ratio(figure, target), digits: 2)
    }

    private func valueCell(_ figure: Figure, _ target: Target) -> String {
        Self.cell(self.samples.spread(figure, target), digits: figure.digits)
    }

    private static func cell(_ spread: Spread?, digits: Int) -> String {
        guard let spread else { return "–" }
        func number(_ value: Double) -> String { String(format: "%.\(digits)f", value) }
        return number(spread.median)
            + " (\(number(spread.least)) to \(number(spread.greatest)))"
    }
}
