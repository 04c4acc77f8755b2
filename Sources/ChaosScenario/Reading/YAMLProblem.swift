import ChaosCore
import Yams

/// Says in our words what the YAML parser could not read.
enum YAMLProblem {
    /// The error, and the line and column where it stands, from 1.
    static func describe(_ error: YamlError) -> (InputError, line: Int, column: Int) {
        switch error {
        case .scanner(let context, let problem, let mark, let yaml),
            .parser(let context, let problem, let mark, let yaml),
            .composer(let context, let problem, let mark, let yaml):
            let rest = Self.rest(of: yaml, at: mark)
            let hint = Self.hint(problem: problem, context: context?.text ?? "", rest: rest)
            let found = rest.isEmpty ? nil : String(rest.prefix(40))
            let rule = "this is not YAML: " + Self.plain(problem)
            return (InputError(rule, found: found, hint: hint), mark.line, mark.column)
        case .reader(_, let offset, let value, let yaml):
            let (line, column) = Self.place(of: offset ?? 0, in: yaml)
            let code = value < 0 ? "" : "U+" + String(value, radix: 16, uppercase: true)
            let rule = "a YAML file is UTF-8 text without control characters"
            return (InputError(rule, found: code.isEmpty ? nil : code), line, column)
        default:
            return (InputError("this is not YAML"), 1, 1)
        }
    }

    private static func plain(_ problem: String) -> String {
        if problem.contains("nesting level") { return "it nests too deep" }
        if problem.contains("another document") { return "a file holds one document" }
        return problem
    }

    private static func hint(problem: String, context: String, rest: String) -> String? {
        if context.contains("alias") || problem.contains("undefined alias") {
            return "a text that begins with '*' needs quotes, as in \"*->n2\""
        }
        if problem.contains("another document") { return "remove the line '---' in between" }
        if rest.isEmpty { return "something that opens with '{', '[' or a quote is not closed" }
        if problem.contains("cannot start any token") {
            if rest.hasPrefix("\t") { return "indent with spaces, not with tabs" }
            return "put the text in quotes"
        }
        if problem.contains("mapping values are not allowed") {
            return "indent keys alike, and put a text that contains ': ' in quotes"
        }
        if problem.contains("expected ',' or") { return "a text in {…} or […] may need quotes" }
        if problem.contains("expected key") || problem.contains("'-' indicator") {
            return "indent the keys of one mapping alike"
        }
        return nil
    }

    private static func rest(of yaml: String, at mark: Mark) -> String {
        let lines = yaml.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        guard mark.line >= 1, mark.line <= lines.count else { return "" }
        var text = String(lines[mark.line - 1].unicodeScalars.dropFirst(max(0, mark.column - 1)))
        while text.last == " " { text.removeLast() }
        return text
    }

    private static func place(of offset: Int, in yaml: String) -> (line: Int, column: Int) {
        var (line, column) = (1, 1)
        for character in yaml.prefix(offset) {
            if character.isNewline { (line, column) = (line + 1, 1) } else { column += 1 }
        }
        return (line, column)
    }
}
