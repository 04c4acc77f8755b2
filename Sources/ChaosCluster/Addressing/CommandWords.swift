import ChaosCore

/// Splits a command into words as a shell does, without being one.
///
/// Spaces, tabs and line ends separate words. Single quotes keep everything, double quotes and
/// bare text know the backslash (POSIX Shell Command Language, section 2.2). Nothing is expanded.
enum CommandWords {
    /// What a shell would take as its own and a program as an argument nobody meant.
    private static let operators: Set<String> = [
        "|", "||", "&", "&&", ";", "<", ">", "<<", ">>", "2>", "2>&1", "&>",
    ]

    /// The words of a command.
    ///
    /// - Throws: `InputError` for a quote that stays open, a bare shell operator, or no word.
    static func split(_ text: String) throws(InputError) -> [String] {
        var words: [String] = []
        var word = ""
        var isWord = false
        var isQuoted = false
        func finish() throws(InputError) {
            if isWord {
                if !isQuoted, self.operators.contains(word) {
                    throw InputError(
                        "a command runs without a shell", found: word,
                        hint: "write  sh -c '…'  or put quotes around it")
                }
                words.append(word)
            }
            (word, isWord, isQuoted) = ("", false, false)
        }
        var rest = text[...]
        while let character = rest.popFirst() {
            switch character {
            case " ", "\t", "\n", "\r", "\r\n": try finish()
            case "'":
                guard let end = rest.firstIndex(of: "'") else { throw self.openQuote(text) }
                word += rest[..<end]
                rest = rest[rest.index(after: end)...]
                (isWord, isQuoted) = (true, true)
            case "\"":
                word += try self.doubleQuoted(&rest, in: text)
                (isWord, isQuoted) = (true, true)
            case "\\":
                guard let next = rest.popFirst() else {
                    throw InputError("a backslash must have a character behind it", found: text)
                }
                // A backslash at the end of a line joins it with the next one.
                if !next.isNewline { word.append(next) }
                (isWord, isQuoted) = (isWord || !next.isNewline, true)
            default:
                word.append(character)
                isWord = true
            }
        }
        try finish()
        if words.isEmpty { throw InputError("a command must name a program", found: text) }
        return words
    }

    private static func doubleQuoted(
        _ rest: inout Substring, in text: String
    ) throws(InputError) -> String {
        var word = ""
        while let character = rest.popFirst() {
            if character == "\"" { return word }
            guard character == "\\" else {
                word.append(character)
                continue
            }
            guard let next = rest.popFirst() else { break }
            if next.isNewline { continue }
            if !"$`\"\\".contains(next) { word.append("\\") }
            word.append(next)
        }
        throw self.openQuote(text)
    }

    private static func openQuote(_ text: String) -> InputError {
        InputError("a command must close its quotes", found: text)
    }
}
