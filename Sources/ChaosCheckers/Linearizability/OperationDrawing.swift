/// Draws operations as bars, one row a process, time to the right; each call and return has a column of its own.
///
/// ```
/// process 0  ├─write 1──────────┤
/// process 1        ├─read 2─┤            ◀
/// process 2  ├─write 3────────────────…
/// ```
struct OperationDrawing {
    struct Bar {
        let process: Int
        let label: String
        let begin: Int
        /// `nil` when nobody knows how it ended.
        let end: Int?
        /// Whether this is the one that has no place.
        let isMarked: Bool
    }

    private let bars: [Bar]
    private let window: ClosedRange<Int>
    private let earlierCrashed: Int

    private static let mostBars = 24
    private static let widest = 110

    init(_ bars: [Bar], window: ClosedRange<Int>, earlierCrashed: Int = 0) {
        self.bars = bars
        self.window = window
        self.earlierCrashed = earlierCrashed
    }

    var lines: [String] {
        // The last ones matter most: the marked one is among them.
        let bars = Array(self.bars.suffix(Self.mostBars))
        let columns = self.columns(bars)
        let names = bars.map { "process \($0.process)" }
        let width = names.map(\.count).max() ?? 0
        var lines: [String] = []
        var rows: [Int] = []
        for bar in bars where !rows.contains(bar.process) { rows.append(bar.process) }
        for process in rows {
            let name = "process \(process)"
            let row = self.row(bars.filter { $0.process == process }, columns)
            let padding = String(repeating: " ", count: width - name.count)
            lines.append("\(name)\(padding)  \(row)")
        }
        let hidden = self.bars.count - bars.count
        if hidden > 0 { lines.append("and \(counted(hidden, "earlier operation"))") }
        if self.earlierCrashed > 0 {
            lines.append(
                "and \(counted(self.earlierCrashed, "operation")) from before whose outcome nobody"
                    + " knows")
        }
        return lines
    }

    /// The column of every place that is drawn, wide enough for the labels.
    private func columns(_ bars: [Bar]) -> [Int: Int] {
        var places: Set<Int> = []
        for bar in bars {
            places.insert(max(bar.begin, self.window.lowerBound - 1))
            places.insert(min(bar.end ?? .max, self.window.upperBound + 1))
        }
        var columns: [Int: Int] = [:]
        var column = 0
        let sorted = places.sorted()
        for (index, place) in sorted.enumerated() {
            // A bar that ends here and began at the place before needs room for its label.
            for bar in bars
            where min(bar.end ?? .max, self.window.upperBound + 1) == place {
                let start = columns[max(bar.begin, self.window.lowerBound - 1)] ?? 0
                column = max(column, start + bar.label.count + 3)
            }
            columns[place] = column
            if index + 1 < sorted.count { column += 2 }
        }
        return columns
    }

    private func row(_ bars: [Bar], _ columns: [Int: Int]) -> String {
        var row = ""
        var isMarked = false
        for bar in bars {
            let start = columns[max(bar.begin, self.window.lowerBound - 1)] ?? 0
            let end = columns[min(bar.end ?? .max, self.window.upperBound + 1)] ?? 0
            if start > row.count { row += String(repeating: " ", count: start - row.count) }
            row += bar.begin < self.window.lowerBound ? "┄" : "├"
            row += "─" + bar.label
            let rest = end - row.count
            if rest > 0 { row += String(repeating: "─", count: rest) }
            let isOpen = bar.end.map { $0 > self.window.upperBound } ?? true
            row += isOpen ? "┄" : "┤"
            isMarked = isMarked || bar.isMarked
        }
        if row.count > Self.widest { row = String(row.prefix(Self.widest)) + "…" }
        return isMarked ? row + "  ◀ no place for it" : row
    }
}
