import ChaosReport
import Foundation

/// A table for people; programs get lines with tabs.
struct ToxicTable {
    let headers: [String]
    var rows: [[StyledText]] = []
    /// What to do next.
    var hint: String?

    /// Whether somebody looks at standard output.
    static var isSeen: Bool { isatty(STDOUT_FILENO) == 1 }

    func print() {
        let style = TerminalStyle(
            isTerminal: Self.isSeen, environment: ProcessInfo.processInfo.environment)
        for line in self.lines(style) { printOutput(line) }
    }

    /// The lines, columns aligned.
    func lines(_ style: TerminalStyle) -> [String] {
        let head = self.headers.map { StyledText($0, .strong) }
        let all = [head] + self.rows
        let widths = self.headers.indices.map { column in
            all.map { $0[column].text.count }.max() ?? 0
        }
        func line(_ cells: [StyledText]) -> String {
            let padded = cells.enumerated().map { column, cell in
                let isLast = column == cells.count - 1
                let space = isLast ? 0 : widths[column] - cell.text.count + 2
                return style.text(cell) + String(repeating: " ", count: space)
            }
            return padded.joined()
        }
        let rule = String(repeating: "=", count: widths.reduce(0, +) + 2 * (widths.count - 1))
        var lines = [line(head), rule] + self.rows.map(line)
        if let hint = self.hint { lines += ["", style.text(StyledText("Hint: \(hint)", .faint))] }
        return lines
    }
}
