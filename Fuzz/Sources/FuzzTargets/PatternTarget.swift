import ChaosCore
import ChaosScenario

extension FuzzTarget {
    /// Patterns of log lines: the pattern, a line feed, the line.
    ///
    /// Both are short, because an author's own expression may take exponential time on a long line.
    static let pattern = FuzzTarget(
        "pattern", "patterns that nodes' output is compared with",
        seeds: [
            "ready\nis ready now", "/became (leader|follower)/\nn1 became leader",
            "/^[a-z]+\\d{2,3}$/\nab12", "/(?i)x(?=y)\\b/\nXy", "//\n/", "/[[:alpha:]]/\na",
        ]
    ) { bytes in
        guard let text = text(bytes) else { return }
        let parts = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count <= 24, parts[1].utf8.count <= 16 else { return }
        guard let pattern = try? LogPattern(parsing: String(parts[0])) else { return }
        try requireSame(pattern.text, String(parts[0]), "the pattern's text")
        let isFound = pattern.matches(String(parts[1]))
        try requireSame(pattern.matches(String(parts[1])), isFound, "the same line, asked again")
    }
}
