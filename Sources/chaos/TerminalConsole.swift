import ChaosCore
import ChaosReport
import ChaosRun
import Dispatch
import Foundation
import Synchronization

/// Shows on standard error what happens in a run.
///
/// A terminal may stand still (`Ctrl-S`, a pager that nobody reads on), and the run must not: lines are
/// written on a queue of their own. Only what nodes print has to wait for it, and nodes with it.
final class TerminalConsole: Sendable {
    private let isTerminal = isatty(2) == 1
    private let hasColour: Bool
    private let showsNodes: Bool
    private let writing = DispatchQueue(label: "chaos.console")
    /// The progress line that stands on the terminal now.
    private let progress = Mutex("")
    /// When progress was shown last where lines stay.
    private let lastSecond = Mutex<Int64>(0)

    /// Makes a console; the output of nodes is shown if asked for.
    init(showsNodes: Bool) {
        let environment = ProcessInfo.processInfo.environment
        let isPlain = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        self.hasColour = isatty(2) == 1 && !isPlain && environment["TERM"] != "dumb"
        self.showsNodes = showsNodes
    }

    /// The console as a run wants it.
    var console: RunConsole {
        RunConsole { line in
            if case .node = line {
                self.writing.sync { self.show(line) }
            } else {
                self.writing.async { self.show(line) }
            }
        }
    }

    private func show(_ line: RunConsole.Line) {
        switch line {
        case .header(let fields):
            let width = fields.map(\.label.count).max() ?? 0
            for field in fields {
                let space = String(repeating: " ", count: width - field.label.count + 2)
                self.print(self.dim(field.label) + space + field.value)
            }
        case .node(let name, let index, let text):
            if self.showsNodes { self.print(self.colour(index, "\(name) | ") + text) }
        case .event(let at, let text): self.print(self.dim(Self.time(at)) + " " + text)
        case .warning(let text): self.print(self.paint("33", "warning: ") + text)
        case .progress(let at, let text): self.showProgress(at, text)
        }
    }

    /// One line that is written over again on a terminal; elsewhere a line every two seconds.
    private func showProgress(_ at: Instant, _ text: String) {
        if !self.isTerminal {
            let second = at.nanoseconds / 2_000_000_000
            let isNew = self.lastSecond.withLock { last in
                defer { last = second }
                return last != second
            }
            if isNew { self.print(Self.time(at) + " " + text) }
            return
        }
        self.progress.withLock { shown in
            shown = self.dim(Self.time(at)) + " " + text
            write("\r\u{1B}[K\(shown)", to: .standardError)
        }
    }

    /// Waits until everything is written, and takes the progress line away.
    func finish() {
        self.writing.sync {
            self.progress.withLock { shown in
                if !shown.isEmpty { write("\r\u{1B}[K", to: .standardError) }
                shown = ""
            }
        }
    }

    private func print(_ line: String) {
        self.progress.withLock { shown in
            let clear = shown.isEmpty ? "" : "\r\u{1B}[K"
            write("\(clear)\(line)\n\(shown)", to: .standardError)
        }
    }

    /// Seconds since the start, aligned up to a thousand of them.
    private static func time(_ instant: Instant) -> String {
        let milliseconds = max(0, instant.nanoseconds / 1_000_000)
        let rest = String(milliseconds % 1000)
        let text = "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
        return String(repeating: " ", count: max(0, 7 - text.count)) + text + "s"
    }

    private func paint(_ code: String, _ text: String) -> String {
        self.hasColour ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }

    private func dim(_ text: String) -> String { self.paint("2", text) }

    /// Neighbouring nodes get different colours.
    private func colour(_ index: Int, _ text: String) -> String {
        let codes = ["36", "32", "35", "33", "34", "96", "92", "95", "93", "94"]
        return self.paint(codes[index % codes.count], text)
    }
}
