import Foundation

/// The progress line on stderr: one that is rewritten on a terminal, one per repeat elsewhere.
struct Progress {
    private let total: Int
    private var done = 0
    private var lastRound = ""
    private let start = MonotonicClock.now
    private let isTerminal = isatty(2) == 1

    init(total: Int) { self.total = total }

    /// Tells what is measured next.
    mutating func next(_ round: String, _ what: String) {
        let elapsed = MonotonicClock.seconds(since: self.start)
        let left =
            self.done == 0
            ? "" : ", \(Int(elapsed / Double(self.done) * Double(self.total - self.done))) s left"
        self.done += 1
        if self.isTerminal {
            Self.write("\r\u{1B}[K[\(self.done)/\(self.total)] \(round): \(what)\(left)")
        } else if round != self.lastRound {
            Self.write("[\(self.done)/\(self.total)] \(round)\(left)\n")
        }
        self.lastRound = round
    }

    /// Removes the line.
    func finish() { if self.isTerminal { Self.write("\r\u{1B}[K") } }

    /// Writes text to stderr.
    static func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}
