/// Aligned columns with a heading, two spaces apart.
package struct TextTable {
    /// How a column is aligned.
    package enum Alignment: Sendable { case left, right }

    private let headings: [String]
    private let alignments: [Alignment]
    private var rows: [[StyledText]] = []

    /// Makes an empty table; columns are aligned left unless `right` names their heading.
    package init(_ headings: [String], right: [String] = []) {
        self.headings = headings
        self.alignments = headings.map { right.contains($0) ? .right : .left }
    }

    /// Whether there are no rows.
    package var isEmpty: Bool { self.rows.isEmpty }

    /// Adds a row; missing cells are empty, cells beyond the headings are a mistake.
    package mutating func add(_ cells: [StyledText]) {
        precondition(cells.count <= self.headings.count, "a row has at most one cell a column")
        let missing = self.headings.count - cells.count
        self.rows.append(cells + Array(repeating: StyledText(""), count: missing))
    }

    /// The lines without trailing spaces.
    package func lines(_ style: TerminalStyle) -> [String] {
        let all = [self.headings.map { StyledText($0, .faint) }] + self.rows
        let widths = self.headings.indices.map { column in
            all.map { $0[column].width }.max() ?? 0
        }
        return all.map { row in
            var line = ""
            var padding = 0
            for (column, cell) in row.enumerated() {
                let space = widths[column] - cell.width
                if column > 0 { padding += 2 }
                if self.alignments[column] == .right { padding += space }
                // Padding is owed until something follows, so that no line ends with spaces.
                if cell.width > 0 {
                    line += String(repeating: " ", count: padding) + style.text(cell)
                    padding = 0
                } else if self.alignments[column] == .right {
                    continue
                }
                if self.alignments[column] == .left { padding += space }
            }
            return line
        }
    }
}
