/// Text and what it means, for terminals that have colours.
package struct StyledText: Hashable, Sendable, ExpressibleByStringLiteral {
    /// What a colour says.
    package enum Tone: Sendable {
        case plain, faint, strong, good, bad, uncertain
    }

    /// The text.
    package var text: String
    /// What it means.
    package var tone: Tone

    /// Makes text.
    package init(_ text: String, _ tone: Tone = .plain) {
        self.text = text
        self.tone = tone
    }

    package init(stringLiteral value: String) { self.init(value) }

    /// How many columns it takes; names, numbers and units are one column a letter.
    var width: Int { self.text.count }
}

/// Whether text is coloured.
package struct TerminalStyle: Hashable, Sendable {
    /// Whether colours are used.
    package let isColoured: Bool

    /// Makes a style.
    package init(isColoured: Bool) { self.isColoured = isColoured }

    /// No colours.
    package static let plain = TerminalStyle(isColoured: false)

    /// Colours only on a terminal, and never when `NO_COLOR` is set to anything (no-color.org).
    package init(isTerminal: Bool, environment: [String: String]) {
        let isRefused = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        self.init(isColoured: isTerminal && !isRefused && environment["TERM"] != "dumb")
    }

    /// The text with its colour (ECMA-48, SGR).
    package func text(_ styled: StyledText) -> String {
        guard self.isColoured, let code = Self.code(of: styled.tone) else { return styled.text }
        return "\u{1B}[\(code)m\(styled.text)\u{1B}[0m"
    }

    private static func code(of tone: StyledText.Tone) -> Int? {
        switch tone {
        case .plain: nil
        case .strong: 1
        case .faint: 2
        case .bad: 31
        case .good: 32
        case .uncertain: 33
        }
    }
}
