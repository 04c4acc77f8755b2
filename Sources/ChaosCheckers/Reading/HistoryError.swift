/// Says where a history file cannot be read, and why.
package struct HistoryError: Error, Hashable, CustomStringConvertible {
    /// The line, counted from 1.
    package let line: Int
    /// The byte in the line, counted from 1; `nil` where the whole line is meant.
    package let column: Int?
    /// The rule that was broken.
    package let rule: String

    init(line: Int, column: Int? = nil, rule: String) {
        self.line = line
        self.column = column
        self.rule = rule
    }

    /// One sentence: where and what.
    package var description: String {
        let place = self.column.map { "line \(self.line), column \($0)" } ?? "line \(self.line)"
        return "\(place): \(self.rule)"
    }
}
