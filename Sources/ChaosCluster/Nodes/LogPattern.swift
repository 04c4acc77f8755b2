import ChaosCore
import Synchronization

/// What to look for in a line of a node's output: a text, or a regular expression between slashes.
package final class LogPattern: Sendable {
    /// As it was written.
    package let text: String

    // Regex is no Sendable; the lock is what makes sharing it sound.
    private let expression: Mutex<Regex<AnyRegexOutput>?>

    /// Reads a pattern.
    ///
    /// - Throws: `InputError` when there is no such regular expression.
    package init(_ text: String) throws(InputError) {
        self.text = text
        guard text.count > 2, text.hasPrefix("/"), text.hasSuffix("/") else {
            self.expression = Mutex(nil)
            return
        }
        do {
            self.expression = Mutex(try Regex(String(text.dropFirst().dropLast())))
        } catch {
            throw InputError(
                "what stands between slashes must be a regular expression", found: text)
        }
    }

    /// Whether a line contains the text or a match.
    package func matches(_ line: String) -> Bool {
        self.expression.withLock { expression in
            guard let expression else { return line.contains(self.text) }
            return (try? expression.firstMatch(in: line)) != nil
        }
    }
}
