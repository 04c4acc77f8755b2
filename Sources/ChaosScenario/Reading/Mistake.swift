import ChaosCore

/// A place in a file, counted from 1; columns count Unicode scalars, as editors nearly do.
package struct Position: Hashable, Comparable, Sendable {
    /// The file's name as the user gave it.
    package var file: String
    /// The line, from 1.
    package var line: Int
    /// The column, from 1.
    package var column: Int

    /// Makes a place.
    package init(file: String, line: Int = 1, column: Int = 1) {
        self.file = file
        self.line = line
        self.column = column
    }

    package static func < (left: Position, right: Position) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// One thing that is wrong in a file, and where.
package struct Mistake: Hashable, Sendable, CustomStringConvertible {
    /// Where it stands.
    package var position: Position
    /// What is wrong.
    package var error: InputError

    /// Makes a mistake.
    package init(at position: Position, _ error: InputError) {
        self.position = position
        self.error = error
    }

    /// `file:line:column: rule, found 'value'`, and the hint on a line of its own.
    package var description: String {
        "\(self.position.file):\(self.position.line):\(self.position.column): \(self.error)"
    }
}

/// Everything that is wrong in a file, sorted by position; never empty.
package struct Mistakes: Error, Hashable, Sendable, CustomStringConvertible {
    /// The mistakes: those of the file itself first, then those of profiles that it uses.
    package let list: [Mistake]

    /// Makes a list.
    package init(list: [Mistake]) { self.list = list }

    /// All mistakes, one below the other.
    package var description: String { self.list.map(\.description).joined(separator: "\n") }
}

/// Gathers mistakes while a file is read, so that all of them are told at once.
final class MistakeList {
    private var mistakes: [Mistake] = []
    /// How many mistakes are kept; a file that is something else entirely needs no thousand lines.
    private let limit = 100

    var isEmpty: Bool { self.mistakes.isEmpty }

    func add(_ error: InputError, at position: Position) {
        let mistake = Mistake(at: position, error)
        if self.mistakes.count < self.limit, !self.mistakes.contains(mistake) {
            self.mistakes.append(mistake)
        }
    }

    /// Returns what the body makes of a text; an error becomes a mistake and `nil`.
    func catching<Value>(
        at position: Position, _ body: () throws(InputError) -> Value
    ) -> Value? {
        do { return try body() } catch {
            self.add(error, at: position)
            return nil
        }
    }

    /// The mistakes in order, those of the given file first.
    func sorted(first file: String) -> Mistakes {
        Mistakes(
            list: self.mistakes.enumerated().sorted { left, right in
                let (leftPlace, rightPlace) = (left.element.position, right.element.position)
                if leftPlace.file != rightPlace.file {
                    if leftPlace.file == file { return true }
                    if rightPlace.file == file { return false }
                    return leftPlace.file < rightPlace.file
                }
                if leftPlace != rightPlace { return leftPlace < rightPlace }
                return left.offset < right.offset
            }.map(\.element))
    }
}
