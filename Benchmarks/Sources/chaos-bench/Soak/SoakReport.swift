import Foundation

/// The numbers of a soak, and what is wrong with them.
struct SoakReport {
    private(set) var rows: [(name: String, value: String)] = []
    private(set) var failures: [String] = []

    mutating func note(_ name: String, _ value: String) { self.rows.append((name, value)) }

    /// Notes a number and whether it is as it must be.
    mutating func judge(_ name: String, _ value: String, _ isGood: Bool, _ rule: String) {
        self.rows.append((name, "\(value)  \(isGood ? "ok" : "FAILED"): \(rule)"))
        if !isGood { self.failures.append("\(name): \(rule), found \(value)") }
    }

    mutating func fail(_ sentence: String) { self.failures.append(sentence) }

    /// The rows, then the verdict.
    var text: String {
        let width = self.rows.map(\.name.count).max() ?? 0
        let rows = self.rows.map { row in
            row.name + String(repeating: " ", count: width - row.name.count) + "  " + row.value
        }
        let shown = 20
        var verdict =
            self.failures.isEmpty
            ? ["soak passed"] : ["soak FAILED:"] + self.failures.prefix(shown).map { "  \($0)" }
        if self.failures.count > shown {
            verdict.append("  and \(self.failures.count - shown) more")
        }
        return (rows + verdict).joined(separator: "\n")
    }
}
