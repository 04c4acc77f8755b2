import ChaosCore
import Yams

/// Turns YAML text into nodes with places, or into one mistake; whatever the text, it ends.
struct YAMLComposer {
    private let file: String
    private let mistakes: MistakeList
    /// How many pieces of the tree may still be visited: aliases repeat what they name.
    private var budget = 50_000
    /// Letters that stand for others in keys written twice; see `compose`.
    private var disguises: [Unicode.Scalar: Unicode.Scalar] = [:]

    /// The letters of each line, for looking at what the tree does not tell.
    private var lines: [String.UnicodeScalarView.SubSequence] = []

    private static let deepest = 64
    private static let mostAliases = 32

    init(file: String, mistakes: MistakeList) {
        self.file = file
        self.mistakes = mistakes
    }

    /// The root of the document, or `nil` after a mistake or for an empty document.
    mutating func read(_ text: String) -> YAMLNode? {
        let start = Position(file: self.file)
        guard text.utf8.count <= 1 << 20 else {
            self.mistakes.add(InputError("a file has at most 1 MiB"), at: start)
            return nil
        }
        if let position = self.aliasBeyondLimit(in: text) {
            self.mistakes.add(
                InputError("a file has at most \(Self.mostAliases) aliases"), at: position)
            return nil
        }
        self.lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        guard let root = self.compose(text) else {
            if self.mistakes.isEmpty {
                self.mistakes.add(InputError("the file is empty"), at: start)
            }
            return nil
        }
        return self.convert(root, depth: 0, inherited: start)
    }

    /// Counts what looks like an alias before any alias is followed: nested aliases grow beyond all
    /// bounds, and the parser compares keys before we see them.
    private func aliasBeyondLimit(in text: String) -> Position? {
        var count = 0
        for (number, line) in text.split(
            omittingEmptySubsequences: false, whereSeparator: \.isNewline
        ).enumerated() where line.first(where: { $0 != " " }) != "#" {
            var previous: UInt8 = 0x20
            for (offset, byte) in line.utf8.enumerated() {
                if byte == UInt8(ascii: "*"), Self.precedesAlias(previous) { count += 1 }
                if count > Self.mostAliases {
                    return Position(file: self.file, line: number + 1, column: offset + 1)
                }
                previous = byte
            }
        }
        return nil
    }

    private static func precedesAlias(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x20, 0x09, UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: ","), UInt8(ascii: ":"):
            true
        default: false
        }
    }

    /// Parses the text. The parser gives up at a mapping that has a key twice, and names the first
    /// of them; so that all mistakes come at once, that key gets a disguise of one unused letter,
    /// which keeps every place, and the text is parsed again. `convert` takes the disguise off.
    private mutating func compose(_ text: String) -> Node? {
        var scalars = Array(text.unicodeScalars)
        for attempt in 0..<64 {
            do {
                // Every scalar is a text to us, and guessing types is slow.
                return try Yams.compose(yaml: String(String.UnicodeScalarView(scalars)), .basic)
            } catch YamlError.duplicatedKeysInMapping(let duplicates, let context) {
                let mark = context.mark
                guard let index = Self.firstLetter(of: duplicates.first, at: mark, in: scalars),
                    let disguise = Unicode.Scalar(0xF0000 + UInt32(attempt))
                else {
                    let rule = "a key stands once in a mapping"
                    self.mistakes.add(
                        InputError(rule, found: duplicates.first),
                        at: Position(file: self.file, line: mark.line, column: mark.column))
                    return nil
                }
                self.disguises[disguise] = scalars[index]
                scalars[index] = disguise
            } catch let error as YamlError {
                let (error, line, column) = YAMLProblem.describe(error)
                self.mistakes.add(error, at: Position(file: self.file, line: line, column: column))
                return nil
            } catch {
                self.mistakes.add(InputError("this is not YAML"), at: Position(file: self.file))
                return nil
            }
        }
        self.mistakes.add(
            InputError("a file has at most 64 keys written twice"), at: Position(file: self.file))
        return nil
    }

    /// The index of the first letter of a key, behind its quote, if it stands where it should.
    private static func firstLetter(
        of key: String?, at mark: Mark, in scalars: [Unicode.Scalar]
    ) -> Int? {
        guard let letter = key?.unicodeScalars.first else { return nil }
        var lineStart = 0
        var line = 1
        while line < mark.line, lineStart < scalars.count {
            if scalars[lineStart] == "\n" { line += 1 }
            lineStart += 1
        }
        var index = lineStart + mark.column - 1
        guard line == mark.line, scalars.indices.contains(index) else { return nil }
        if scalars[index] == "\"" || scalars[index] == "'" { index += 1 }
        return scalars.indices.contains(index) && scalars[index] == letter ? index : nil
    }

    /// Whether a plain key without a value has no colon behind it.
    private func lacksColon(_ key: YAMLNode, _ text: String) -> Bool {
        let place = key.position
        guard case .scalar(_, isPlain: true) = key.content, place.line <= self.lines.count else {
            return false
        }
        let rest = self.lines[place.line - 1].dropFirst(place.column - 1)
        guard rest.starts(with: text.unicodeScalars) else { return false }
        return rest.dropFirst(text.unicodeScalars.count).first { $0 != " " && $0 != "\t" } != ":"
    }

    private func undisguised(_ text: String) -> String {
        if self.disguises.isEmpty { return text }
        return String(
            String.UnicodeScalarView(text.unicodeScalars.map { self.disguises[$0] ?? $0 }))
    }

    private mutating func convert(_ node: Node, depth: Int, inherited: Position) -> YAMLNode? {
        let position =
            node.mark.map {
                Position(file: self.file, line: $0.line, column: $0.column)
            } ?? inherited
        self.budget -= 1
        if self.budget <= 0 || depth > Self.deepest {
            let rule =
                depth > Self.deepest
                ? "a file nests at most \(Self.deepest) levels deep"
                : "a file has at most 50000 values, aliases counted each time"
            self.mistakes.add(InputError(rule), at: position)
            self.budget = 0
            return nil
        }
        switch node {
        case .scalar(let scalar):
            let isPlain = scalar.style == .plain || scalar.style == .any
            let text = self.undisguised(scalar.string)
            return YAMLNode(position: position, content: .scalar(text, isPlain: isPlain))
        case .sequence(let sequence):
            var elements: [YAMLNode] = []
            for element in sequence {
                guard let element = self.convert(element, depth: depth + 1, inherited: position)
                else { return nil }
                elements.append(element)
            }
            return YAMLNode(position: position, content: .sequence(elements))
        case .mapping(let mapping):
            var entries: [YAMLNode.Entry] = []
            for (key, value) in mapping {
                guard let key = self.convert(key, depth: depth + 1, inherited: position),
                    let value = self.convert(value, depth: depth + 1, inherited: position)
                else { return nil }
                guard let text = key.text else {
                    self.mistakes.add(
                        InputError("a key is a text", found: key.shown), at: key.position)
                    continue
                }
                entries.append(
                    YAMLNode.Entry(
                        key: text, keyPosition: key.position, value: value,
                        isCrumb: value.isAbsent && self.lacksColon(key, text)))
            }
            return YAMLNode(position: position, content: .mapping(entries))
        case .alias:
            // The parser resolves aliases; one that is left over has no value.
            return YAMLNode(position: position, content: .scalar("", isPlain: true))
        }
    }
}
