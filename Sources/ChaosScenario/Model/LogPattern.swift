import ChaosCore

/// What a line of a node's output is compared with: a text that it contains, or, between slashes, a
/// regular expression that matches somewhere in it.
package struct LogPattern: Sendable {
    /// The pattern as written.
    package let text: String
    private let expression: Expression?

    /// A compiled expression.
    ///
    /// `Regex` is not `Sendable` because it may hold closures; one made from a text holds none, and
    /// it compiles itself lazily but atomically, so that several threads may match with it.
    private struct Expression: @unchecked Sendable {
        let regex: Regex<AnyRegexOutput>
    }

    /// Reads a pattern.
    ///
    /// - Throws: `InputError` when the pattern is empty or no regular expression.
    package init(parsing text: String) throws(InputError) {
        let rule = "a log pattern is a text, or a regular expression between slashes"
        if text.isEmpty { throw InputError(rule, found: text) }
        self.text = text
        guard text.count > 2, text.hasPrefix("/"), text.hasSuffix("/") else {
            self.expression = nil
            return
        }
        let source = String(text.dropFirst().dropLast())
        do { self.expression = Expression(regex: try Regex(source)) } catch {
            throw InputError(rule, found: text)
        }
    }

    /// Whether a line, without its newline, matches.
    package func matches(_ line: String) -> Bool {
        guard let regex = self.expression?.regex else { return line.contains(self.text) }
        // An expression that cannot be applied to a line does not match it.
        return (try? regex.firstMatch(in: line)) != nil
    }
}
