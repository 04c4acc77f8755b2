import ArgumentParser
import ChaosControl
import ChaosCore
import ChaosReport
import ChaosRun
import Dispatch
import Foundation

/// `chaos top`
struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Show a live run as it goes on: clients, nodes, faults and the busiest links.",
        discussion: """
            On a terminal the screen is drawn again at each look, until the run ends or Ctrl-C; elsewhere \
            each look is a paragraph. With --json each look is the run's status, a line each.
            """)

    @OptionGroup var control: ControlOptions

    @Option(help: ArgumentHelp("The time between two looks.", valueName: "time"))
    var interval: String = "1s"

    @Option(help: ArgumentHelp("End after so many looks.", valueName: "count"))
    var looks: Int?

    func run() async throws {
        let session = ControlSession(options: self.control)
        let screen = Screen(isTerminal: isatty(STDOUT_FILENO) == 1 && !self.control.json)
        defer { screen.leave() }
        do {
            let pause = try self.parsedInterval()
            let client = try await session.connect()
            var before: RunStatus?
            var count = 0
            while true {
                let answer: JSONValue
                do throws(CommandError) { answer = try await client.send(["op": "status"]) } catch {
                    // The run has ended, or is about to and has nothing to show any more.
                    let isOver = [.unreachable, .disconnected, .conflict].contains(error.code)
                    if before != nil && isOver { break }
                    throw error
                }
                let now = try RunStatus(json: answer)
                if self.control.json {
                    ControlSession.print([answer.text])
                } else {
                    screen.show(
                        TopText.lines(now, since: before, rows: screen.rows, session.style))
                }
                before = now
                count += 1
                if count == self.looks { break }
                try await Task.sleep(for: pause)
            }
            await client.close()
        } catch {
            screen.leave()
            throw session.exit(error)
        }
    }

    private func parsedInterval() throws -> Duration {
        if let pause = try? Duration(parsing: self.interval), pause >= .milliseconds(100) {
            return pause
        }
        printError(
            "--interval: a time of at least 100ms, found '\(self.interval)'\nhint: such as 2s")
        throw ExitCode(ChaosExit.usage)
    }
}

/// The terminal's other screen, or standard output.
private final class Screen {
    private let isTerminal: Bool
    private var isEntered = false
    private var signals: [any DispatchSourceSignal] = []

    init(isTerminal: Bool) { self.isTerminal = isTerminal }

    /// How many lines fit.
    var rows: Int {
        var size = winsize()
        let isKnown = unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_row > 0
        return self.isTerminal && isKnown ? max(6, Int(size.ws_row) - 1) : 1000
    }

    func show(_ lines: [String]) {
        if !self.isTerminal {
            ControlSession.print(lines + [""])
            return
        }
        self.enter()
        // Home, each line with its rest cleared, then what is below (ECMA-48: CUP, EL, ED).
        let text = "\u{1B}[H" + lines.map { $0 + "\u{1B}[K\r\n" }.joined() + "\u{1B}[J"
        write(text, to: .standardOutput)
    }

    private func enter() {
        if self.isEntered { return }
        self.isEntered = true
        // The other screen, without a cursor; whoever ends us gets his own back.
        write("\u{1B}[?1049h\u{1B}[?25l", to: .standardOutput)
        self.signals = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler {
                write(Self.leaving, to: .standardOutput)
                _exit(number == SIGINT ? 0 : 128 + number)
            }
            source.resume()
            return source
        }
    }

    private static let leaving = "\u{1B}[?25h\u{1B}[?1049l"

    func leave() {
        if !self.isEntered { return }
        self.isEntered = false
        write(Self.leaving, to: .standardOutput)
    }
}
