/// Says what is wrong with something that a person wrote.
///
/// It reads as one sentence, `rule, found 'value'`, with a hint behind it. Whoever knows where the
/// value stood puts the place in front: `file:line:column: rule, found 'value'`.
package struct InputError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rule that was broken: lowercase, without a full stop.
    package var rule: String
    /// What was written instead, word for word.
    package var found: String?
    /// What to write instead, where that is known.
    package var hint: String?

    /// Makes an error from the rule, what was found, and a hint.
    package init(_ rule: String, found: String? = nil, hint: String? = nil) {
        self.rule = rule
        self.found = found
        self.hint = hint
    }

    /// The sentence, and the hint on a line of its own.
    package var description: String { self.sentence + (self.hint.map { "\nhint: \($0)" } ?? "") }

    /// The sentence without the hint.
    package var sentence: String { self.rule + (self.found.map { ", found '\($0)'" } ?? "") }
}

/// Finds the word that somebody may have meant.
package enum Suggestion {
    /// The known word nearest to a mistyped one, if it is at most two edits away: one for words of
    /// three letters, none but the case for shorter ones, which are near to everything.
    package static func nearest(to word: String, among known: [String]) -> String? {
        let limit = max(0, min(2, word.count - 2))
        return known.map { (word: $0, distance: Self.distance(word.lowercased(), $0.lowercased())) }
            .filter { $0.distance <= limit }
            .min { $0.distance < $1.distance }?.word
    }

    /// A hint that names the nearest known word, or else all of them.
    package static func hint(for word: String, among known: [String]) -> String {
        if let nearest = Self.nearest(to: word, among: known) {
            return "did you mean '\(nearest)'?"
        }
        return "known are \(known.joined(separator: ", "))"
    }

    /// How many letters must be changed, added, removed or swapped with their neighbour to turn one
    /// word into the other (optimal string alignment).
    package static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left)
        let right = Array(right)
        var rows = [Array(0...right.count)]
        for i in 0..<left.count {
            var row = [i + 1]
            for j in 0..<right.count {
                var cost = min(rows[i][j] + (left[i] == right[j] ? 0 : 1), rows[i][j + 1] + 1)
                cost = min(cost, row[j] + 1)
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    cost = min(cost, rows[i - 1][j - 1] + 1)
                }
                row.append(cost)
            }
            rows.append(row)
        }
        return rows[left.count][right.count]
    }
}
